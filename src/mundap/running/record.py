"""Run one snippet and keep the run as its record; as a command, the worker that pool.run_all starts."""

import ast
import json
import math
import os
import re
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mundap.problems import Failure
from mundap.project import records, snippets
from mundap.project.cells import cells_of
from mundap.project.files import replace_text
from mundap.project.snippets import Snippet
from mundap.running.conditions import environment, private_settings
from mundap.running.notebook import to_notebook
from mundap.running.retell import retell
from mundap.running.worker import answer

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

TIME_LIMIT = 1200  # seconds for one snippet
SHOWN = 200  # characters of an error
FRAME = re.compile(r"Cell In\[(\d+)\], line (\d+)")  # of IPython's tracebacks: number of the code cell, its line
COLOUR = re.compile(r"\x1b\[[\d;]*m")
PACKAGES = ("torch", "numpy", "matplotlib", "scikit-learn", "safetensors")  # a record names their versions
READ_EVIDENCE = """
def _read_evidence():
    import json, os, platform
    def plain(value):
        value = value.tolist() if hasattr(value, "tolist") else value
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value
    bound = {name: {key: plain(value) for key, value in globals().get(name, {}).items()}
             for name in ("evidence", "tolerance")}
    bound["null"] = {world: {key: plain(value) for key, value in values.items()}
                     for world, values in globals().get("null", {}).items()}
    return json.dumps({**bound, "python": platform.python_version(),
                       "seconds": round(sum(os.times()[:4]), 1)})
""".strip()


def record(root: Path, name: str, time_limit: float = TIME_LIMIT) -> float:
    """Run one snippet at full length and replace its record -> seconds of a processor that it took.

    Where a current record would differ in words alone it is not run: 0. Raises Failure. A run that fails or is
    interrupted leaves the old record as it is.
    """
    known, path = snippets.load(root / "snippets"), root / "docs" / "notebooks" / f"{name}.ipynb"
    before = snippets.sources(known, name)
    if retold := retell(path, known[name], before):
        _replace(path, retold)
        return 0.0
    notebook, bound = execute(known[name], time_limit)
    verify(name, bound["evidence"], bound["tolerance"])
    verify_null(name, bound["evidence"], bound["null"])
    tidy_outputs(notebook)
    after = snippets.sources(snippets.load(root / "snippets"), name)
    code = {file: value for file, value in before.items() if file.endswith(".py")}
    data = {file: value for file, value in after.items() if not file.endswith(".py")}  # a run may write such a file
    notebook.metadata["mundap"] = {
        "digest": snippets.digest(code | data),
        "sources": code | data,
        "versions": {"python": bound["python"], **_versions()},
        "seconds": bound["seconds"],
        "evidence": bound["evidence"],
        "tolerance": {key: None if value == math.inf else value for key, value in bound["tolerance"].items()},
        "null": bound["null"],
    }
    _replace(path, notebook)
    return notebook.metadata["mundap"]["seconds"]


def execute(snippet: Snippet, time_limit: float = TIME_LIMIT) -> tuple["NotebookNode", dict[str, Any]]:
    """Run a snippet at full length in a fresh kernel -> (notebook with outputs, what read_evidence gives).

    Raises Failure where a cell fails, the time limit in seconds passes, the kernel dies or the evidence has no values
    that can be written down.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    notebook, number, traceback = to_notebook(snippet), 0, ""
    client = NotebookClient(notebook, startup_timeout=120, kernel_name="python3", store_widget_state=False)
    started = time.monotonic()
    try:
        with client.setup_kernel(env=environment(full=True), cwd=str(snippet.path.parent)):
            for number, cell in enumerate(notebook.cells):
                client.timeout = max(1, int(started + time_limit - time.monotonic()))
                client.execute_cell(cell, number)
            return notebook, read_evidence(client)
    except CellExecutionError as error:
        told, traceback = " ".join(f"{error.ename}: {error.evalue}".split()), error.traceback
        what = f"셀이 오류로 멈췄어요({told if len(told) <= SHOWN else told[: SHOWN - 1] + '…'})."
    except CellTimeoutError:
        what = f"실행이 {time_limit:g}초 안에 끝나지 않았어요. 실행을 줄이거나 `--timeout`을 늘려 주세요."
    except RuntimeError as error:  # nbclient's DeadKernelError is one
        what = f"스니펫을 돌리던 커널이 멈췄어요({error}). 메모리가 모자랐을 수 있어요."
    raise Failure(f"snippets/{snippet.name}.py:{_line(snippet.source, number, traceback)}:1: {what}")


def _line(source: str, number: int, traceback: str) -> int:
    """The line of a snippet's file at which its cell of that number, from 0, stopped: its first, unless a traceback says more."""
    cells, lines = cells_of(source), source.splitlines()
    code = [cell for cell in cells if cell.kind == "code"]
    for count, line in [map(int, found) for found in reversed(FRAME.findall(COLOUR.sub("", traceback)))][:1]:
        cell = code[count - 1] if 0 < count <= len(code) else cells[number]
        words = [text.strip() for text in cell.source.splitlines()][line - 1 : line]
        for at in (cell.line + line - 1, cell.line + line):  # the `if` above an opened block is in the file alone
            if words and words == [text.strip() for text in lines[at - 1 : at]]:
                return at
    return cells[number].line


def read_evidence(client: "NotebookClient") -> dict[str, Any]:
    """What a client's kernel has bound -> {"evidence", "tolerance", "null": as records have them, "python", "seconds"}.

    seconds: of a processor, so that other work beside it does not count. Leaves nothing in the notebook. Raises Failure where a value cannot be written down.
    """
    from jupyter_core.utils import run_sync

    kernel: Any = client.kc

    async def ask() -> dict[str, Any]:
        return await kernel.execute(
            READ_EVIDENCE,
            silent=True,
            store_history=False,
            reply=True,
            timeout=60,
            user_expressions={"bound": "_read_evidence()"},
        )

    result = run_sync(ask)()["content"]["user_expressions"]["bound"]
    if result["status"] != "ok":
        raise Failure(
            f"증거를 읽을 수 없어요: {result.get('evalue', '')}. `evidence`에는 수, 참거짓, 짧은 글, 수의 목록만 담아 주세요."
        )
    return json.loads(ast.literal_eval(result["data"]["text/plain"]))


def verify(name: str, evidence: dict[str, Any], tolerance: dict[str, Any]) -> None:
    """Raise Failure unless a snippet's evidence is plain finite values, and its tolerance numbers for some of them."""
    if not evidence:
        raise Failure(
            f"`{name}` 스니펫이 증거(`evidence`)를 남기지 않았어요. 마지막 셀에서 `evidence = {{이름: 값}}`을 적어 주세요."
        )
    for key, value in evidence.items():
        if wrong := records.fault(key, value):
            raise Failure(f"`{name}` 스니펫의 증거 `{key}`: {wrong}.")
    for key, value in tolerance.items():
        if key not in evidence:
            raise Failure(f"`{name}` 스니펫의 `tolerance`에 있는 `{key}` 이름이 증거에 없어요. 이름을 확인해 주세요.")
        if not isinstance(value, int | float) or not value >= 0:
            raise Failure(f"`{name}` 스니펫의 `tolerance`에서 `{key}` 값이 {value!r}예요. 0 이상의 수를 적어 주세요.")


def verify_null(name: str, evidence: dict[str, Any], null: dict[str, dict[str, Any]]) -> None:
    """Raise Failure unless every value of a world without the effect is one that its evidence could have."""
    for world, values in null.items():
        for key, value in values.items():
            where = f"`{name}` 스니펫의 `null`에서 `{world}`의 `{key}`"
            if key not in evidence:
                raise Failure(f"{where}: 이 이름이 증거에 없어요. 이름을 확인해 주세요.")
            if wrong := records.fault(key, value) or records.unlike(evidence[key], value):
                raise Failure(f"{where}: {wrong}.")


def tidy_outputs(notebook: "NotebookNode") -> None:
    """Take from the outputs what differs from run to run: times, ids, stderr, and how a stream is cut into pieces."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _joined_streams(cell.outputs)


def _joined_streams(outputs: list["NotebookNode"]) -> list["NotebookNode"]:
    joined: list[NotebookNode] = []
    for output in outputs:
        output.pop("transient", None)
        is_stream = output.output_type == "stream"
        if is_stream and output.name == "stderr":
            continue
        if is_stream and joined and joined[-1].output_type == "stream":
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _replace(path: Path, notebook: "NotebookNode") -> None:
    """Write a notebook in one step: whoever reads the file finds the old record or the new one, whole."""
    import nbformat

    nbformat.validate(notebook)
    notebook.metadata["mundap"]["seal"] = records.seal(notebook)
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    replace_text(path, text + "\n")


def main() -> None:
    """`python -m mundap.running.record ROOT NAME SECONDS` answers {"seconds": …} or {"failure": a Korean message}."""
    root, name, time_limit = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])

    def work() -> dict[str, Any]:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            os.environ.update(private_settings(scratch))
            return {"seconds": record(root, name, time_limit)}

    answer(work)


if __name__ == "__main__":
    main()
