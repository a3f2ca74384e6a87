"""Snippets run again in other worlds, by real processes: nothing of the project changes but the file of what they left."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from commands import mundap, processes_in, wait_for
from engine import FILES, HEAD, make_project, make_records, put, snapshot

from mundap.project import reruns
from mundap.project.check import examine
from mundap.project.reruns import Rerun
from mundap.running.again import keep, rerun

REPLICATE = "docs/reruns/replicate.jsonl"
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
SEEDED = (
    "# %% [markdown]\n# # 제목\n\n# %%\nif __name__ == '__main__':\n    import random\n"
    "    evidence = {'difference': random.Random(1).random() * 1e-6, 'name': '작음'}\n"
)
SLOW = HEAD + "    import time\n    open({started!r}, 'w').write('x')\n    time.sleep(60)\n    evidence = {{'x': 1}}\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The small project, in a world without torch, whose temporary files lie where the tests see them."""
    for name in ("numpy", "torch", "safetensors"):
        put(tmp_path / "none" / f"{name}.py", "raise ImportError('not here')\n")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "none"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    return make_project(tmp_path / "project")


def write(project, body):
    """Let measure's last cell do something, with a record of it."""
    put(project / "snippets" / "measure.py", HEAD + body)
    make_records(project)


def left(project):
    """Temporary files that are still there."""
    return [path for path in (project.parent / "temporary").rglob("*") if path.is_file()]


def test_a_run_leaves_its_evidence_and_nothing_else(project):
    put(project / "snippets" / "data" / "value.txt", "7")
    write(
        project,
        "    import os\n    import helper\n    read = int(open('data/value.txt').read())\n"
        "    open('data/value.txt', 'w').write('8')\n    open('new.txt', 'w').write('x')\n    helper.half(3)\n"
        "    evidence = {'read': read, 'third': 1 / 3, 'lost': float('nan'), 'full': os.environ['FULL_RUN'],\n"
        "                'threads': os.environ['OMP_NUM_THREADS'], 'here': os.path.basename(os.getcwd()),\n"
        "                'drawn': os.environ['MPLBACKEND'], 'pair': (1, 2.5)}\n    tolerance = {'read': 1}\n",
    )
    before = snapshot(project)
    made = rerun(project, "measure", "seeds:1", 60)
    assert made.evidence == {
        "read": 7, "third": 0.33333333, "full": "1", "threads": "1", "here": "snippets", "drawn": "agg", "pair": [1, 2.5],
    }  # fmt: skip
    assert made.digest == examine(project)[0].records["measure"].digest
    assert snapshot(project) == before and left(project) == []


def test_commands_that_finish_at_once_lose_no_run_and_know_newer_snippets(project):
    known, _ = examine(project)
    put(project / "snippets" / "newer.py", HEAD)  # since these commands began
    jobs = [(name, f"seeds:{seed}") for name in ("measure", "count", "newer") for seed in range(1, 13)]
    with ThreadPoolExecutor(12) as pool:
        for done in [pool.submit(keep, known, Rerun(*job, "abc", {"x": 1})) for job in jobs]:
            done.result()
    assert sorted((run.snippet, run.world) for run in reruns.read(project / REPLICATE)[0]) == sorted(jobs)


@pytest.mark.parametrize(
    "body, words",
    [
        ("    1 / 0\n", "snippets/measure.py:10: 오류로 멈췄어요(ZeroDivisionError: division by zero)."),
        ("    import os\n    os._exit(3)\n", "실행 과정이 갑자기 끝났어요(종료 코드 3). 메모리가 모자랐을 수 있어요."),
        ("    evidence = {}\n", "증거(`evidence`)를 남기지 않았어요."),
        ("    evidence = {'x': float('inf')}\n", "증거(`evidence`)를 남기지 않았어요."),
    ],
)
def test_a_run_that_leaves_nothing_says_why(project, body, words):
    write(project, body)
    made = rerun(project, "measure", "steps", 60)
    assert (made.evidence, made.failure) == (None, words)
    wait_for(lambda: not processes_in(project) and left(project) == [])


def test_a_run_that_never_ends(project):
    write(project, "    while True:\n        try:\n            while True: pass\n        except BaseException: pass\n")
    started = time.monotonic()
    made = rerun(project, "measure", "steps", 2)
    assert (made.evidence, made.failure) == (None, "실행이 2초 안에 끝나지 않았어요.")
    assert time.monotonic() - started < 20 and left(project) == [] and not processes_in(project.parent)


def test_what_is_done_is_not_done_again(project):
    put(project / "snippets" / "measure.py", SEEDED)
    make_records(project)
    done = mundap(project, "replicate", "--seeds", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "4번 다시 돌렸어요. `mundap status`와 `mundap check`로 볼 수 있어요.\n"
    lines = r"(\[\d/4\] )?(count|measure) seeds:[12]: (돌리는 중|\d+\.\d초( · 1분쯤 남음)?)"
    assert all(re.fullmatch(lines, line) for line in done.stderr.splitlines()), done.stderr
    assert re.findall(r"(\w+ seeds:\d): 돌리는 중", done.stderr) == [
        "count seeds:1", "measure seeds:1", "count seeds:2", "measure seeds:2",
    ]  # fmt: skip
    runs, _ = reruns.read(project / REPLICATE)
    assert [(run.snippet, run.world) for run in runs] == [
        ("count", "seeds:1"), ("count", "seeds:2"), ("measure", "seeds:1"), ("measure", "seeds:2"),
    ]  # fmt: skip
    assert runs[0].evidence == runs[1].evidence == {"steps": 3, "exact": True}
    assert 0 < runs[2].evidence["difference"] != runs[3].evidence["difference"] > 0
    before = snapshot(project)
    assert mundap(project, "replicate", "--seeds", "2").stdout == "다시 돌릴 것이 없어요.\n"
    assert snapshot(project) == before and len(examine(project)[0].judgements) == 5
    assert runs[2].beside == examine(project)[0].records["measure"].numbers
    put(project / "snippets" / "measure.py", SEEDED.replace("1e-6", "2e-6"))
    make_records(project)
    assert mundap(project, "replicate", "--seeds", "2").stdout == "다시 돌릴 것이 없어요.\n", "as its numbers stayed"
    make_records(project, measure=({"difference": 2e-7, "name": "작음"}, {}, {}))
    assert mundap(project, "replicate", "--seeds", "1").stdout.startswith("1번 다시 돌렸어요.")
    assert reruns.read(project / REPLICATE)[0][2].evidence["difference"] == pytest.approx(
        2 * runs[2].evidence["difference"]
    )


def test_what_fails_is_kept_and_tried_again_where_it_is_named(project):
    write(project, "    1 / 0\n")
    done = mundap(project, "replicate", "--seeds", "1")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "measure seeds:1: 실패. snippets/measure.py:10: 오류로 멈췄어요(ZeroDivisionError" in done.stderr
    assert done.stderr.endswith("1번은 실패했어요. 이름을 대면 그것만 한 번 더 돌려요: measure\n")
    assert mundap(project, "replicate", "--seeds", "1").stdout == "다시 돌릴 것이 없어요.\n"
    assert "[1/1] measure seeds:1: 실패." in mundap(project, "replicate", "measure", "count", "--seeds", "1").stderr


def test_only_what_may_learn_runs_without_learning(project):
    assert mundap(project, "null").stdout == "다시 돌릴 것이 없어요.\n"
    put(project / "snippets" / "measure.py", SEEDED + "    if not evidence:\n        import torch\n")
    make_records(project)
    done = mundap(project, "null", "--workers", "1")
    assert done.returncode == 0 and "[1/1] measure steps: " in done.stderr
    (line,) = (project / "docs/reruns/null.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["evidence"]["name"] == "작음"


def test_a_broken_file_is_told_before_anything_runs(project):
    put(project / REPLICATE, "{\n")
    before = snapshot(project)
    done = mundap(project, "replicate")
    assert (done.returncode, done.stdout) == (1, "") and snapshot(project) == before
    assert done.stderr == (
        f"{REPLICATE}:1:1: `mundap replicate` 명령이 남긴 줄이 아니에요. "
        "이 줄을 지우고 `mundap replicate` 명령으로 다시 돌려 주세요.\n"
    )


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["replicate", "mesure"], "`mesure` 스니펫을 찾을 수 없어요. 있는 이름: count, measure."),
        (["null", "helper"], "`helper` 스니펫을 찾을 수 없어요."),
    ],
)
def test_unknown_name(project, arguments, words):
    done = mundap(project, *arguments)
    assert done.returncode == 1 and done.stderr.startswith(words)


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
def test_an_interrupted_command_keeps_what_is_done_and_leaves_no_process(project, end, request):
    started = project.parent / "started"
    put(project / "snippets" / "measure.py", SLOW.format(started=str(started)))
    make_records(project)
    process = subprocess.Popen(
        [sys.executable, "-m", "mundap", "replicate", "--workers", "1", "--seeds", "1"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(started.exists)
    end(process)
    _, errors = process.communicate(timeout=60)
    if request.node.callspec.id in ("interrupted", "Ctrl-C"):
        assert process.returncode == 130
        assert "멈췄어요. 끝난 것은 남아 있으니, `mundap replicate` 명령으로 이어서 돌릴 수 있어요." in errors
    assert "Traceback" not in errors
    wait_for(lambda: not processes_in(project.parent) and left(project) == [])
    runs, faults = reruns.read(project / REPLICATE)
    assert [run.snippet for run in runs] == ["count"] and faults == []
    put(project / "snippets" / "measure.py", FILES["snippets/measure.py"])
    make_records(project)
    assert "[1/1] measure seeds:1: " in mundap(project, "replicate", "--seeds", "1").stderr
