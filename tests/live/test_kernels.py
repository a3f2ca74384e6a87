"""Kernels: what a run tells, what stops it, and that nothing of it is left behind."""

import asyncio
import json
import stat
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from server import in_loop

from mundap.live import kernels
from mundap.live.kernels import OUTPUT_LIMIT, PATIENCE, Kernel, Lost


def drive(tmp_path, talk, memory=4 << 30):
    """Start a kernel in tmp_path, let talk(kernel, run) speak with it, end it. run: code -> answer and outputs."""

    async def main():
        kernel = Kernel(sys.executable, tmp_path / "kernel", tmp_path, memory)
        await kernel.start()

        async def run(code):
            shown = []

            async def show(output):
                shown.append(output)

            answer = await kernel.run(code, show)
            text = {
                name: "".join(each["text"] for each in shown if each and each.get("name") == name)
                for name in ("stdout", "stderr")
            }
            return SimpleNamespace(**answer, shown=shown, **text)

        try:
            return await talk(kernel, run)
        finally:
            await kernel.end()

    return in_loop(main())


def test_outputs_and_state(tmp_path):
    async def talk(kernel, run):
        first = await run("import sys\nx = 20\nprint('가'); print('나', file=sys.stderr)\nx + 1")
        assert (first.status, first.stdout, first.stderr) == ("ok", "가\n", "나\n")
        assert first.shown[-1]["data"] == {"text/plain": "21"}
        assert (await run("print(x)")).stdout == "20\n", "cells share their variables"
        rich = await run("from IPython.display import display\ndisplay({'text/html': '<b>b</b>'}, raw=True)")
        assert rich.shown == [{"output_type": "display_data", "data": {"text/html": "<b>b</b>"}, "metadata": {}}]
        taken_back = await run("from IPython.display import clear_output\nprint(1)\nclear_output()\nprint(2)")
        assert None in taken_back.shown
        figure = await run("from matplotlib import pyplot as plt\nplt.plot([1, 2])\nplt.show()")
        assert any("image/png" in output.get("data", {}) for output in figure.shown), "plt.show() shows"

    drive(tmp_path, talk)


@pytest.mark.parametrize(
    "code, name, line",
    [
        ("a = 1\nb = 0\nprint(a / b)", "ZeroDivisionError", 3),
        ("def f():\n    return nothing\n\nf()", "NameError", 2),
        ("x = 1\nprint(x", "SyntaxError", 2),
        ("import json\n\njson.loads('{')", "JSONDecodeError", 3),
        ("raise ValueError('한글 <b> \\x1b[31m')", "ValueError", 1),
    ],
)
def test_errors_name_the_line_of_the_cell(tmp_path, code, name, line):
    async def talk(kernel, run):
        await run("y = 1\n" * 40)  # other cells' lines are not this one's
        answer = await run(code)
        assert (answer.status, answer.name, answer.line) == ("error", name, line)
        assert name in answer.traceback and "\x1b" not in answer.traceback
        assert (await run("print(y)")).stdout == "1\n", "an error ends nothing"

    drive(tmp_path, talk)


def test_an_error_inside_another_cell_marks_the_call(tmp_path):
    async def talk(kernel, run):
        await run("\n\n\n\n\ndef f():\n    1 / 0")
        assert (await run("x = 1\nf()")).line == 2

    drive(tmp_path, talk)


async def stop_soon(kernel):
    """Interrupt a run once it is under way -> seconds that it took to end."""
    while not kernel.running:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    start = time.monotonic()
    await kernel.interrupt()
    return time.monotonic() - start


def test_a_loop_stops_and_keeps_its_variables(tmp_path):
    async def talk(kernel, run):
        stopping = asyncio.ensure_future(stop_soon(kernel))
        answer = await run("import time\nx = 7\nwhile True:\n    time.sleep(0.01)")
        await stopping
        assert (answer.status, answer.name) == ("stopped", "KeyboardInterrupt")
        assert (await run("print(x)")).stdout == "7\n"
        await kernel.interrupt()  # nothing runs: nothing happens
        assert (await run("print(x)")).stdout == "7\n"

    drive(tmp_path, talk)


def test_a_matmul_that_hears_nothing_stops_too(tmp_path):
    """One call of torch that would take minutes: no signal reaches Python before it returns."""

    async def talk(kernel, run):
        await run("import torch\na = torch.ones(20000, 20000)")
        stopping = asyncio.ensure_future(stop_soon(kernel))
        start = time.monotonic()
        with pytest.raises(Lost) as lost:
            await run("b = a @ a")
        assert lost.value.why == "stopped"
        assert time.monotonic() - start < 30, "the product alone takes minutes"
        await stopping

    assert PATIENCE < 1
    drive(tmp_path, talk, memory=16 << 30)


def test_memory_has_a_limit(tmp_path):
    async def talk(kernel, run):
        with pytest.raises(Lost) as lost:
            await run("import time\nkept = []\nwhile True: kept.append(bytearray(20_000_000)); time.sleep(0.02)")
        assert lost.value.why == "memory"

    drive(tmp_path, talk, memory=500_000_000)


def test_a_kernel_that_dies(tmp_path):
    async def talk(kernel, run):
        with pytest.raises(Lost) as lost:
            await run("import os\nos._exit(1)")
        assert lost.value.why == "died"

    drive(tmp_path, talk)


def test_a_flood_of_output_is_cut(tmp_path):
    async def talk(kernel, run):
        answer = await run("for _ in range(60):\n    print('x' * 100_000)")
        assert len(answer.stdout) == OUTPUT_LIMIT and "너무 길어서" in answer.stderr
        assert (await run("print(1)")).stdout == "1\n"

    drive(tmp_path, talk)


def test_no_question_hangs(tmp_path):
    async def talk(kernel, run):
        assert (await run("input()")).name == "StdinNotImplementedError"

    drive(tmp_path, talk)


def test_nothing_is_left_and_no_port_takes_code(tmp_path):
    async def talk(kernel, run):
        code = "import subprocess\np = subprocess.Popen(['sleep', '1000'])\nprint(p.pid)"
        child = int((await run(code)).stdout)
        process = psutil.Process(kernel.pid)
        assert stat.S_IMODE((tmp_path / "kernel").stat().st_mode) & 0o777 == 0o700
        told = json.loads((tmp_path / "kernel" / "connection.json").read_text())
        assert told["transport"] == "ipc" and Path(told["ip"]).parent == tmp_path / "kernel"
        ports = [each.laddr for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN]
        assert len(ports) <= 1 and all(ip == "127.0.0.1" for ip, _ in ports), "one, to which its own children print"
        return [process, psutil.Process(child)]

    gone, alive = psutil.wait_procs(drive(tmp_path, talk), timeout=10)
    assert not alive


def test_children_that_left_end_too(tmp_path):
    """Those of a session of their own, and those whose parent has gone; and the kernel's folder goes."""
    code = """
import subprocess, sys
leave = dict(start_new_session=True, stdout=subprocess.PIPE, text=True)
first = subprocess.Popen(['sleep', '1000'], start_new_session=True)
twice = "import subprocess; print(subprocess.Popen(['sleep', '1000'], start_new_session=True, stdout=-3).pid)"
second = subprocess.run([sys.executable, '-c', twice], **leave).stdout
print(first.pid, second)
"""

    async def talk(kernel, run):
        return [psutil.Process(int(pid)) for pid in (await run(code)).stdout.split()]

    left = drive(tmp_path, talk)
    assert len(left) == 2 and not psutil.wait_procs(left, timeout=10)[1]
    assert not (tmp_path / "kernel").exists()


def test_a_folder_too_deep_for_a_socket(tmp_path):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    assert kernels.endpoint(tmp_path / "k")["transport"] == "ipc" or len(str(tmp_path)) > 90
    assert kernels.endpoint(deep)["transport"] == "tcp"

    async def talk(kernel, run):
        assert (await run("print(1)")).stdout == "1\n"

    drive(deep, talk)


def test_ended_while_it_runs(tmp_path):
    async def talk(kernel, run):
        async def end():
            while not kernel.running:
                await asyncio.sleep(0.01)
            await kernel.end()

        ending = asyncio.ensure_future(end())
        with pytest.raises(Lost):
            await run("import time\ntime.sleep(1000)")
        await ending
        assert not kernel.alive

    drive(tmp_path, talk)


def test_over_ports_as_on_windows(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "endpoint", lambda folder: {"transport": "tcp", "ip": "127.0.0.1"})

    async def talk(kernel, run):
        assert (await run("print(1)")).stdout == "1\n"
        connection = json.loads((tmp_path / "kernel" / "connection.json").read_text())
        assert connection["transport"] == "tcp" and connection["key"], "each message is signed"
        stopping = asyncio.ensure_future(stop_soon(kernel))
        assert (await run("import time\ntime.sleep(1000)")).status == "stopped"
        await stopping

    drive(tmp_path, talk)
