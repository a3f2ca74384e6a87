import pytest
from engine import FILES, make_project, put

from mundap.project.check import examine
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


LEARNT = {"a": {"gap": [0.2, 0.1, 0.3, 0.2, 0.25], "accuracy": 0.9, "name": "글"}, "b": {"y": 2.0}}
WORLDS = {
    "a": {
        "배우지 않은 모델": {"gap": [0.01, -0.1, 0.05, -0.02, 0.03], "accuracy": 0.5},
        "뒤섞은 정답": {"accuracy": 0.11},
    },
    "b": {"배우지 않은 모델": {"y": 2.0}},
}


@pytest.mark.parametrize(
    "check, holds",
    [
        ("a.accuracy > 0.8", {"뒤섞은 정답": False, "배우지 않은 모델": False}),
        ("a.accuracy > 0.3", {"뒤섞은 정답": False, "배우지 않은 모델": True}),
        ("low(a.gap) > 0", {"배우지 않은 모델": False}),
        ("mean(a.gap) > -1", {"배우지 않은 모델": True}),
        ("b.y == 2 and a.accuracy > 0.8", {"뒤섞은 정답": False, "배우지 않은 모델": False}),
        ("b.y == 2", {"배우지 않은 모델": True}),
        ("a.name == '글'", {}),
        ("a.accuracy / (b.y - 2 + 0.5 - a.accuracy) > -100", {"뒤섞은 정답": True, "배우지 않은 모델": False}),
    ],
)
def test_a_check_is_judged_in_every_world_that_says_something_of_it(check, holds):
    judgement = judge(check, LEARNT, WORLDS)
    assert judgement.holds
    assert {null.world: null.holds for null in judgement.nulls} == holds


def test_nulls_tell_what_was_measured_there():
    (null,) = judge("a.accuracy > 0.8 and low(a.gap) > 0", LEARNT, {"a": {"x": {"accuracy": 0.5}}}).nulls
    assert [comparison.left_value for comparison in null.comparisons][0] == 0.5
    assert [comparison.holds for comparison in null.comparisons] == [False, True]


def test_without_worlds_there_are_no_nulls():
    assert judge("a.accuracy > 0.8", LEARNT).nulls == ()


def test_what_the_literature_says_is_not_judged(tmp_path):
    file = "docs/qa/basics/first.yaml"
    put(
        make_project(tmp_path) / file,
        FILES[file].replace("basis: 문헌\n", "basis: 문헌\n        check: measure.difference < 1\n"),
    )
    project, _ = examine(tmp_path)
    judged = {place for path, place in project.judgements if path == file}
    assert ("answers", 0, "claims", 0) in judged and ("answers", 0, "claims", 1) not in judged
