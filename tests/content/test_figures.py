"""The figures of the records, as a phone shows them."""

import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "docs" / "notebooks").glob("*.ipynb"))
NARROWEST = 333  # px that a figure has in a guess on a screen of 390 px
SMALLEST = 10.5  # px


def drawings(notebook):
    """(name, SVG) of every figure of a record."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if svg := output.get("data", {}).get("image/svg+xml"):
                yield output["metadata"]["name"], "".join(svg)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_phone_shows_every_label_large_enough(notebook):
    for name, svg in drawings(notebook):
        width = float(re.search(r'viewBox="0 0 (\S+) ', svg)[1])
        sizes = {float(size) for size in re.findall(r"font(?:-size)?: ?([\d.]+)px", svg)}
        assert not sizes or min(sizes) * NARROWEST / width >= SMALLEST, name
