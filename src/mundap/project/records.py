"""The recorded run of each snippet: an executed notebook, the only place that numbers on pages come from."""

import functools
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import jsonschema

from mundap.project import snippets
from mundap.project.files import read_bytes
from mundap.project.forms import NAME
from mundap.project.values import Evidence, Value

LARGEST, LONGEST, MOST = 1e300, 200, 1000  # of a number, of a text in characters, of a list
STEADY = 5  # significant digits of a number that stay when numbers are added in another order


LINES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}  # nbformat allows both
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
LABEL = {"type": "object", "properties": {"name": {"type": "string", "pattern": NAME}, "alt": {"type": "string"}}}
OUTPUT = {
    "oneOf": [
        {
            "properties": {"output_type": {"const": "stream"}, "name": {"enum": ["stdout", "stderr"]}, "text": LINES},
            "required": ["name", "text"],
        },
        {
            "properties": {
                "output_type": {"enum": ["display_data", "execute_result"]},
                "data": {"type": "object", "additionalProperties": LINES},
                "metadata": LABEL,
            },
            "required": ["data", "metadata"],
        },
    ],
    "type": "object",
    "required": ["output_type"],
}
TEXT_CELL = {
    "properties": {"cell_type": {"const": "markdown"}, "source": LINES},
    "required": ["source"],
}
CODE_CELL = {
    "properties": {
        "cell_type": {"const": "code"},
        "source": LINES,
        "outputs": {"type": "array", "items": OUTPUT},
    },
    "required": ["source", "outputs"],
}
SHAPE = jsonschema.Draft7Validator(  # of what `mundap run` writes, as far as pages lean on it
    {
        "type": "object",
        "required": ["cells", "metadata"],
        "properties": {
            "cells": {
                "type": "array",
                "items": {"type": "object", "required": ["cell_type"], "oneOf": [TEXT_CELL, CODE_CELL]},
            },
            "metadata": {
                "type": "object",
                "required": ["mundap"],
                "properties": {
                    "mundap": {
                        "type": "object",
                        "required": ["digest", "sources", "versions", "seconds", "evidence", "tolerance", "seal"],
                        "properties": {
                            "digest": {"type": "string"},
                            "seal": {"type": "string"},
                            "sources": TEXTS,
                            "versions": TEXTS,
                            "seconds": {"type": "number", "minimum": 0},
                            "evidence": {"type": "object"},
                            "null": {"type": "object", "additionalProperties": {"type": "object"}},
                            "tolerance": {
                                "type": "object",
                                "additionalProperties": {"type": ["number", "null"], "minimum": 0},
                            },
                        },
                    }
                },
            },
        },
    }
)


class Edited(ValueError):
    """A record that is not as `mundap run` left it."""


class Exhibit(NamedTuple):
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
    cells: list[tuple[str, str]]  # (kind, source) in order
    null: dict[str, Evidence] = field(default_factory=dict)  # world -> the evidence as it is there
    exhibits: dict[str, Exhibit] = field(default_factory=dict)

    @functools.cached_property
    def numbers(self) -> str:
        """A digest of its numbers: not of those that differ from run to run, nor of what rounding leaves."""
        return digest_of(
            {
                key: [_steady(item) for item in value] if isinstance(value, list) else _steady(value)
                for key, value in self.evidence.items()
                if self.tolerance.get(key, 0) is not None
            }
        )


def _steady(value: Value) -> Value:
    """A number without the digits that another order of adding changes."""
    return round(float(f"{value:.{STEADY}g}"), 9) if isinstance(value, float) else value


def read(path: Path) -> Record:
    """Read one record.

    Raises ValueError where the file is no notebook that `mundap run` wrote, Edited where it was changed since.
    """
    try:
        return _read(path, read_bytes(path))
    except OSError as error:
        raise ValueError(str(error)) from None


@functools.lru_cache(maxsize=512)  # the live server reads all records at each save
def _read(path: Path, content: bytes) -> Record:
    notebook = _parse(content)
    meta = notebook["metadata"]["mundap"]
    record = Record(
        name=path.stem,
        path=path,
        digest=meta["digest"],
        sources=meta["sources"],
        versions=meta["versions"],
        evidence=meta["evidence"],
        tolerance=meta["tolerance"],
        seconds=float(meta["seconds"]),
        cells=[(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]],
        null=meta.get("null", {}),
    )
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            record.exhibits |= exhibits(output)
    for name, value in record.evidence.items():
        if wrong := fault(name, value):
            raise ValueError(f"{name}: {wrong}")
    for values in record.null.values():
        for name, value in values.items():
            if wrong := fault(name, value) or unlike(record.evidence.get(name, ""), value):
                raise ValueError(f"null {name}: {wrong}")
    if meta["seal"] != seal(notebook) or record.digest != snippets.digest(record.sources):
        raise Edited(path.stem)
    return record


def parse(path: Path) -> dict[str, Any]:
    """The notebook in a file, of the shape that `mundap run` writes. Raises ValueError."""
    try:
        return _parse(read_bytes(path))
    except OSError as error:
        raise ValueError(str(error)) from None


def _parse(content: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    try:
        notebook = json.loads(content, parse_constant=refuse)
        fault_of_shape = next(iter(SHAPE.iter_errors(notebook)), None)
    except (ValueError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if fault_of_shape:
        raise ValueError(fault_of_shape.message)
    return notebook


def seal(notebook: dict[str, Any]) -> str:
    """A digest of all that a record says, but for the seal itself."""
    meta = {key: value for key, value in notebook["metadata"]["mundap"].items() if key != "seal"}
    whole = {**notebook, "metadata": {**notebook["metadata"], "mundap": meta}}
    return digest_of(whole)


def digest_of(said: dict[str, Any]) -> str:
    """A digest of what can be said in JSON, in whatever order."""
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def exhibits(output: dict[str, Any]) -> dict[str, Exhibit]:
    """{name: exhibit} of an output that show() or table() named; {} of any other."""
    label, data = output.get("metadata", {}), output.get("data", {})
    for kind, mime in (("html", "text/html"), ("svg", "image/svg+xml")):
        if "name" in label and mime in data:
            return {label["name"]: Exhibit(label["name"], kind, "".join(data[mime]), label.get("alt", ""))}
    return {}


def fault(name: str, value: object) -> str | None:
    """What keeps a name and value from being evidence, in Korean; None where nothing does."""
    if not name.isidentifier():
        return "이름에는 글자, 숫자, `_`만 쓸 수 있어요"
    if isinstance(value, list):
        return _fault_of_list(name, value)
    if not isinstance(value, bool | int | float | str):
        return f"{type(value).__name__} 값이에요. 수, 참거짓, 짧은 글, 수의 목록만 담을 수 있어요"
    if isinstance(value, str):
        return f"글이 {LONGEST}자보다 길어요" if len(value) > LONGEST else None
    if not abs(value) < LARGEST:  # NaN too
        return f"값이 {value!r}예요. 유한한 수만 담을 수 있어요" if isinstance(value, float) else "수가 너무 커요"
    return None


def unlike(value: Value | list[float], null: Value | list[float]) -> str | None:
    """What keeps a value from standing in the place of an evidence, in Korean; None where nothing does."""
    if isinstance(value, list) != isinstance(null, list) or isinstance(value, str) != isinstance(null, str):
        return "증거와 종류가 달라요"
    if isinstance(value, list) and isinstance(null, list) and len(value) != len(null):
        return f"값이 {len(null)}개인데 증거는 {len(value)}개예요. 같은 시드에서 재 주세요"
    return None


def _fault_of_list(name: str, values: list[Any]) -> str | None:
    """What keeps a list from being evidence: one number a seed."""
    if not 2 <= len(values) <= MOST:
        return f"값이 {len(values)}개인 목록이에요. 2개부터 {MOST}개까지 담을 수 있어요"
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"목록에 {type(value).__name__} 값이 있어요. 목록에는 수만 담을 수 있어요"
        if wrong := fault(name, value):
            return wrong
    return None
