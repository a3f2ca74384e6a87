import json

import pytest

from mundap.project import records, snippets

SOURCES = {"measure.py": "0123456789abcdef"}


def notebook(**meta):
    meta = {
        "digest": snippets.digest(SOURCES),
        "sources": SOURCES,
        "versions": {"python": "3.11"},
        "seconds": 1.5,
        "evidence": {"value": 0.5, "count": 3, "flag": True, "name": "글"},
        "tolerance": {"value": 0.1, "count": None},
        **meta,
    }
    figure = {
        "output_type": "display_data",
        "metadata": {"name": "curve", "alt": "올라가요."},
        "data": {"image/svg+xml": ["<svg>", "</svg>"], "text/plain": "x"},
    }
    table = {"output_type": "display_data", "metadata": {"name": "sizes"}, "data": {"text/html": "<table></table>"}}
    unnamed = {"output_type": "execute_result", "metadata": {}, "data": {"text/html": "<b>x</b>"}}
    return {
        "nbformat": 4,
        "metadata": {"mundap": meta},
        "cells": [
            {"cell_type": "markdown", "source": "글"},
            {"cell_type": "code", "source": "x", "outputs": [figure, unnamed]},
            {
                "cell_type": "code",
                "source": "y",
                "outputs": [table, {"output_type": "stream", "name": "stdout", "text": "z"}],
            },
        ],
    }


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "measure.ipynb"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


def test_read(write):
    record = records.read(write(notebook()))
    assert (record.name, record.seconds, record.sources) == ("measure", 1.5, SOURCES)
    assert record.evidence == {"value": 0.5, "count": 3, "flag": True, "name": "글"} and record.tolerance == {
        "value": 0.1,
        "count": None,
    }
    assert record.exhibits == {
        "curve": records.Exhibit("curve", "svg", "<svg></svg>", "올라가요."),
        "sizes": records.Exhibit("sizes", "html", "<table></table>", ""),
    }


def without(*path):
    made = notebook()
    node = made
    for key in path[:-1]:
        node = node[key]
    del node[path[-1]]
    return made


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        "[" * 100_000,
        '{"cells": []}',
        '{"metadata": {"mundap": 3}}',
        "<<<<<<< HEAD\n{}",
        without("cells"),
        without("metadata", "mundap"),
        *(without("metadata", "mundap", key) for key in notebook()["metadata"]["mundap"]),
        {**notebook(), "cells": 3},
        {**notebook(), "cells": [3]},
        {**notebook(), "cells": [{"outputs": [3]}]},
        notebook(evidence=[1]),
        notebook(evidence={"value": float("nan")}),
        notebook(evidence={"value": float("inf")}),
        notebook(evidence={"value": [1]}),
        notebook(evidence={"value": None}),
        notebook(evidence={"a b": 1}),
        notebook(evidence={"value": 10**301}),
        notebook(evidence={"value": "글" * 201}),
        notebook(seconds="long"),
        notebook(sources={}),
        notebook(digest="0" * 16),
    ],
    ids=lambda content: type(content).__name__,
)
def test_what_is_no_record(write, content):
    with pytest.raises(ValueError):
        records.read(write(content))


def test_what_cannot_be_read(tmp_path):
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "bytes.ipynb").write_bytes(b"\xff\xfe")
    for name in ("folder", "bytes", "none"):
        with pytest.raises(ValueError):
            records.read(tmp_path / f"{name}.ipynb")
