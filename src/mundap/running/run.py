"""Run snippets as notebooks and keep the runs as records."""

import ast
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mundap.problems import Failure
from mundap.project import records
from mundap.project import snippets as snippets_module

TIME_LIMIT = 1200  # seconds for one snippet
VERSIONS = ("torch", "numpy", "matplotlib", "scikit-learn", "safetensors")
READ_EVIDENCE = """
def _read_evidence():
    import json, platform
    def plain(value):
        return value.item() if hasattr(value, "item") else value
    found = {name: {key: plain(value) for key, value in globals().get(name, {}).items()}
             for name in ("evidence", "tolerance")}
    return json.dumps({**found, "python": platform.python_version()})
""".strip()


def to_notebook(snippet):
    """The notebook of a snippet, not run: percent cells, with `if __name__ == "__main__":` blocks laid open."""
    import jupytext

    notebook = jupytext.reads(snippet.source, fmt="py:percent")
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.source = open_guard(cell.source)
    return notebook


def open_guard(source):
    """A cell that is wholly an `if __name__ == "__main__":` block without the `if`; any other cell as it is."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return source
    guards = [node for node in tree.body if snippets_module.is_main_guard(node)]
    if len(tree.body) != 1 or not guards:
        return source
    lines = source.splitlines()
    guard = guards[0]
    before, block = lines[: guard.lineno - 1], lines[guard.lineno :]
    indent = " " * guard.body[0].col_offset
    block = [indent + line if line.startswith("#") else line for line in block]  # else it holds the margin at zero
    opened = textwrap.dedent("\n".join(block))
    try:
        same = ast.dump(ast.parse(opened)) == ast.dump(ast.Module(guard.body, []))
    except SyntaxError:
        same = False
    return "\n".join([*before, opened]).strip("\n") if same else source  # a multi-line string would change: leave it


def _cell_line(snippet, number):
    """The line of the snippet's file where the cell of that number starts."""
    import jupytext

    cells = jupytext.reads(snippet.source, fmt="py:percent").cells
    place, cells = 0, [cell.source for cell in cells if cell.source.strip()]
    for source in cells[: number + 1]:
        found = snippet.source.find(source, place)
        place = found if found >= 0 else place  # a Markdown cell's source has lost its `# `
    return snippet.source[:place].count("\n") + 1


def execute(snippets, name, time_limit=TIME_LIMIT, full=True):
    """Run one snippet in a fresh kernel -> notebook with outputs and metadata["mundap"].

    Raises Failure where a cell fails, the time limit passes, or the evidence is not plain finite values.
    """
    import nbclient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    snippet = snippets[name]
    notebook = to_notebook(snippet)
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    environment.pop("FULL_RUN", None)
    if full:
        environment["FULL_RUN"] = "1"
    started = time.monotonic()
    client = nbclient.NotebookClient(notebook, startup_timeout=120, kernel_name="python3", store_widget_state=False)
    deadline = started + time_limit
    try:
        with client.setup_kernel(env=environment, cwd=str(snippet.path.parent)):
            for index, cell in enumerate(notebook.cells):
                client.timeout = max(1, int(deadline - time.monotonic()))
                client.execute_cell(cell, index)
            seconds = time.monotonic() - started
            found = _read_evidence(client)
    except CellExecutionError as error:
        place = f"snippets/{name}.py:{_cell_line(snippet, index)}:1"
        raise Failure(f"{place}: 셀이 오류로 멈췄어요({error.ename}: {error.evalue}).") from None
    except CellTimeoutError:
        place = f"snippets/{name}.py:{_cell_line(snippet, index)}:1"
        raise Failure(
            f"{place}: 실행이 {time_limit:g}초 안에 끝나지 않았어요. 실행을 줄이거나 `--timeout`을 늘려 주세요."
        ) from None
    except (DeadKernelError, RuntimeError) as error:
        raise Failure(f"`{name}` 스니펫을 돌리던 커널이 멈췄어요({error}). 메모리가 모자랐을 수 있어요.") from None
    _verify(name, found)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.pop("transient", None)
    _join_streams(notebook)
    tolerance = {key: None if value == math.inf else value for key, value in found["tolerance"].items()}
    notebook.metadata["mundap"] = {
        "digest": "",
        "sources": {},
        "versions": {"python": found["python"], **_versions()},
        "seconds": round(seconds, 1),
        "evidence": found["evidence"],
        "tolerance": tolerance,
    }
    return notebook


def _read_evidence(client):
    """Ask the kernel for `evidence` and `tolerance`, leaving nothing in the notebook."""
    from jupyter_core.utils import run_sync

    async def ask():
        return await client.kc.execute(
            READ_EVIDENCE,
            silent=True,
            store_history=False,
            reply=True,
            timeout=60,
            user_expressions={"found": "_read_evidence()"},
        )

    result = run_sync(ask)()["content"]["user_expressions"]["found"]
    if result["status"] != "ok":
        raise Failure(
            f"증거를 읽을 수 없어요: {result.get('evalue', '')}. `evidence`에는 수, 참거짓, 짧은 글만 담아 주세요."
        )
    return json.loads(ast.literal_eval(result["data"]["text/plain"]))


def _verify(name, found):
    if not found["evidence"]:
        raise Failure(
            f"`{name}` 스니펫이 증거(`evidence`)를 남기지 않았어요. 마지막 셀에서 `evidence = {{이름: 값}}`을 적어 주세요."
        )
    for key, value in found["evidence"].items():
        if wrong := records.fault(key, value):
            raise Failure(f"`{name}` 스니펫의 증거 `{key}`: {wrong}.")
    for key, value in found["tolerance"].items():
        if key not in found["evidence"]:
            raise Failure(f"`{name}` 스니펫의 `tolerance`에 있는 `{key}` 이름이 증거에 없어요. 이름을 확인해 주세요.")
        if not isinstance(value, int | float) or not value >= 0:
            raise Failure(f"`{name}` 스니펫의 `tolerance`에서 `{key}` 값이 {value!r}예요. 0 이상의 수를 적어 주세요.")


def _join_streams(notebook):
    """One stdout output a cell: how a stream is cut into messages differs from run to run."""
    for cell in notebook.cells:
        joined = []
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                continue
            if joined and output.output_type == "stream" == joined[-1].output_type and output.name == joined[-1].name:
                joined[-1].text += output.text
            else:
                joined.append(output)
        if "outputs" in cell:
            cell.outputs = joined


def _versions():
    found = {}
    for package in VERSIONS:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def record(root, snippets, name, time_limit=TIME_LIMIT):
    """Run one snippet and replace its record; a failed or interrupted run leaves the old record. -> seconds."""
    import nbformat

    before = snippets_module.sources(snippets, name)
    notebook = execute(snippets, name, time_limit)
    after = snippets_module.sources(snippets_module.load(root / "snippets"), name)
    data = {file: value for file, value in after.items() if not file.endswith(".py")}  # a run may write such a file
    hashes = {file: value for file, value in before.items() if file.endswith(".py")} | data
    notebook.metadata["mundap"]["sources"] = hashes
    notebook.metadata["mundap"]["digest"] = snippets_module.digest(hashes)
    folder = root / "docs" / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.validate(notebook)
    part = folder / f".{name}.part"
    try:
        text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
        part.write_text(text + "\n", encoding="utf-8")
        os.replace(part, folder / f"{name}.ipynb")
    finally:
        part.unlink(missing_ok=True)
    return notebook.metadata["mundap"]["seconds"]


def run_all(root, snippets, names, time_limit=TIME_LIMIT, workers=2, stream=sys.stderr):
    """Run snippets, each after those it imports, `workers` processes at a time, with a progress bar on a terminal.

    -> {name: seconds or Failure}. A snippet whose import failed is not run. However this process ends, those it
    started end too: each reads a pipe that nobody writes to, and stops when it is closed.
    """
    from tqdm import tqdm

    names = snippets_module.order(snippets, names)
    results, running, waiting, shown = {}, {}, list(names), ()
    terminal = stream.isatty()
    bar = tqdm(
        total=len(names),
        file=stream,
        disable=not terminal,
        leave=False,
        bar_format="{n_fmt}/{total_fmt} |{bar}| {elapsed}{postfix}",
    )

    def say(text):
        bar.write(text, file=stream) if terminal else print(text, file=stream, flush=True)

    def finish(name, result):
        results[name] = result
        bar.update()
        outcome = f"실패. {result}" if isinstance(result, Failure) else f"{result:.1f}초"
        say(f"[{len(results)}/{len(names)}] {name}: {outcome}")

    try:
        while waiting or running:
            for name in list(waiting):
                earlier = names[: names.index(name)]  # of two that import each other, one has to be first
                needed = [other for other in snippets_module.closure(snippets, name) if other in earlier]
                broken = [other for other in needed if isinstance(results.get(other), Failure)]
                if broken:
                    waiting.remove(name)
                    finish(name, Failure(f"먼저 돌아야 할 `{broken[0]}` 스니펫이 실패해서 돌리지 않았어요."))
                elif len(running) < workers and all(other in results for other in needed):
                    waiting.remove(name)
                    running[name] = _start(root, name, time_limit)
                    if not terminal:
                        say(f"{name}: 돌리는 중")
            if shown != (shown := (*running, int(time.monotonic()))):  # what runs, or the second, has changed
                bar.set_postfix_str(", ".join(running))
            for name, process in list(running.items()):
                if process.poll() is not None:
                    del running[name]
                    finish(name, _outcome(process))
            time.sleep(0.1)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            _outcome(process)
        bar.close()
    return results


def _start(root, name, time_limit):
    """A process that records one snippet and writes what came of it, as JSON, to its file `reply`."""
    reply = tempfile.TemporaryFile()
    command = [sys.executable, "-m", "mundap.running.run", str(root), name, str(time_limit), str(reply.fileno())]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[reply.fileno()],
        start_new_session=True,
    )  # Ctrl-C is the parent's to handle
    process.reply = reply
    return process


def _outcome(process):
    """Wait for a record process that ends -> seconds or Failure."""
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdin.close()
    with process.reply as reply:
        reply.seek(0)
        text = reply.read().decode()
    if not text:
        return Failure(f"실행 과정이 갑자기 끝났어요(종료 코드 {process.returncode}). 메모리가 모자랐을 수 있어요.")
    reply = json.loads(text)
    return Failure(reply["failure"]) if "failure" in reply else reply["seconds"]


def main():
    """Record one snippet in this process: the worker of run_all."""
    root, name, time_limit, reply = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an orderly end: the kernel goes, no part file stays
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.update(IPYTHONDIR=scratch, JUPYTER_RUNTIME_DIR=scratch)  # no one's own settings; nothing left behind
        try:
            answer = {"seconds": record(root, snippets_module.load(root / "snippets"), name, time_limit)}
        except Failure as failure:
            answer = {"failure": str(failure)}
        except Exception as error:
            answer = {"failure": f"`{name}` 스니펫을 기록하지 못했어요({type(error).__name__}: {error})."}
    os.write(reply, json.dumps(answer).encode())


def _end_with_parent():
    os.read(0, 1)  # sys.stdin would hold its lock while Python shuts down
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
