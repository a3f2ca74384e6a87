"""What axe finds wrong with a page in the browser."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def axe_source():
    return (Path(find_spec("axe_playwright_python").origin).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page):
    """Every rule that a page breaks, with the element and what to do -> [text]."""
    page.evaluate(axe_source())
    broken = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in broken for node in rule["nodes"]]
