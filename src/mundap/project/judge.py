"""Decide claims by the evidence of the recorded runs."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mundap.project.draft import word
from mundap.project.expression import Expression
from mundap.project.model import Judgement, Null, Project
from mundap.project.values import Evidence, ExpressionError, NoRecord


def judge(
    check: str,
    evidence: Mapping[str, Evidence | None],
    worlds: Mapping[str, Mapping[str, Evidence]] | None = None,
) -> Judgement:
    """Decide a check by evidence {snippet: {name: value} or None}. Raises ExpressionError, NoRecord.

    worlds: {snippet: {world without the effect: {name: value}}}; the check is judged in each of them too.
    """
    expression = Expression(check)
    expression.verify_names(evidence)
    names = dict.fromkeys(name for name, _, _ in expression.names)
    comparisons = tuple(expression.comparisons(evidence))
    return Judgement(expression, comparisons, tuple(names), tuple(_nulls(expression, evidence, worlds or {})))


def _nulls(
    expression: Expression,
    evidence: Mapping[str, Evidence | None],
    worlds: Mapping[str, Mapping[str, Evidence]],
) -> Iterator[Null]:
    """The check in every world that says something of a name in it."""
    used = {(snippet, name) for snippet, name, _ in expression.names}
    measured = {snippet: evidence[snippet] for snippet, _ in used}
    found = {world: None for snippet, _ in used for world in worlds.get(snippet, {})}
    for world in sorted(found):
        there = {snippet: worlds.get(snippet, {}).get(world, {}) for snippet in measured}
        if any(name in there[snippet] for snippet, name in used):
            replaced = {snippet: (own or {}) | there[snippet] for snippet, own in measured.items()}
            try:
                yield Null(world, tuple(expression.comparisons(replaced)))
            except ExpressionError:  # such as a division by what is zero there
                yield Null(world, None)


def judge_all(project: Project) -> Project:
    """The project with every check decided that can be: of claims and tries, of broken files too."""
    judgements = {}
    for draft in project.files.drafts:
        for place, item in draft.judged:
            check = word(item, "check")
            if not check or word(item, "basis") == "문헌":
                continue
            try:
                judgements[draft.document.path, place] = judge(check, project.evidence, project.worlds)
            except (ExpressionError, NoRecord):
                continue  # the checks say why
    return replace(project, judgements=judgements)
