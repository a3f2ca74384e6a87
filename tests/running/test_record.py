"""Records made by real kernels, of snippets that need no torch."""

import json
import os
import platform
import re
import time

import pytest
from commands import mundap, processes_in, wait_for
from engine import HEAD, SLOW, make_project, put, snapshot

from mundap.problems import Failure
from mundap.project import records
from mundap.project.check import examine
from mundap.running.conditions import private_settings
from mundap.running.record import record, tidy_outputs, verify, verify_null


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A project whose measure has been run twice, with the notebook of each run, and the files there before."""
    project = make_project(tmp_path_factory.mktemp("ran"))
    put(
        project / "snippets" / "measure.py",
        HEAD.replace("import helper", "import sys\nfrom helper import half\nfrom numpy import float32")
        + "    print('첫째'); print('둘째')\n    print('몰래', file=sys.stderr)\n    print('셋째')\n    half(4)\n\n"
        "# %%\nif __name__ == '__main__':\n    from IPython.display import display\n"
        "    data = {'text/html': '<table></table>', 'text/plain': 't'}\n"
        "    display(data, metadata={'name': 'sizes', 'alt': '크기'}, raw=True)\n\n"
        "# %%\nif __name__ == '__main__':\n    import os\n"
        "    evidence = {'half': half(4), 'single': float32(0.5), 'name': '한글 \\'따옴표\\' \\\\n', 'flag': True,\n"
        "                'big': 2**60, 'full': os.environ.get('FULL_RUN', ''), 'here': os.path.basename(os.getcwd()),\n"
        "                'threads': os.environ['OMP_NUM_THREADS']}\n"
        "    tolerance = {'half': 0.1, 'single': float('inf')}\n    evidence\n",
    )
    texts, before = [], snapshot(project)
    for _ in range(2):
        done = mundap(project, "run", "measure")
        assert done.returncode == 0, done.stderr
        texts.append((project / "docs" / "notebooks" / "measure.ipynb").read_text(encoding="utf-8"))
    return project, texts, before


def test_evidence_and_tolerance_are_read(ran):
    made = records.read(ran[0] / "docs" / "notebooks" / "measure.ipynb")
    assert made.evidence == {
        "half": 2.0,
        "single": 0.5,
        "name": "한글 '따옴표' \\n",
        "flag": True,
        "big": 2**60,
        "full": "1",
        "threads": "1",
        "here": "snippets",
    }
    assert type(made.evidence["flag"]) is bool and made.tolerance == {"half": 0.1, "single": None}
    assert made.exhibits == {"sizes": records.Exhibit("sizes", "html", "<table></table>", "크기")}
    assert made.seconds > 0 and made.versions["python"] == platform.python_version() and "numpy" in made.versions
    assert sorted(made.sources) == ["helper.py", "measure.py"] and "measure" not in examine(ran[0])[0].stale


def test_outputs_are_kept_and_errors_streams_are_not(ran):
    cells = json.loads(ran[1][0])["cells"]
    assert [cell["cell_type"] for cell in cells] == ["markdown", "code", "code", "code", "code"]
    stream, value = cells[2]["outputs"]
    assert "".join(stream["text"]) == "첫째\n둘째\n셋째\n" and "".join(value["data"]["text/plain"]) == "2.0"
    assert "몰래" not in json.dumps(cells[2]["outputs"], ensure_ascii=False)
    assert not any("__main__" in "".join(cell["source"]) for cell in cells)
    assert "_read_evidence" not in ran[1][0]


def test_running_twice_differs_in_time_alone(ran):
    differing = '"seconds"', '"seal"'
    one, two = ([line for line in text.splitlines() if not any(key in line for key in differing)] for text in ran[1])
    assert one == two and len(one) == len(ran[1][0].splitlines()) - 2
    assert not re.search(r'execution"|iopub|20\d\d-\d\d-\d\dT|0x[0-9a-f]{6}|/home|/tmp|/work', ran[1][0])


def test_nothing_else_is_left(ran):
    after, before = snapshot(ran[0]), ran[2]
    assert {name for name in after | before if after.get(name) != before.get(name)} == {"docs/notebooks/measure.ipynb"}
    wait_for(lambda: not processes_in(ran[0]))


def test_record_is_a_notebook_that_others_read(ran):
    import nbformat

    made = nbformat.read(ran[0] / "docs" / "notebooks" / "measure.ipynb", as_version=4)
    nbformat.validate(made)
    assert "".join(made.cells[0].source).startswith("# 제목")


def test_error_streams_are_dropped_before_streams_are_joined():
    """When the error stream comes between two pieces of output differs from run to run."""
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    pieces = [
        new_output("stream", name=name, text=text) for name, text in [("stdout", "a"), ("stderr", "b"), ("stdout", "c")]
    ]
    made = new_notebook(cells=[new_code_cell("x", outputs=pieces)])
    tidy_outputs(made)
    assert [(output.name, output.text) for output in made.cells[0].outputs] == [("stdout", "ac")]


FAILURES = {
    "error": ("    1 / 0\n", r"snippets/measure\.py:10:1: 셀이 오류로 멈췄어요\(ZeroDivisionError: division by zero\)"),
    "error further down": (
        "    x = 1\n\n    raise ValueError('a\\nb' * 200)\n",
        r"^snippets/measure\.py:12:1: .*: a ba b.*…\)\.$",
    ),
    "error that speaks of lines": ("    raise ValueError('Cell In[1], line 500')\n", r"^snippets/measure\.py:9:1: "),
    "error in a function": (
        "    f = lambda: 1 / 0\n\n\n# %%\nif __name__ == '__main__':\n    x = 1\n    f()\n",
        "snippets/measure.py:10:1: ",
    ),
    "no evidence": ("    x = 1\n", "증거(`evidence`)를 남기지 않았어요"),
    "NaN": ("    evidence = {'x': float('nan')}\n", "`measure` 스니펫의 증거 `x`: 값이 nan예요"),
    "array": ("    import numpy\n    evidence = {'x': numpy.ones((3, 3))}\n", "목록에 list 값이 있어요"),
    "null of nothing": ("    evidence = {'x': 1}\n    null = {'우연': {'y': 1}}\n", "이 이름이 증거에 없어요"),
    "not a dict": ("    evidence = [1]\n", "증거를 읽을 수 없어요"),
    "dead kernel": ("    import os\n    os._exit(3)\n", r"snippets/measure\.py:9:1: .*커널이 멈췄어요"),
}


@pytest.mark.parametrize(
    "evidence, tolerance, words",
    [
        ({}, {}, "증거(`evidence`)를 남기지 않았어요"),
        ({"x": float("inf")}, {}, "`x`: 값이 inf예요"),
        ({"x": [1]}, {}, "`x`: 값이 1개인 목록이에요"),
        ({"x": [1, "a"]}, {}, "`x`: 목록에 str 값이 있어요"),
        ({"x": [1, True]}, {}, "`x`: 목록에 bool 값이 있어요"),
        ({"x": [1, float("nan")]}, {}, "`x`: 값이 nan예요"),
        ({"x": {"a": 1}}, {}, "`x`: dict 값이에요"),
        ({"x": None}, {}, "`x`: NoneType 값이에요"),
        ({"a b": 1}, {}, "`a b`: 이름에는"),
        ({"x": "y" * 201}, {}, "`x`: 글이 200자보다 길어요"),
        ({"x": 1}, {"y": 1}, "`tolerance`에 있는 `y` 이름이 증거에 없어요"),
        ({"x": 1}, {"x": -1}, "0 이상의 수"),
        ({"x": 1}, {"x": "크게"}, "0 이상의 수"),
        ({"x": 1}, {"x": float("nan")}, "0 이상의 수"),
        ({"x": 10**301}, {}, "수가 너무 커요"),
    ],
)
def test_evidence_is_verified(evidence, tolerance, words):
    with pytest.raises(Failure) as caught:
        verify("measure", evidence, tolerance)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "null, words",
    [
        ({"우연": {"y": 0.1}}, "`우연`의 `y`: 이 이름이 증거에 없어요"),
        ({"우연": {"x": "a"}}, "`우연`의 `x`: 증거와 종류가 달라요"),
        ({"우연": {"x": [0.1, 0.2]}}, "`우연`의 `x`: 증거와 종류가 달라요"),
        ({"우연": {"xs": [0.1, 0.2]}}, "`우연`의 `xs`: 값이 2개인데 증거는 3개예요"),
        ({"우연": {"x": float("inf")}}, "`우연`의 `x`: 값이 inf예요"),
    ],
)
def test_null_is_verified(null, words):
    with pytest.raises(Failure) as caught:
        verify_null("measure", {"x": 0.9, "xs": [0.1, 0.2, 0.3]}, null)
    assert words in str(caught.value)


def test_null_that_could_stand_in_the_evidence():
    verify_null("measure", {"x": 0.9, "xs": [1.0, 2.0]}, {"우연": {"x": 0.1, "xs": [0.0, 0.1]}, "다른": {}})


@pytest.mark.parametrize("name", FAILURES)
def test_failed_run_leaves_the_old_record(name, project, tmp_path_factory, monkeypatch):
    for variable, folder in private_settings(tmp_path_factory.mktemp("settings")).items():
        monkeypatch.setenv(variable, folder)
    body, words = FAILURES[name]
    put(project / "snippets" / "measure.py", HEAD + body)
    before = snapshot(project)
    with pytest.raises(Failure) as caught:
        record(project, "measure")
    assert re.search(words, str(caught.value)) or words in str(caught.value)
    assert snapshot(project) == before
    wait_for(lambda: not processes_in(project))


def test_time_limit(project):
    put(project / "snippets" / "measure.py", SLOW)
    before = snapshot(project)
    started = time.monotonic()
    done = mundap(project, "run", "measure", "--timeout", "2")
    assert time.monotonic() - started < 40
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "snippets/measure.py:9:1: 실행이 2초 안에 끝나지 않았어요" in done.stderr
    assert "1개가 실패했고, 그 기록은 전의 것 그대로예요: measure" in done.stderr
    (project / "snippets" / "started").unlink()
    assert snapshot(project) == before
    wait_for(lambda: not processes_in(project))


def test_no_settings_of_the_user_reach_a_record(project, tmp_path):
    put(tmp_path / "home" / ".ipython" / "profile_default" / "startup" / "a.py", "print('from the home folder')\n")
    (project / "docs" / "notebooks" / "count.ipynb").unlink()
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "FULL_RUN": "",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    assert mundap(project, "run", env=environment).returncode == 0
    assert "from the home folder" not in (project / "docs" / "notebooks" / "count.ipynb").read_text()
    assert not (tmp_path / "home" / ".local").exists()
