"""The recorded run of each snippet: an executed notebook, the only place that numbers on pages come from."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mundap.project import snippets
from mundap.project.expression import Evidence

LARGEST, LONGEST = 1e300, 200  # of a number, and of a text in characters


@dataclass(frozen=True)
class Exhibit:
    """A named figure or table of a record. kind: "svg" or "html"; alt: the finding in one sentence."""

    name: str
    kind: str
    content: str
    alt: str


@dataclass
class Record:
    """What a page needs of an executed notebook. tolerance: name -> allowed difference, None where any is allowed."""

    name: str
    path: Path
    digest: str
    sources: dict[str, str]
    versions: dict[str, str]
    evidence: Evidence
    tolerance: dict[str, float | None]
    seconds: float
    exhibits: dict[str, Exhibit] = field(default_factory=dict)


def read(path: Path) -> Record:
    """Read one record; raises ValueError where the file is no notebook that `mundap run` wrote."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        meta = notebook["metadata"]["mundap"]
        record = Record(
            name=path.stem,
            path=path,
            digest=meta["digest"],
            sources=dict(meta["sources"]),
            versions=dict(meta["versions"]),
            evidence=dict(meta["evidence"]),
            tolerance=dict(meta["tolerance"]),
            seconds=float(meta["seconds"]),
        )
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                record.exhibits |= exhibits(output)
    except (OSError, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(str(error)) from None
    for name, value in record.evidence.items():
        if wrong := fault(name, value):
            raise ValueError(f"{name}: {wrong}")
    if record.digest != snippets.digest(record.sources):
        raise ValueError("digest")
    return record


def exhibits(output: dict[str, Any]) -> dict[str, Exhibit]:
    """{name: exhibit} of an output that show() or table() named; {} of any other. Raises what a malformed one does."""
    label, data = output.get("metadata", {}), output.get("data", {})
    for kind, mime in (("html", "text/html"), ("svg", "image/svg+xml")):
        if "name" in label and mime in data:
            return {label["name"]: Exhibit(label["name"], kind, "".join(data[mime]), label.get("alt", ""))}
    return {}


def fault(name: str, value: object) -> str | None:
    """What keeps a name and value from being evidence, in Korean; None where nothing does."""
    if not name.isidentifier():
        return "이름에는 글자, 숫자, `_`만 쓸 수 있어요"
    if not isinstance(value, bool | int | float | str):
        return f"{type(value).__name__} 값이에요. 수, 참거짓, 짧은 글만 담을 수 있어요"
    if isinstance(value, str):
        return f"글이 {LONGEST}자보다 길어요" if len(value) > LONGEST else None
    if not abs(value) < LARGEST:  # NaN too
        return f"값이 {value!r}예요. 유한한 수만 담을 수 있어요" if isinstance(value, float) else "수가 너무 커요"
    return None
