import pytest

from mundap.project.expression import ExpressionError, NoRecord
from mundap.project.judge import judge

EVIDENCE = {"a": {"x": 1.0, "name": "TypeError"}, "b": {"y": 2}, "waits": None}


def test_all_comparisons_have_to_hold():
    judgement = judge("a.x < 2 and b.y == 2", EVIDENCE)
    assert judgement.holds and [c.holds for c in judgement.comparisons] == [True, True]
    judgement = judge("a.x < 2 and b.y == 3", EVIDENCE)
    assert not judgement.holds and [c.holds for c in judgement.comparisons] == [True, False]
    assert not judge("0 < a.x < 1 and b.y == 2", EVIDENCE).holds


def test_runs_that_decide_are_named_once_in_order():
    assert judge("b.y > a.x and a.name == 'TypeError' and b.y > 0", EVIDENCE).snippets == ("b", "a")


@pytest.mark.parametrize("check", ["a.z < 1", "c.x < 1", "a.x <", "a.x / (b.y - 2) < 1", "a.name < 1"])
def test_what_cannot_be_decided(check):
    with pytest.raises(ExpressionError):
        judge(check, EVIDENCE)


def test_without_a_record():
    with pytest.raises(NoRecord, match="waits"):
        judge("waits.x < 1", EVIDENCE)
