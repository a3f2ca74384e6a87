"""Decide claims by the evidence of the recorded runs."""

from collections.abc import Mapping
from dataclasses import replace

from mundap.project.draft import word
from mundap.project.expression import Evidence, Expression, ExpressionError, NoRecord
from mundap.project.model import Judgement, Project


def judge(check: str, evidence: Mapping[str, Evidence | None]) -> Judgement:
    """Decide a check by evidence {snippet: {name: value} or None}. Raises ExpressionError, NoRecord."""
    expression = Expression(check)
    expression.verify_names(evidence)
    names = dict.fromkeys(name for name, _, _ in expression.names)
    return Judgement(tuple(expression.comparisons(evidence)), tuple(names))


def judge_all(project: Project) -> Project:
    """The project with every check decided that can be: of claims and tries, of broken files too."""
    judgements = {}
    for draft in project.files.drafts:
        for place, item in draft.judged:
            check = word(item, "check")
            if not check or word(item, "verdict") == "문헌":
                continue
            try:
                judgements[draft.document.path, place] = judge(check, project.evidence)
            except (ExpressionError, NoRecord):
                continue  # the checks say why
    return replace(project, judgements=judgements)
