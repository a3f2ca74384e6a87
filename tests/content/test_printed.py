"""The number that a run prints is the number that it recorded."""

import ast
import json
import re

import pytest
from runs import ROOT, own_project

from mundap.project.bindings import kept_by

PROJECT, _ = own_project()
SPECS = ("", "d", ".0f", ".1f", ".2f", ".3f", ".4f", ".0%", ".1%", ".2%", ".0e", ".1e", ".2e")


def plain(node):
    """The source of an expression without what leaves a number what it is."""
    while isinstance(node, ast.Call):
        inner = node.func.value if isinstance(node.func, ast.Attribute) and not node.args else None
        if inner is None or node.func.attr not in ("item", "tolist"):
            break
        node = inner
    return ast.unparse(node)


def printed(source):
    """{source of an expression: formats in which a script prints it}."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FormattedValue) and not isinstance(node.value, ast.Constant):
            spec = ast.unparse(node.format_spec)[2:-1] if node.format_spec else ""
            if spec in SPECS:
                found.setdefault(plain(node.value), set()).add(spec)
    return found


def pairs(name):
    """[(evidence, format)] of what a script both records and prints."""
    source = PROJECT.snippets[name].source
    shown = printed(source)
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    entries = [entry for statement in statements for entry in kept_by(statement)]
    recorded = {key.value: plain(value) for kept, key, value in entries if kept == "evidence" and hasattr(key, "value")}
    return sorted(
        (key, spec)
        for key, text in recorded.items()
        for spec in shown.get(text, set()) | shown.get(f"evidence['{key}']", set())
    )


def outputs(name):
    """All that a record's run said, captions among it, and the last value that it showed (None where it showed none)."""
    notebook = json.loads((ROOT / "docs" / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    said, last = [], None
    for output in (output for cell in notebook["cells"] for output in cell.get("outputs", [])):
        if output["output_type"] == "stream":
            said.append("".join(output["text"]))
            continue
        said += [output["metadata"].get("alt", ""), "".join(output["data"].get("text/html", ""))]
        if output["output_type"] == "execute_result":
            last = "".join(output["data"]["text/plain"])
    return "".join(said), last


@pytest.mark.parametrize("name", PROJECT.records)
def test_what_is_printed_is_what_is_recorded(name):
    said, last = outputs(name)
    evidence = PROJECT.records[name].evidence
    for key, spec in pairs(name):
        if isinstance(evidence.get(key), int | float):
            assert format(evidence[key], spec) in said, (key, spec)
    if last is not None:
        plain_text = re.sub(r"(?:np\.\w+|tensor)\(([^()]*?)(?:,\s+dtype=[\w.]+)?\)", r"\1", last)
        shown = json.loads(json.dumps(ast.literal_eval(plain_text)))
        assert shown.keys() == evidence.keys()
        for key, value in shown.items():
            is_tensor = isinstance(value, list) and "tensor(" in last  # which shows four digits of each number
            assert value == (pytest.approx(evidence[key], rel=1e-3, abs=1e-4) if is_tensor else evidence[key])


def test_most_numbers_that_are_printed_are_found():
    assert sum(len(pairs(name)) for name in PROJECT.records) > 200
