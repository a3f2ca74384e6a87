"""Verdicts as a page shows them: badges, counts, and what was measured beside its bound."""

import html
from collections import Counter
from collections.abc import Iterable

from mundap.pages.again import repeated, values_again
from mundap.pages.dots import dots
from mundap.pages.links import link, notebook_path
from mundap.pages.marks import Flavour, box
from mundap.project import schema
from mundap.project.expression import Comparison
from mundap.project.model import Judgement, Project, Thread
from mundap.project.numbers import format_value, readable
from mundap.project.particles import agree
from mundap.project.values import Value


def badge(verdict: str) -> str:
    """A verdict as a badge: word and sign, not colour alone."""
    _, sign, meaning = schema.VERDICTS[verdict]
    return (
        f'<span class="verdict" title="{html.escape(meaning)}"><span aria-hidden="true">{sign}</span> {verdict}</span>'
    )


def basis_badge(basis: str) -> str:
    """What decided a verdict, as a word beside its badge."""
    return f'<span class="basis" title="{html.escape(schema.BASES[basis])}">{basis}</span>'


def level_badge(level: str) -> str:
    """A level as a badge."""
    return f'<span class="level level-{schema.LEVELS.index(level) + 1}">{level}</span>'


def verdict_counts(threads: Iterable[Thread]) -> dict[str, int]:
    """How many claims have each verdict, in the verdicts' own order."""
    counts = Counter(claim.verdict for thread in threads for claim in thread.claims)
    return {verdict: counts[verdict] for verdict in schema.VERDICTS if counts[verdict]}


def basis_counts(threads: Iterable[Thread]) -> dict[str, int]:
    """How many claims were decided by what, in the bases' own order."""
    counts = Counter(claim.basis for thread in threads for claim in thread.claims)
    return {basis: counts[basis] for basis in schema.BASES if counts[basis]}


def measure(flavour: Flavour, project: Project, judgement: Judgement, page: str) -> str:
    """The measured numbers of a check beside their bounds and worlds without the effect, and the runs they come from."""
    rows = "\n".join(
        _row(
            comparison,
            [(null.world, null.comparisons[number]) for null in judgement.nulls if null.comparisons],
            values_again(judgement, number),
        )
        for number, comparison in enumerate(judgement.comparisons)
    )
    runs = ", ".join(link(project.snippets[name].title, notebook_path(name), page) for name in judgement.snippets)
    parts = [f'<dl class="measure">\n{rows}\n</dl>', repeated(judgement), box(flavour, "where", f"실행: {runs}")]
    return "\n\n".join(part for part in parts if part)


def _row(comparison: Comparison, nulls: list[tuple[str, Comparison]], again: str) -> str:
    operator, right = comparison.operator, comparison.right_value
    if comparison.is_bound:
        bound = f"기준 {html.escape(readable(f'{operator} {_bound(comparison.right, right)}'))}"
    else:
        other = html.escape(readable(f"{operator} {_shown(right)}"))
        bound = f"비교 {other} (<code>{html.escape(comparison.right)}</code>)"
    name = f"{comparison.hold}({comparison.left})" if comparison.hold else comparison.left
    others = [(world, there) for world, there in nulls if there.left_value != comparison.left_value]
    return (
        f"<div>\n<dt><code>{html.escape(name)}</code></dt>\n"
        f'<dd><span class="measured">{html.escape(_shown(comparison.left_value))}</span> '
        f'<span class="bound">{bound}</span>{"".join(_null(*other) for other in others)}{again}{_dots(comparison, others)}</dd>\n</div>'
    )


def _null(world: str, there: Comparison) -> str:
    """What was measured in a world without the effect."""
    return f' <span class="null">{html.escape(world + agree(world, "이라면"))} {html.escape(_shown(there.left_value))}</span>'


def _dots(comparison: Comparison, nulls: list[tuple[str, Comparison]]) -> str:
    """The seeds as dots, where the left side speaks of several."""
    if not comparison.seeds:
        return ""
    right = comparison.right_value
    bound = float(right) if comparison.is_bound and isinstance(right, int | float) else None
    others = [(world, there.left_value) for world, there in nulls]
    shown = [(world, float(value)) for world, value in others if isinstance(value, int | float)]
    return dots(comparison.seeds, bound, shown)


def _shown(value: Value | list[float]) -> str:
    """A value, or of a list from where to where it goes."""
    if isinstance(value, list):
        return readable(f"{format_value(min(value))}~{format_value(max(value))}")
    return readable(format_value(value))


def _bound(text: str, value: Value | list[float]) -> str:
    return format_value(value) if isinstance(value, bool) else text.strip("'\"")


def verdict_table() -> str:
    """What each verdict and each basis means, as two Markdown tables."""
    rows = [f"| {sign} {name} | {meaning} |" for name, (_, sign, meaning) in schema.VERDICTS.items()]
    bases = [f"| {name} | {meaning} |" for name, meaning in schema.BASES.items()]
    return "\n".join(["| 판정 | 뜻 |", "|---|---|", *rows, "", "| 근거 | 뜻 |", "|---|---|", *bases])


def scoreboard(project: Project) -> str:
    """Claims by verdict: numbers and a proportional bar, all counted."""
    counts = verdict_counts(project.threads.values())
    css = {verdict: schema.VERDICTS[verdict][0] for verdict in counts}
    bar = "".join(
        f'<span class="{css[verdict]}" style="flex-grow: {count}"></span>' for verdict, count in counts.items()
    )
    items = "".join(
        f'<li class="{css[verdict]}">{badge(verdict)} <strong>{count}</strong></li>'
        for verdict, count in counts.items()
    )
    bases = ", ".join(f"{basis} {count}개" for basis, count in basis_counts(project.threads.values()).items())
    return (
        f'<div class="scoreboard">\n<p>지금까지 주장 <strong>{sum(counts.values())}</strong>개를 판정했어요. '
        f"무엇이 갈랐나 세어 보면 {bases}예요.</p>\n"
        f'<div class="bar" aria-hidden="true">{bar}</div>\n<ul>{items}</ul>\n</div>'
    )
