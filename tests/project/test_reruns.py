import json

import pytest
from again import lines, seeds
from engine import FILES, make_project, put, snapshot

from mundap.project import reruns
from mundap.project.check import examine
from mundap.project.reruns import Edited, Rerun, of_line, rounded, to_line

RUN = Rerun(
    "measure", "seeds:3", "abc", {"x": 0.5, "n": 3, "whole": 2.0, "name": '한글 "', "flag": True, "xs": [1, 0.25]}
)
FAILED = Rerun("measure", "steps", "abc", None, "snippets/measure.py:3: 오류로 멈췄어요.")
FILE = "docs/reruns/replicate.jsonl"


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


@pytest.mark.parametrize("run", [RUN, FAILED])
def test_a_line_says_a_run(run):
    line = to_line(run)
    assert "\n" not in line and of_line(line) == run and of_line(line + "\r") == run
    assert run.evidence is None or [type(value) for value in of_line(line).evidence.values()] == [
        type(value) for value in run.evidence.values()
    ]


def test_commands_of_worlds():
    assert (RUN.command, FAILED.command) == ("replicate", "null")


@pytest.mark.parametrize(
    "value, kept",
    [
        (0.1234567891, 0.12345679),
        (1234567891.0, 1234567900.0),
        (1234567891, 1234567891),
        (2.0, 2.0),
        (-1e-12 / 3, -3.3333333e-13),
        (True, True),
        ("글", "글"),
        ([0.1234567891, 3], [0.12345679, 3]),
    ],
)
def test_what_is_kept_of_a_number(value, kept):
    assert rounded(value) == kept and type(rounded(value)) is type(value)


def changed(**changes):
    """The line of RUN with other values of its keys, None for one that is gone; the seal as it was."""
    data = {**json.loads(to_line(RUN)), **changes}
    return json.dumps({key: value for key, value in data.items() if value is not None})


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[1]",
        "null",
        "[" * 100_000,
        to_line(RUN)[:-1],
        to_line(RUN).replace("0.5", "NaN"),
        to_line(RUN).replace("0.5", "1e999"),
        changed(seal=None),
        changed(world=None),
        changed(world="seeds:0"),
        changed(world="seeds:1\n"),
        changed(world="학습"),
        changed(evidence=None),
        changed(failure="글"),
        changed(evidence=[1]),
        changed(evidence={"x": {}}),
        changed(evidence={"a b": 1}),
        changed(digest=7),
        changed(more="글"),
    ],
)
def test_what_is_no_line(line):
    with pytest.raises(ValueError) as caught:
        of_line(line)
    assert not isinstance(caught.value, Edited)


@pytest.mark.parametrize(
    "line", [changed(seal="0" * 16), changed(evidence={"x": 0.6}), changed(world="seeds:4"), changed(digest="abd")]
)
def test_a_line_that_was_edited(line):
    with pytest.raises(Edited):
        of_line(line)


def test_runs_are_kept_in_order_each_once(project):
    for name, world, value in [
        ("measure", "seeds:10", 1),
        ("measure", "seeds:2", 2),
        ("gone", "seeds:1", 3),
        ("count", "seeds:1", 4),
        ("measure", "seeds:2", 5),
        ("measure", "steps", 6),
        ("count", "weights", 7),
    ]:
        file = project / "snippets" / "gone.py"
        if value < 4:
            put(file, "")
        else:
            file.unlink(missing_ok=True)
        reruns.keep(project, Rerun(name, world, "abc", {"x": value}))
    runs, faults = reruns.read(project / FILE)
    assert [(run.snippet, run.world, run.evidence["x"]) for run in runs] == [
        ("count", "seeds:1", 4),
        ("measure", "seeds:2", 5),
        ("measure", "seeds:10", 1),
    ]
    assert faults == []
    assert [run.snippet for run in reruns.read(project / "docs/reruns/null.jsonl")[0]] == ["count", "measure"]
    assert sorted(path.name for path in (project / "docs/reruns").iterdir()) == ["null.jsonl", "replicate.jsonl"]


def test_a_broken_file_is_not_written_over(project):
    put(project / FILE, to_line(RUN) + "\n{\n")
    before = snapshot(project)
    with pytest.raises(ValueError):
        reruns.keep(project, RUN)
    assert snapshot(project) == before


def test_lines_that_are_wrong_are_told_where_they_are(project):
    put(project / FILE, lines(seeds({"difference": 0.1})) + "\n{\n" + changed(digest="x") + "\n")
    found, problems = examine(project)
    assert [(problem.path, problem.line, problem.minor) for problem in problems if "줄" in problem.what] == [
        (FILE, 3, False),
        (FILE, 4, False),
    ]
    assert list(found.reruns) == [("measure", "seeds:1")]


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read(project, content):
    put(project / FILE, b"" if content is None else content)
    if content is None:
        (project / FILE).unlink()
        (project / FILE).mkdir()
    _, (problem,) = examine(project)
    assert problem.path == FILE and "읽을 수 있는 UTF-8 파일이 아니에요." in problem.what


def test_a_line_in_the_file_of_the_other_command_counts_for_nothing(project):
    put(project / FILE, to_line(FAILED) + "\n")
    assert examine(project)[0].reruns == {}


def test_reruns_of_other_code_are_told(project):
    put(project / FILE, lines(seeds({"difference": 1e-7}), "of older code") + lines(seeds({"x": 1}), snippet="gone"))
    found, problems = examine(project)
    assert all(problem.minor for problem in problems)
    assert [(problem.path, problem.todo) for problem in problems] == [
        (FILE, "스니펫을 되살리거나 그 이름이 든 줄을 지워 주세요."),
        ("snippets/measure.py", "`mundap replicate measure` 명령으로 한 번 더 돌려 주세요."),
    ]
    put(project / "snippets/measure.py", FILES["snippets/measure.py"].replace("차이 재기", "차이"))
    assert [problem.what for problem in examine(project)[1] if problem.path != FILE] == [
        "실행 기록이 낡았어요(바뀐 파일: measure.py)."
    ], "one thing at a time"
