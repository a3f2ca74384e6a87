"""Several records at a time: in order, with a bar on a terminal, and ended however `mundap run` ends."""

import io
import os
import re
import signal
import struct
import subprocess
import sys

import pytest
from commands import mundap, processes_in, wait_for
from engine import HEAD, SLOW, make_project, put, snapshot

from mundap.project import records
from mundap.project.check import examine
from mundap.running import pool

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and terminals of POSIX")


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda process: process.kill(), id="killed"),
        pytest.param(lambda process: process.terminate(), id="terminated"),
        pytest.param(lambda process: os.kill(process.pid, signal.SIGINT), id="interrupted", marks=POSIX),
        pytest.param(lambda process: os.killpg(process.pid, signal.SIGINT), id="Ctrl-C", marks=POSIX),
        pytest.param(lambda process: os.killpg(process.pid, signal.SIGHUP), id="terminal closed", marks=POSIX),
    ],
)
def test_interrupted_run_leaves_the_old_record_and_no_process(project, end, request):
    """What a terminal sends reaches the workers too."""
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
    wait_for((project / "snippets" / "started").exists)
    end(process)
    _, errors = process.communicate(timeout=60)
    if request.node.callspec.id in ("interrupted", "Ctrl-C"):
        assert process.returncode == 130 and "멈췄어요. 이미 있던 기록은 그대로예요." in errors
    assert "Traceback" not in errors
    wait_for(lambda: not processes_in(project))
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
    for name, other in (("ping", "pong"), ("pong", "ping")):
        source = HEAD.replace("import helper", f"def f():\n    import {other}") + "    evidence = {'x': 1}\n"
        put(project / "snippets" / f"{name}.py", source)
    done = mundap(project, "run", "ping", "pong")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("`ping`, `pong` 스니펫이 서로를 불러와서 돌릴 수 없어요.")


def test_run_that_writes_what_another_reads(project):
    """`a_reader` names the file that `writer` writes, without importing it: it is run once more."""
    put(project / "snippets" / "data" / "value.txt", "0")
    body = HEAD + "    data_path = 'data/{}'.format\n"
    write = "    open(data_path('value.txt'), 'w').write('7')\n    evidence = {'x': 1}\n"
    read = "    evidence = {'value': int(open(data_path('value.txt')).read())}\n"
    put(project / "snippets" / "writer.py", body + write)
    put(project / "snippets" / "a_reader.py", body + read)
    done = mundap(project, "run", "--workers", "1")
    assert done.returncode == 0, done.stderr
    made, _ = examine(project)
    assert made.stale == {} and made.records["a_reader"].evidence == {"value": 7}
    put(project / "snippets" / "data" / "value.txt", "8")
    done = mundap(project, "run", "writer")
    assert "아직 낡은 기록이 있어요: " not in done.stdout  # it wrote 7 again
    put(project / "snippets" / "data" / "value.txt", "8")
    assert "아직 낡은 기록이 있어요: writer" in mundap(project, "run", "a_reader").stdout


@POSIX
def test_bar_on_a_terminal(project):
    import fcntl
    import pty
    import termios

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


@pytest.mark.parametrize(
    "done, seconds, words",
    [
        (["a"], 59, "[1/3] a: 1.0초 · 9분쯤 남음"),  # 10 of 100 expected seconds took a minute
        (["b"], 60, "[1/3] b: 1.0초 · 1분쯤 남음"),
        (["a"], 3590, "[1/3] a: 1.0초 · 8시간 59분쯤 남음"),
        (["a", "b", "c"], 60, "[3/3] c: 1.0초"),
        (["unknown"], 60, "[1/3] unknown: 1.0초"),
    ],
)
def test_time_that_is_left_goes_by_what_is_expected(done, seconds, words, monkeypatch):
    stream = io.StringIO()
    with pool.Progress(3, stream, {"a": 10, "b": 60, "c": 30}) as progress:
        monkeypatch.setattr(pool.time, "monotonic", lambda: progress.started + seconds)
        for name in done:
            progress.finish(name, {"seconds": 1.0})
    assert stream.getvalue().splitlines()[-1] == words
