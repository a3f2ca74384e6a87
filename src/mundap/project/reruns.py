"""What snippets left when they were run again in other worlds: docs/reruns/COMMAND.jsonl, one line a snippet and world.

Each line has a seal of its own, so that lines can be taken away or merged, but not edited.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from mundap.project import records
from mundap.project.expression import Comparison
from mundap.project.files import read_bytes, replace_text
from mundap.project.records import Record
from mundap.project.values import Evidence, Value

FOLDER = "docs/reruns"
WORLDS = {"replicate": re.compile(r"seeds:[1-9]\d{0,3}"), "null": re.compile(r"steps|weights")}  # of each command
DIGITS = 8  # significant ones of a number: more than a single float holds, and few enough for a small file


class Edited(ValueError):
    """A line that is not as its command left it."""


@dataclass(frozen=True)
class Rerun:
    """A snippet's run in a world: "seeds:3" (moved seeds), "steps" or "weights" (nothing is learnt).

    digest: of the sources that ran; evidence: None where the run failed, with the reason in Korean in failure.
    beside: the numbers of the record that the same sources had made; "" where there was none.
    """

    snippet: str
    world: str
    digest: str
    evidence: Evidence | None
    failure: str = ""
    beside: str = ""

    @property
    def command(self) -> str:
        """The command that makes it."""
        return "replicate" if self.world.startswith("seeds:") else "null"


@dataclass(frozen=True)
class Again:
    """A check, decided again in another world. comparisons: None where it has no value there, failure: why, if a run failed.

    changed: a number of the check is another one than in the records; stale: a run is not of the code of its record.
    """

    world: str
    comparisons: tuple[Comparison, ...] | None
    changed: bool
    stale: bool
    failure: str = ""

    @property
    def holds(self) -> bool:
        """Whether the check holds there too."""
        return self.comparisons is not None and all(comparison.holds for comparison in self.comparisons)


def is_of(run: Rerun, record: Record) -> bool:
    """Whether a run is of the code of a record, or of code that gave the same numbers, such as before a figure was redrawn."""
    return run.digest == record.digest or run.beside == record.numbers


def rounded(value: Value | list[float]) -> Value | list[float]:
    """A value as a line keeps it."""
    if isinstance(value, list):
        return [float(f"{item:.{DIGITS}g}") if isinstance(item, float) else item for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def order(rerun: Rerun) -> tuple[str, str, int]:
    """What lines are sorted by: the snippet, then the world, seeds by their number."""
    kind, _, number = rerun.world.partition(":")
    return rerun.snippet, kind, int(number or 0)


def to_line(rerun: Rerun) -> str:
    """A run as a line of JSON, without the end of the line."""
    outcome = {"failure": rerun.failure} if rerun.evidence is None else {"evidence": rerun.evidence}
    said = {"snippet": rerun.snippet, "world": rerun.world, "digest": rerun.digest, "beside": rerun.beside, **outcome}
    return json.dumps({**said, "seal": records.digest_of(said)}, ensure_ascii=False)


def of_line(line: str) -> Rerun:
    """A run from its line. Raises ValueError where it is none, Edited where it was changed since."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    try:
        data = json.loads(line, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError(str(error)) from None
    keys = {"snippet", "world", "digest", "beside", "seal"}
    if not isinstance(data, dict) or data.keys() - keys not in ({"evidence"}, {"failure"}) or keys - data.keys():
        raise ValueError("keys")
    evidence = data.pop("evidence", None)
    if not all(isinstance(value, str) for value in data.values()):
        raise ValueError("texts")
    if not any(pattern.fullmatch(data["world"]) for pattern in WORLDS.values()):
        raise ValueError(data["world"])
    _verify(evidence)
    rerun = Rerun(data["snippet"], data["world"], data["digest"], evidence, data.get("failure", ""), data["beside"])
    if data["seal"] != json.loads(to_line(rerun))["seal"]:
        raise Edited(rerun.snippet)
    return rerun


def _verify(evidence: Any) -> None:
    """Raise ValueError unless it is None, or the evidence of a run."""
    if evidence is not None and not isinstance(evidence, dict):
        raise ValueError("evidence")
    for name, value in (evidence or {}).items():
        if wrong := records.fault(name, value):
            raise ValueError(f"{name}: {wrong}")


def read(path: Path) -> tuple[list[Rerun], list[tuple[int, ValueError]]]:
    """The runs of a file, and what is wrong with its other lines: (number, from 1; Edited or another ValueError).

    Raises OSError, ValueError where it is no text.
    """
    runs, faults = [], []
    for number, line in enumerate(read_bytes(path).decode().split("\n"), 1):
        if line.strip():
            try:
                runs.append(of_line(line))
            except ValueError as error:
                faults.append((number, error))
    return runs, faults


def keep(root: Path, rerun: Rerun) -> None:
    """Put a run in its file, in place of the earlier one of that snippet and world; lines of snippets that are gone go.

    Raises OSError, ValueError where the file cannot be read; then it stays as it is.
    """
    path = root / FOLDER / f"{rerun.command}.jsonl"
    runs, faults = read(path) if path.exists() else ([], [])
    if faults:
        raise faults[0][1]
    snippets = {file.stem for file in (root / "snippets").glob("*.py")}
    found = {(each.snippet, each.world): each for each in [*runs, rerun] if each.snippet in snippets}
    replace_text(path, "".join(to_line(each) + "\n" for each in sorted(found.values(), key=order)))
