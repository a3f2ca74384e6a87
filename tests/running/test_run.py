"""Records made by real kernels, of snippets that need no torch."""

import fcntl
import json
import os
import platform
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest
from engine import make_project, put, snapshot

from mundap.problems import Failure
from mundap.project import records, snippets
from mundap.project.load import load
from mundap.running import run

HEAD = "# %% [markdown]\n# # 제목\n# 글\n\n# %%\nimport helper\n\n# %%\nif __name__ == '__main__':\n"
SLOW = HEAD + "    import time\n    open('started', 'w').write('x')\n    time.sleep(60)\n    evidence = {'x': 1}\n"


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def notebook_of(source):
    return run.to_notebook(snippets.Snippet("a", None, source, "a", True))


def mundap(project, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "mundap", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


def kernels(project):
    """Ids of the processes that run a kernel or a record of this project (none where there is no /proc to tell)."""
    found = []
    for folder in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if folder.isdigit() and int(folder) != os.getpid():
            try:
                if os.readlink(f"/proc/{folder}/cwd").startswith(str(project)):
                    found.append(int(folder))
            except OSError:
                continue
    return found


def wait(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "source, expected",
    [
        ('if __name__ == "__main__":\n    x = 1\n    x', "x = 1\nx"),
        ("if __name__ == '__main__':\n  x = 1\n\n  y = 2", "x = 1\n\ny = 2"),
        (
            '# why\nif __name__ == "__main__":  # guard\n    x = 1\n    # inside\n    y = 2\n    # last',
            "# why\nx = 1\n# inside\ny = 2\n# last",
        ),
        ('if __name__ == "__main__":\n# at the margin\n    x = 1\n# after', "# at the margin\nx = 1\n# after"),
        ('if __name__ == "__main__":\n    for i in range(2):\n        print(i)', "for i in range(2):\n    print(i)"),
    ],
)
def test_guard_is_laid_open(source, expected):
    assert run.open_guard(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\nif __name__ == '__main__':\n    y = 2",
        "if __name__ == '__main__':\n    x = 1\nelse:\n    x = 2",
        "if __name__ != '__main__':\n    x = 1",
        "if __name__ == '__main__':\n    x = '''a\n    b'''",
        "if __name__ == '__main__': x = 1",
        "if True:\n    x = 1",
        "def f(:",
        "x = 1\x00",
        "if __name__ == '__main__':\n    x = '''\nb'''",
    ],
)
def test_other_cells_stay_as_they_are(source):
    assert run.open_guard(source) == source


def test_notebook_has_the_cells_of_the_script():
    made = notebook_of(
        "# %% [markdown]\n# # 제목\n#\n# 글 `x`\n\n# %%\n\n# %%\n# why\nx = 1\n\n\n"
        "# %%\nif __name__ == '__main__':\n    x\n"
    )
    assert [(cell.cell_type, cell.source, cell.id) for cell in made.cells] == [
        ("markdown", "# 제목\n\n글 `x`", "cell-0"),
        ("code", "# why\nx = 1", "cell-1"),
        ("code", "x", "cell-2"),
    ]
    assert made.metadata == {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }


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
    record = records.read(ran[0] / "docs" / "notebooks" / "measure.ipynb")
    assert record.evidence == {
        "half": 2.0,
        "single": 0.5,
        "name": "한글 '따옴표' \\n",
        "flag": True,
        "big": 2**60,
        "full": "1",
        "threads": "1",
        "here": "snippets",
    }
    assert type(record.evidence["flag"]) is bool and record.tolerance == {"half": 0.1, "single": None}
    assert record.exhibits == {"sizes": records.Exhibit("sizes", "html", "<table></table>", "크기")}
    assert record.seconds > 0 and record.versions["python"] == platform.python_version() and "numpy" in record.versions
    assert sorted(record.sources) == ["helper.py", "measure.py"] and "measure" not in load(ran[0])[0].stale()


def test_outputs_are_kept_and_errors_streams_are_not(ran):
    cells = json.loads(ran[1][0])["cells"]
    assert [cell["cell_type"] for cell in cells] == ["markdown", "code", "code", "code", "code"]
    stream, value = cells[2]["outputs"]
    assert "".join(stream["text"]) == "첫째\n둘째\n셋째\n" and "".join(value["data"]["text/plain"]) == "2.0"
    assert "몰래" not in json.dumps(cells[2]["outputs"], ensure_ascii=False)
    assert not any("__main__" in "".join(cell["source"]) for cell in cells)
    assert "_read_evidence" not in ran[1][0]


def test_running_twice_differs_in_time_alone(ran):
    one, two = ([line for line in text.splitlines() if '"seconds"' not in line] for text in ran[1])
    assert one == two and len(one) == len(ran[1][0].splitlines()) - 1
    assert not re.search(r'execution"|iopub|20\d\d-\d\d-\d\dT|0x[0-9a-f]{6}|/home|/tmp|/work', ran[1][0])


def test_nothing_else_is_left(ran):
    after, before = snapshot(ran[0]), ran[2]
    assert {name for name in after | before if after.get(name) != before.get(name)} == {"docs/notebooks/measure.ipynb"}
    wait(lambda: not kernels(ran[0]))


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
    run._join_streams(made)
    assert [(output.name, output.text) for output in made.cells[0].outputs] == [("stdout", "ac")]


FAILURES = {
    "error": ("    1 / 0\n", r"snippets/measure\.py:9:1: 셀이 오류로 멈췄어요\(ZeroDivisionError: division by zero\)"),
    "no evidence": ("    x = 1\n", "증거(`evidence`)를 남기지 않았어요"),
    "NaN": ("    evidence = {'x': float('nan')}\n", "`measure` 스니펫의 증거 `x`: 값이 nan예요"),
    "array": ("    import numpy\n    evidence = {'x': numpy.ones(3)}\n", "증거를 읽을 수 없어요"),
    "not a dict": ("    evidence = [1]\n", "증거를 읽을 수 없어요"),
    "dead kernel": ("    import os\n    os._exit(3)\n", "커널이 멈췄어요"),
}


@pytest.mark.parametrize(
    "evidence, tolerance, words",
    [
        ({}, {}, "증거(`evidence`)를 남기지 않았어요"),
        ({"x": float("inf")}, {}, "`x`: 값이 inf예요"),
        ({"x": [1, 2]}, {}, "`x`: list 값이에요"),
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
        run._verify("measure", {"evidence": evidence, "tolerance": tolerance})
    assert words in str(caught.value)


@pytest.mark.parametrize("name", FAILURES)
def test_failed_run_leaves_the_old_record(project, name):
    body, words = FAILURES[name]
    put(project / "snippets" / "measure.py", HEAD + body)
    before = snapshot(project)
    done = mundap(project, "run", "measure")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.search(words, done.stderr) or words in done.stderr, done.stderr
    assert "1개가 실패했고, 그 기록은 전의 것 그대로예요: measure" in done.stderr
    assert snapshot(project) == before
    wait(lambda: not kernels(project))


def test_time_limit(project):
    put(project / "snippets" / "measure.py", SLOW)
    before = snapshot(project)
    started = time.monotonic()
    done = mundap(project, "run", "measure", "--timeout", "2")
    assert time.monotonic() - started < 40
    assert done.returncode == 1 and "snippets/measure.py:9:1: 실행이 2초 안에 끝나지 않았어요" in done.stderr
    (project / "snippets" / "started").unlink()
    assert snapshot(project) == before
    wait(lambda: not kernels(project))


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_run_leaves_the_old_record_and_no_process(project, ending):
    put(project / "snippets" / "measure.py", SLOW)
    before = snapshot(project)
    process = subprocess.Popen(
        [sys.executable, "-m", "mundap", "run", "measure"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait((project / "snippets" / "started").exists)
    os.kill(process.pid, ending)
    out, err = process.communicate(timeout=60)
    if ending == signal.SIGINT:
        assert process.returncode == 130 and "멈췄어요. 이미 있던 기록은 그대로예요." in err
    assert "Traceback" not in err
    wait(lambda: not kernels(project))
    (project / "snippets" / "started").unlink()
    assert snapshot(project) == before


def test_only_what_is_stale_runs(project):
    fine = mundap(project, "run")
    assert (fine.returncode, fine.stdout) == (0, "모든 기록이 최신이에요.\n")
    (project / "docs" / "notebooks" / "count.ipynb").unlink()
    before = snapshot(project)
    done = mundap(project, "run")
    assert done.returncode == 0 and done.stdout == "1개를 돌리고 기록했어요.\n"
    assert re.fullmatch(r"count: 돌리는 중\n\[1/1\] count: \d+\.\d초\n", done.stderr), done.stderr
    assert snapshot(project).keys() - before.keys() == {"docs/notebooks/count.ipynb"}
    assert mundap(project, "run").stdout == "모든 기록이 최신이에요.\n"


def test_two_at_a_time_in_order_of_dependence(project):
    """Each writes when it starts and ends; `above` imports `zero`; what imports a failing one is not run."""
    body = HEAD + (
        "    import time\n    start = time.time()\n    time.sleep({seconds})\n"
        "    evidence = {{'start': start, 'end': time.time()}}\n"
    )
    for name, helper, seconds in (("above", "zero", 0), ("zero", "helper", 4), ("b", "helper", 4)):
        put(
            project / "snippets" / f"{name}.py",
            body.format(seconds=seconds).replace("import helper", f"import {helper}"),
        )
    put(project / "snippets" / "broken.py", HEAD + "    1 / 0\n")
    put(
        project / "snippets" / "beyond.py", HEAD.replace("import helper", "import broken") + "    evidence = {'x': 1}\n"
    )
    done = mundap(project, "run", "above", "zero", "b", "broken", "beyond")
    assert done.returncode == 1 and "2개가 실패했고" in done.stderr
    assert "beyond: 실패. 먼저 돌아야 할 `broken` 스니펫이 실패해서 돌리지 않았어요." in done.stderr
    times = {
        name: records.read(project / "docs" / "notebooks" / f"{name}.ipynb").evidence for name in ("above", "zero", "b")
    }
    assert times["above"]["start"] > times["zero"]["end"]
    assert max(times[name]["start"] for name in ("zero", "b")) < min(times[name]["end"] for name in ("zero", "b"))
    assert not (project / "docs" / "notebooks" / "beyond.ipynb").exists()
    assert re.findall(r"^(\w+): 돌리는 중", done.stderr, re.MULTILINE)[:2] == ["zero", "b"]


def test_snippets_that_import_each_other_do_not_wait_for_ever(project):
    put(
        project / "snippets" / "ping.py",
        HEAD.replace("import helper", "def f():\n    import pong") + "    evidence = {'x': 1}\n",
    )
    put(
        project / "snippets" / "pong.py",
        HEAD.replace("import helper", "def f():\n    import ping") + "    evidence = {'x': 1}\n",
    )
    assert mundap(project, "run", "ping", "pong").stdout.startswith("2개를 돌리고 기록했어요.\n")


def test_run_that_writes_what_another_reads(project):
    """`a_reader` names the file that `writer` writes, without importing it: it is run once more."""
    put(project / "snippets" / "value.txt", "0")
    put(project / "snippets" / "writer.py", HEAD + "    open('value.txt', 'w').write('7')\n    evidence = {'x': 1}\n")
    put(project / "snippets" / "a_reader.py", HEAD + "    evidence = {'value': int(open('value.txt').read())}\n")
    done = mundap(project, "run", "--workers", "1")
    assert done.returncode == 0, done.stderr
    found, _ = load(project)
    assert found.stale() == {} and found.records["a_reader"].evidence == {"value": 7}
    put(project / "snippets" / "value.txt", "8")
    done = mundap(project, "run", "writer")
    assert "아직 낡은 기록이 있어요: " not in done.stdout  # it wrote 7 again
    put(project / "snippets" / "value.txt", "8")
    assert "아직 낡은 기록이 있어요: writer" in mundap(project, "run", "a_reader").stdout


def test_bar_on_a_terminal(project):
    put(
        project / "snippets" / "measure.py",
        HEAD + "    import time\n    time.sleep(1)\n    evidence = {'difference': 0, 'name': '작음'}\n",
    )
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "mundap", "run", "measure"],
        cwd=project,
        stdout=follower,
        stderr=follower,
        stdin=follower,
    )
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 4096):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    text = shown.decode()
    assert process.wait(timeout=60) == 0
    assert "0/1" in text and "1/1" in text and "█" in text and "measure" in text
    assert "[1/1] measure: " in text and "돌리는 중" not in text and "1개를 돌리고 기록했어요." in text


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["run", "mesure"], "`mesure` 스니펫을 찾을 수 없어요. 있는 이름: count, measure."),
        (["run", "helper"], "`helper` 스니펫을 찾을 수 없어요."),
    ],
)
def test_unknown_name(project, arguments, words):
    done = mundap(project, *arguments)
    assert done.returncode == 1 and done.stderr.startswith(words)


def test_snippet_that_python_cannot_read(project):
    put(project / "snippets" / "count.py", "# %%\nx = (\n")
    done = mundap(project, "run", "count")
    assert done.returncode == 1 and done.stderr.startswith("snippets/count.py:2:5: Python이 읽을 수 없어요(")


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
