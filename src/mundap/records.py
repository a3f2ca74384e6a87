"""The recorded run of each snippet: an executed notebook, the only place that numbers on pages come from."""

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Exhibit:
    """A named figure or table of a record. kind: "svg" or "html"; alt: the finding in one sentence."""

    name: str
    kind: str
    content: str
    alt: str


@dataclass
class Record:
    """What a page needs of an executed notebook."""

    name: str
    path: Path
    digest: str
    sources: dict
    versions: dict
    evidence: dict
    tolerance: dict
    seconds: float
    exhibits: dict = field(default_factory=dict)


def read(path):
    """Read one record; raises ValueError where the file is no notebook that `mundap run` wrote."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        meta = notebook["metadata"]["mundap"]
        record = Record(path.stem, path, meta["digest"], meta["sources"], meta["versions"], meta["evidence"],
                        meta["tolerance"], meta["seconds"])
    except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            label = output.get("metadata", {})
            for kind, mime in (("svg", "image/svg+xml"), ("html", "text/html")):
                if "name" in label and mime in output.get("data", {}):
                    content = "".join(output["data"][mime])
                    record.exhibits[label["name"]] = Exhibit(label["name"], kind, content, label.get("alt", ""))
    return record
