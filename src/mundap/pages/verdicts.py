"""Verdicts as a page shows them: badges, counts, and what was measured beside its bound."""

import html
from collections import Counter
from collections.abc import Iterable

from mundap.pages.links import link, notebook_path
from mundap.pages.marks import Flavour, box
from mundap.project import schema
from mundap.project.expression import Comparison
from mundap.project.model import Judgement, Project, Thread
from mundap.project.numbers import format_value, readable
from mundap.project.values import Value


def badge(verdict: str) -> str:
    """A verdict as a badge: word and sign, not colour alone."""
    _, sign, meaning = schema.VERDICTS[verdict]
    return (
        f'<span class="verdict" title="{html.escape(meaning)}"><span aria-hidden="true">{sign}</span> {verdict}</span>'
    )


def level_badge(level: str) -> str:
    """A level as a badge."""
    return f'<span class="level level-{schema.LEVELS.index(level) + 1}">{level}</span>'


def verdict_counts(threads: Iterable[Thread]) -> dict[str, int]:
    """How many claims have each verdict, in the verdicts' own order."""
    counts = Counter(claim.verdict for thread in threads for claim in thread.claims)
    return {verdict: counts[verdict] for verdict in schema.VERDICTS if counts[verdict]}


def measure(flavour: Flavour, project: Project, judgement: Judgement, page: str) -> str:
    """The measured numbers of a check beside their bounds, and the runs that they come from."""
    rows = "\n".join(map(_row, judgement.comparisons))
    runs = ", ".join(link(project.snippets[name].title, notebook_path(name), page) for name in judgement.snippets)
    return f'<dl class="measure">\n{rows}\n</dl>\n\n{box(flavour, "where", f"실행: {runs}")}'


def _row(comparison: Comparison) -> str:
    operator, right = comparison.operator, comparison.right_value
    if comparison.is_bound:
        bound = f"기준 {html.escape(readable(f'{operator} {_bound(comparison.right, right)}'))}"
    else:
        other = html.escape(readable(f"{operator} {format_value(right)}"))
        bound = f"비교 {other} (<code>{html.escape(comparison.right)}</code>)"
    return (
        f"<div>\n<dt><code>{html.escape(comparison.left)}</code></dt>\n"
        f'<dd><span class="measured">{html.escape(readable(format_value(comparison.left_value)))}</span> '
        f'<span class="bound">{bound}</span></dd>\n</div>'
    )


def _bound(text: str, value: Value | list[float]) -> str:
    return format_value(value) if isinstance(value, bool) else text.strip("'\"")


def verdict_table() -> str:
    """What each verdict means, as a Markdown table."""
    rows = [f"| {sign} {name} | {meaning} |" for name, (_, sign, meaning) in schema.VERDICTS.items()]
    return "\n".join(["| 판정 | 뜻 |", "|---|---|", *rows])


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
    return (
        f'<div class="scoreboard">\n<p>지금까지 주장 <strong>{sum(counts.values())}</strong>개를 판정했어요.</p>\n'
        f'<div class="bar" aria-hidden="true">{bar}</div>\n<ul>{items}</ul>\n</div>'
    )
