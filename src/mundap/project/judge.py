"""Decide a claim's check by the evidence of the recorded runs."""

from dataclasses import dataclass

from mundap.project.expression import Expression


@dataclass(frozen=True)
class Judgement:
    """A check, decided. snippets: the names of the runs that decided it, in order of appearance."""

    comparisons: tuple
    snippets: tuple

    @property
    def holds(self):
        return all(comparison.holds for comparison in self.comparisons)


def judge(check, evidence):
    """Decide a check by evidence {snippet: {name: value} or None} -> Judgement; raises ExpressionError."""
    expression = Expression(check)
    expression.verify_names(evidence)
    names = dict.fromkeys(name for name, _, _ in expression.names)
    return Judgement(tuple(expression.comparisons(evidence)), tuple(names))
