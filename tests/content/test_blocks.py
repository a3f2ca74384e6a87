"""The short scripts that pages run at build: alone, with the standard library, a Markdown table each."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from attention_cost import attention_share
from vit import vit

BLOCKS = Path(__file__).resolve().parents[2] / "docs" / "blocks"


def rows(name):
    """The cells of the table that a block prints, without header: list of lists of str."""
    command = [sys.executable, "-I", "-S", BLOCKS / f"{name}.py"]  # -S: no packages at all
    out = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines()]
    assert len({len(row) for row in cells}) == 1 and set("".join(cells[1])) <= set("-:")
    return cells[2:]


@pytest.mark.parametrize("image, patch, tokens", [("224", "16", 197), ("448", "16", 785), ("896", "16", 3137)])
def test_token_count(image, patch, tokens):
    row = next(row for row in rows("token_count") if row[0] == f"{image}, {patch}")
    assert row[1:] == [f"{tokens:,}", f"{tokens**2:,}", f"{attention_share(tokens, 768):.1%}"]


def test_parameter_count_is_that_of_the_models():
    *_, (_, *totals) = rows("parameter_count")
    for name, total in zip(("Ti/16", "S/16", "B/16", "L/16"), totals, strict=True):
        with torch.device("meta"):
            assert total == f"{sum(p.numel() for p in vit(name).parameters()) / 1e6:.2f}"
