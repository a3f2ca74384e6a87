"""Verdicts as a page shows them: badges, counts, and what was measured beside its bound."""

import html
from collections import Counter
from collections.abc import Iterable

from mundap.pages.links import plain, relative, resolve, thread_path
from mundap.project import schema
from mundap.project.model import Answer, Project, Thread


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


def mark(verdict: str | None) -> str:
    """A verdict as a square with its sign, named for who does not see it; a plain one where there is none."""
    if verdict is None:
        return '<span class="mark" aria-hidden="true">·</span>'
    css, sign, _ = schema.VERDICTS[verdict]
    return f'<span class="mark {css}" role="img" aria-label="{verdict}" title="{verdict}">{sign}</span>'


def of_answer(answer: Answer) -> str | None:
    """The verdict of an answer: its author's, or that of its claims where they agree, 일부 맞음 where they do not.

    None of our own explanation: what is judged in it are the claims, not what it says.
    """
    if answer.kind == "해설":
        return None
    if answer.verdict:
        return answer.verdict
    verdicts = {claim.verdict for claim in answer.claims}
    decided = verdicts - {"미확인"}
    return decided.pop() if len(decided) == 1 else "일부 맞음" if decided else "미확인"


def strip(project: Project, thread: Thread, page: str) -> str:
    """The claims of a thread as one square each, every one a link to its claim, for a page."""
    home, squares = thread_path(thread), []
    for claim in thread.claims:
        css, sign, _ = schema.VERDICTS[claim.verdict]
        name = html.escape(f"{claim.verdict}: {plain(resolve(project, claim.text, home), 120)}")
        address = f"#{claim.anchor}" if page == home else relative(f"{home}#{claim.anchor}", page)
        squares.append(f'<a class="{css}" href="{address}" title="{name}" aria-label="{name}">{sign}</a>')
    return f'<span class="tally">{"".join(squares)}</span>'


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
