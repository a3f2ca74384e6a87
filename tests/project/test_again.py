"""Claims under moved seeds and without learning. The small project's measure decides three checks, all of them by numbers
below 1; with `import torch` in it, it may learn."""

import json
from dataclasses import replace

import pytest
from again import put_reruns, seeds
from engine import FILES, make_project, make_records, put

from mundap.project import again, records
from mundap.project.check import examine

FIRST, MEASURE = "docs/qa/basics/first.yaml", "snippets/measure.py"
CLAIM, OTHER, TRY = ("answers", 0, "claims", 0), ("answers", 1, "claims", 0), ("try", 0)
SAME, MOVED, FALLEN = ({"difference": value, "name": "작음"} for value in (1e-7, 2e-6, 0.3))


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


@pytest.fixture
def learning(project):
    """The small project, whose measure imports torch and safetensors."""
    put(project / MEASURE, FILES[MEASURE].replace("from helper", "import safetensors\nimport torch\nfrom helper"))
    make_records(project)
    return project


def judged(project, place=CLAIM):
    found, problems = examine(project)
    return found, found.judgements[FIRST, place], [str(problem) for problem in problems]


def test_a_check_is_judged_in_every_round(project):
    put_reruns(project, seeds(*[MOVED] * 8, FALLEN, SAME))
    _, judgement, problems = judged(project)
    rounds = again.rounds(judgement)
    assert [each.world for each in rounds] == [f"seeds:{number}" for number in range(1, 11)], "by number, not by letter"
    assert [each.holds for each in rounds] == [True] * 8 + [False, True]
    assert [each.comparisons[0].left_value for each in rounds] == [2e-6] * 8 + [0.3, 1e-7]
    assert not again.has_fallen(judgement) and problems == []
    assert again.standing(judgement) == "most"


@pytest.mark.parametrize(
    "rounds, expected, standing",
    [
        ([SAME] * 10, False, "all"),
        ([SAME] * 9 + [FALLEN], False, "most"),
        ([SAME] * 8 + [FALLEN] * 2, True, "few"),
        ([SAME] * 18 + [FALLEN] * 2, False, "most"),
        ([SAME] * 17 + [FALLEN] * 3, True, "few"),
        ([FALLEN] * 9, False, "few"),
        ([FALLEN] * 10, True, "few"),
        ([SAME] * 8 + ["오류로 멈췄어요.", {"name": "작음"}], True, "few"),
        ([SAME] * 8 + [{"difference": "글", "name": "작음"}] * 2, True, "few"),
    ],
)
def test_nine_of_ten_have_to_give_the_same_verdict(project, rounds, expected, standing):
    put_reruns(project, seeds(*rounds))
    _, judgement, problems = judged(project)
    assert again.has_fallen(judgement) is expected and again.standing(judgement) == standing
    assert any(problem.startswith(f"{FIRST}:35:16: 시드를 옮겨") for problem in problems) is expected


def test_what_fell_is_told(project):
    put_reruns(project, seeds(SAME, *[FALLEN] * 3, *[SAME] * 6))
    _, _, problems = judged(project)
    assert problems == [
        f"{FIRST}:35:16: 시드를 옮겨 다시 돌린 10번 중 7번만 조건이 성립해요(2번째: `measure.difference < 1e-5`에서 왼쪽이 0.3). "
        "시드를 여럿 돌려 구간으로 말하거나, 주장을 좁히거나, 판정을 `미확인`으로 바꿔 주세요."
    ]
    put_reruns(project, seeds(*["넘쳤어요."] * 2, *[SAME] * 8))
    assert all("10번 중 8번만 조건이 성립해요(1번째: 넘쳤어요.)." in problem for problem in judged(project)[2])
    put_reruns(project, seeds(*[{"name": "작음"}] * 2, *[SAME] * 8))
    assert all("(1번째: 거기서는 값을 셈할 수 없어요)." in problem for problem in judged(project)[2])


def test_tries_are_replicated_too(project):
    put_reruns(project, seeds(*[{"difference": 0.7, "name": "작음"}] * 10))
    _, judgement, problems = judged(project, TRY)
    assert again.has_fallen(judgement) and len(problems) == 2


def test_without_reruns_there_is_nothing_to_say(project):
    _, judgement, problems = judged(project)
    assert judgement.again == () and again.standing(judgement) == "none" and problems == []


def test_a_check_of_two_snippets_takes_both_at_the_same_round(project):
    put(project / FIRST, FILES[FIRST].replace("measure.difference < 1e-5", "measure.difference < 0.05 * count.steps"))
    put_reruns(project, seeds(FALLEN, {"difference": 0.2, "name": "작음"}, SAME))
    assert judged(project)[1].again == ()
    lines = (project / "docs/reruns/replicate.jsonl").read_text()
    put_reruns(project, seeds({"steps": 3, "exact": True}, {"steps": 1, "exact": True}), "count")
    put(project / "docs/reruns/replicate.jsonl", lines + (project / "docs/reruns/replicate.jsonl").read_text())
    rounds = again.rounds(judged(project)[1])
    assert [(each.world, each.holds) for each in rounds] == [("seeds:1", False), ("seeds:2", False)]
    assert [each.comparisons[0].right_value for each in rounds] == pytest.approx([0.15, 0.05])


def test_reruns_of_code_that_gave_the_same_numbers_stay(project):
    measured = examine(project)[0].records["measure"].numbers
    put_reruns(project, seeds(*[SAME] * 10), beside=measured)
    put(project / MEASURE, FILES[MEASURE].replace("차이 재기", "차이"))
    make_records(project)
    _, judgement, problems = judged(project)
    assert again.standing(judgement) == "all" and problems == []
    assert again.due(examine(project)[0], ["measure"], ["seeds:1"]) == []
    put(project / MEASURE, FILES[MEASURE].replace("차이 재기", "다름"))
    make_records(project, measure=({"difference": 2e-7, "name": "작음"}, {"difference": 1e-8}, {}))
    _, judgement, problems = judged(project)
    assert again.standing(judgement) == "none" and problems[-1].startswith("snippets/measure.py:1:1: ")


def test_numbers_that_differ_from_run_to_run_are_none_of_what_was_measured(project):
    record = examine(project)[0].records["measure"]
    other = replace(record, evidence={**record.evidence, "difference": 0.5})
    assert other.numbers != record.numbers
    free = {"difference": None}
    assert replace(other, tolerance=free).numbers == replace(record, tolerance=free).numbers


def test_reruns_of_older_code_are_old_and_no_problem(project):
    put_reruns(project, seeds(*[FALLEN] * 10))
    put(project / MEASURE, FILES[MEASURE].replace("차이 재기", "차이"))
    make_records(project)
    _, judgement, problems = judged(project)
    assert all(each.stale for each in judgement.again) and len(judgement.again) == 10
    assert again.standing(judgement) == "none" and not again.has_fallen(judgement)
    assert problems == [
        "snippets/measure.py:1:1: `mundap replicate` 명령으로 다시 돌린 뒤에 코드가 바뀌었고 증거도 달라졌어요. "
        "`mundap replicate measure` 명령으로 한 번 더 돌려 주세요."
    ]


@pytest.mark.parametrize(
    "there, depends, caught",
    [
        (SAME, False, False),
        ({"difference": 1.05e-7, "name": "작음"}, False, False),  # within its tolerance of 1e-8
        ({"difference": 1.2e-7, "name": "작음"}, True, True),
        (FALLEN, True, False),
        ({"name": "작음"}, True, False),
        ("오류로 멈췄어요.", True, False),
    ],
)
@pytest.mark.parametrize("world", again.LEARNING)
def test_a_check_that_holds_without_learning_is_caught(learning, world, there, depends, caught):
    put_reruns(learning, {world: there})
    _, judgement, problems = judged(learning)
    assert again.depends(judgement, world) is depends and again.is_caught(judgement, world) is caught
    assert any("학습이 가른 판정이 아니에요" in problem for problem in problems) is (caught or there is FALLEN)
    assert not any(again.depends(judgement, other) for other in again.LEARNING if other != world)


def test_what_is_caught_is_told(learning):
    put_reruns(learning, {"steps": MOVED, "weights": SAME})
    problems = judged(learning)[2]
    assert problems[0] == (
        f"{FIRST}:35:16: `학습하지 않은 세계`에서도 이 조건이 성립해서, 학습이 가른 판정이 아니에요"
        "(`measure.difference < 1e-5`에서 왼쪽이 2e-06). "
        "학습이 가르는 조건으로 고치거나, `basis`를 `증명`으로, 또는 판정을 `미확인`으로 바꿔 주세요."
    )
    assert len(problems) == 2, "tries are no claims"


@pytest.mark.parametrize("old, new", [("basis: 실험", "basis: 증명"), ("verdict: 맞음", "verdict: 미확인")])
def test_only_claims_of_experiments_are_caught(learning, old, new):
    put_reruns(learning, {"steps": MOVED})
    put(learning / FIRST, FILES[FIRST].replace(old, new, 1))
    assert len(judged(learning)[2]) == 1, "the other claim's"


def test_a_check_that_its_record_does_not_bear_out_is_not_caught(learning):
    put_reruns(learning, {"steps": MOVED})
    put(learning / FIRST, FILES[FIRST].replace("< 1e-5", "< 1e-8"))
    assert not again.is_caught(judged(learning)[1], "steps")


def test_a_snippet_without_the_package_is_as_in_its_record(learning):
    """count cannot learn: the check of both is judged with its record."""
    put(learning / FIRST, FILES[FIRST].replace("measure.difference < 1e-5", "measure.difference < 0.05 * count.steps"))
    put_reruns(learning, {"steps": FALLEN})
    (there,) = judged(learning)[1].again
    assert (there.holds, there.changed) == (False, True)
    put_reruns(learning, {"steps": SAME})
    (there,) = judged(learning)[1].again
    assert (there.holds, there.changed) == (True, False)


def test_worlds_of_commands():
    assert again.worlds(2) == {"replicate": ["seeds:1", "seeds:2"], "null": ["steps", "weights"]}
    assert len(again.worlds()["replicate"]) == again.ROUNDS


def due(project, names=(), worlds=("seeds:1", "seeds:2")):
    return again.due(examine(project)[0], names, worlds)


def test_what_is_due_goes_round_by_round_the_longest_first(project):
    first = [("count", "seeds:1"), ("measure", "seeds:1"), ("count", "seeds:2"), ("measure", "seeds:2")]
    assert due(project) == first
    path = project / "docs/notebooks/measure.ipynb"
    made = json.loads(path.read_text())
    made["metadata"]["mundap"]["seconds"] = 9
    made["metadata"]["mundap"]["seal"] = records.seal(made)
    put(path, json.dumps(made))
    assert due(project) == [first[1], first[0], first[3], first[2]]


def test_what_is_there_is_not_due(project):
    put_reruns(project, seeds(SAME, "오류로 멈췄어요."))
    assert due(project) == [("count", "seeds:1"), ("count", "seeds:2")]
    assert due(project, ["measure"]) == [("measure", "seeds:2")], "what failed is tried again where it is named"
    put(project / MEASURE, FILES[MEASURE].replace("차이 재기", "차이"))
    assert due(project, ["measure"]) == [("measure", "seeds:1"), ("measure", "seeds:2")]


def test_only_what_a_check_leans_on_is_due(project):
    put(project / "snippets/third.py", FILES["snippets/count.py"])
    assert {name for name, _ in due(project)} == {"count", "measure"}
    assert due(project, ["third"], ["seeds:1"]) == [("third", "seeds:1")]


def test_only_what_may_learn_is_due_without_learning(project, learning):
    assert due(learning, worlds=["steps", "weights"]) == [("measure", "steps"), ("measure", "weights")]


def test_status(learning):
    def status():
        return again.status(examine(learning)[0])

    assert status() == ["시드를 옮겨 다시 돌린 주장: 모두 같은 판정 0개, 열에 아홉 이상 0개, 그보다 적음 0개, 아직 4개"]
    put_reruns(learning, {**seeds(*[SAME] * 8, *[FALLEN] * 2), "steps": FALLEN})
    assert status() == [
        "시드를 옮겨 다시 돌린 주장: 모두 같은 판정 1개, 열에 아홉 이상 0개, 그보다 적음 1개, 아직 2개",
        "학습하지 않은 세계: 수가 달라지는 실험 주장 2개, 그 가운데 그래도 성립하는 주장 1개",
    ]
