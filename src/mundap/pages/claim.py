"""A claim on the page of its thread: one row with its verdict and gauges, and beneath it what it rests on."""

import html
from collections.abc import Iterable

from mundap.pages.again import repeated, values_again
from mundap.pages.gauge import gauge, shown
from mundap.pages.issues import doubt
from mundap.pages.links import link, notebook_path, resolve, thread_path
from mundap.pages.marks import Flavour, box, element
from mundap.pages.verdicts import mark
from mundap.project import schema
from mundap.project.expression import Comparison
from mundap.project.model import Cite, Claim, Judgement, Project, Thread
from mundap.project.numbers import of_output

SHOWN = 2  # gauges beside a claim; the others stand beneath


def claim_row(flavour: Flavour, project: Project, thread: Thread, claim: Claim) -> str:
    """A claim as an article with its address."""
    page, judgement = thread_path(thread), project.judgement(thread, claim)
    sentence = box(flavour, "claim-text", f"{mark(claim.verdict)} {resolve(project, claim.text, page)}")
    parts = [*gone(thread, claim.anchor), sentence]
    if judgement:
        parts.append(gauges(project, judgement))
    if claim.why is not None:
        parts.append(box(flavour, "why", resolve(project, claim.why, page)))
    parts.append(_evidence(flavour, project, claim, judgement, page))
    attributes = f' class="claim {schema.VERDICTS[claim.verdict][0]}" id="{claim.anchor}"'
    return element(flavour, "article", "\n\n".join(parts), attributes)


def gauges(project: Project, judgement: Judgement) -> str:
    """The comparisons of a judgement that decide most, in words and as lines."""
    return _gauges(project, judgement, deciding(judgement))


def deciding(judgement: Judgement) -> list[int]:
    """Which comparisons stand beside a claim: those that fall in a world without the effect before the others."""
    fallen = {
        number for null in judgement.nulls for number, there in enumerate(null.comparisons or ()) if not there.holds
    }
    numbers = sorted(range(len(judgement.comparisons)), key=lambda number: number not in fallen)
    return sorted(numbers[:SHOWN])


def _gauges(project: Project, judgement: Judgement, numbers: Iterable[int]) -> str:
    rows = [gauge(judgement.comparisons[number], _nulls(judgement, number), project.labels) for number in numbers]
    return f'<div class="gauges">{"".join(rows)}</div>' if rows else ""


def _nulls(judgement: Judgement, number: int) -> list[tuple[str, Comparison]]:
    """(world without the effect, the comparison of that number there) of a judgement."""
    return [(null.world, null.comparisons[number]) for null in judgement.nulls if null.comparisons]


def _evidence(flavour: Flavour, project: Project, claim: Claim, judgement: Judgement | None, page: str) -> str:
    """What a claim rests on: conditions as they are written, runs, citations, its address; closed until asked for."""
    parts = []
    if judgement:
        rows = "\n".join(
            condition(comparison, values_again(judgement, number))
            for number, comparison in enumerate(judgement.comparisons)
        )
        shown_above = deciding(judgement)
        others = (number for number in range(len(judgement.comparisons)) if number not in shown_above)
        runs = ", ".join(link(project.snippets[name].title, notebook_path(name), page) for name in judgement.snippets)
        parts += [
            _gauges(project, judgement, others),
            f'<ul class="conditions">\n{rows}\n</ul>',
            box(flavour, "where", f"실행: {runs}"),
        ]
    parts += [box(flavour, "cite", resolve(project, cited(project, cite), page)) for cite in claim.cites]
    wrong = doubt(flavour.repository, "이 주장이 틀렸나요?", page, claim.anchor, resolve(project, claim.text, page))
    parts.append(f'<p class="address"><a class="permalink" href="#{claim.anchor}">이 주장의 주소</a>{wrong}</p>')
    count = (len(judgement.comparisons) if judgement else 0) + len(claim.cites)
    facts = [claim.verdict, claim.basis, f"근거 {count}개", repeated(judgement) if judgement else ""]
    summary = f"<summary>{' · '.join(filter(None, facts))}</summary>"
    return f'<details class="evidence"{flavour.markdown}>\n{summary}\n\n' + "\n\n".join(parts) + "\n\n</details>"


def condition(comparison: Comparison, again: str) -> str:
    """A comparison as its author wrote it, with the value of either side. again: its values under moved seeds."""
    name = f"{comparison.hold}({comparison.left})" if comparison.hold else comparison.left
    right = comparison.right if comparison.is_bound else f"{comparison.right} = {shown(comparison.right_value)}"
    bound = html.escape(of_output(f"{comparison.operator} {right}"))
    return f"<li><code>{html.escape(name)}</code> {html.escape(shown(comparison.left_value))} {bound}{again}</li>"


def gone(thread: Thread, name: str) -> list[str]:
    """The addresses whose meaning an answer or claim took over, so that old links arrive at it."""
    old = [f'<a id="{item.old}"></a>' for item in thread.moved if item.new == name]
    return ["".join(old)] if old else []


def cited(project: Project, cite: Cite) -> str:
    """One citation as Markdown: authors, year, place, and what is reported there."""
    paper = project.papers[cite.paper]
    says = "" if cite.says is None else f": {cite.says}"
    return f"[{paper.authors} ({paper.year})]({paper.url}) {cite.where}{says}"
