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
    made = {
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
    return sealed(made)


def sealed(made):
    """A notebook with the seal of what it says now."""
    made["metadata"]["mundap"]["seal"] = records.seal(made)
    return made


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
    assert record.cells == [("markdown", "글"), ("code", "x"), ("code", "y")]
    assert record.exhibits == {
        "curve": records.Exhibit("curve", "svg", "<svg></svg>", "올라가요."),
        "sizes": records.Exhibit("sizes", "html", "<table></table>", ""),
    }


def test_lists_and_worlds_without_the_effect(write):
    evidence, null = {"value": [0.5, 0.6, 0.7], "flag": True}, {"배우지 않은 모델": {"value": [0.1, 0.0, 0.2]}}
    record = records.read(write(notebook(evidence=evidence, tolerance={}, null=null)))
    assert (record.evidence, record.null) == (evidence, null)
    assert records.read(write(notebook(seconds=0))).null == {}


def without(*path):
    made = notebook()
    node = made
    for key in path[:-1]:
        node = node[key]
    del node[path[-1]]
    return made if path[-1] in ("seal", "mundap") else sealed(made)


def shown(**output):
    """A code cell with one output."""
    return {
        "cell_type": "code",
        "source": "x",
        "outputs": [{"output_type": "display_data", "data": {}, "metadata": {}, **output}],
    }


CELLS = [
    {"outputs": [3]},
    {"cell_type": "raw", "source": "x"},
    {"cell_type": "code", "source": "x"},
    {"cell_type": "code", "outputs": []},
    {"cell_type": "markdown", "source": 3},
    {"cell_type": "markdown"},
    shown(output_type="error"),
    shown(output_type="stream", name="stdin", text="x"),
    shown(output_type="stream", name="stdout", text=3),
    shown(data=None),
    shown(data={"image/svg+xml": 3}),
    shown(data={"text/plain": ["x", 3]}),
    shown(metadata={"name": "../x", "alt": "x"}),
    shown(metadata={"name": "a b"}),
    shown(metadata={"name": 5}),
    shown(metadata={"name": "x", "alt": None}),
    shown(metadata={"name": "x", "alt": 7}),
    shown(metadata=[]),
]


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
        sealed({**notebook(), "cells": 3}),
        sealed({**notebook(), "cells": [3]}),
        *(sealed({**notebook(), "cells": [cell]}) for cell in CELLS),
        notebook(evidence=[1]),
        notebook(evidence={"value": float("nan")}),
        notebook(evidence={"value": float("inf")}),
        notebook(evidence={"value": None}),
        notebook(evidence={"a b": 1}),
        notebook(evidence={"value": 10**301}),
        notebook(evidence={"value": "글" * 201}),
        notebook(seconds="long"),
        notebook(seconds="5"),
        notebook(seconds=-1),
        notebook(versions=["3.11"]),
        notebook(versions={"python": 3}),
        notebook(null=[]),
        notebook(null={"우연": 3}),
        notebook(null={"우연": {"other": 1.0}}),
        notebook(null={"우연": {"value": "글"}}),
        notebook(null={"우연": {"value": [0.1, 0.2]}}),
        notebook(evidence={"value": [0.1, 0.2]}, null={"우연": {"value": [0.1, 0.2, 0.3]}}),
        notebook(evidence={"value": [1.0]}),
        notebook(evidence={"value": [1.0, "a"]}),
        notebook(tolerance={"value": "0.1"}),
        notebook(tolerance={"value": -1}),
        notebook(sources={"measure.py": 3}),
    ],
    ids=lambda content: type(content).__name__,
)
def test_what_is_no_record(write, content):
    with pytest.raises(ValueError) as error:
        records.read(write(content))
    assert not isinstance(error.value, records.Edited)


EDITS = [
    (("metadata", "mundap", "evidence", "value"), 0.6),
    (("metadata", "mundap", "seconds"), 2.5),
    (("metadata", "mundap", "tolerance", "value"), None),
    (("metadata", "mundap", "versions", "python"), "3.12"),
    (("metadata", "mundap", "sources", "measure.py"), "f" * 16),
    (("metadata", "mundap", "seal"), "0" * 16),
    (("cells", 0, "source"), "다른 글"),
    (("cells", 1, "outputs", 0, "data", "image/svg+xml"), "<svg/>"),
    (("cells", 1, "outputs", 0, "metadata", "alt"), "내려가요."),
    (("cells", 2, "outputs", 1, "text"), "w"),
    (("nbformat",), 3),
]


@pytest.mark.parametrize("place, value", EDITS)
def test_what_was_edited_by_hand(write, place, value):
    node = made = notebook()
    for key in place[:-1]:
        node = node[key]
    assert node[place[-1]] != value
    node[place[-1]] = value
    with pytest.raises(records.Edited):
        records.read(write(made))


@pytest.mark.parametrize("change", [{"sources": {}}, {"digest": "0" * 16}])
def test_digest_that_is_not_of_the_sources(write, change):
    with pytest.raises(records.Edited):
        records.read(write(notebook(**change)))


def test_seal_does_not_depend_on_how_the_file_is_written(write):
    made = notebook()
    again = json.loads(json.dumps(made, indent=3, sort_keys=True))
    assert records.seal(again) == made["metadata"]["mundap"]["seal"]


def test_what_cannot_be_read(tmp_path):
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "bytes.ipynb").write_bytes(b"\xff\xfe")
    for name in ("folder", "bytes", "none"):
        with pytest.raises(ValueError):
            records.read(tmp_path / f"{name}.ipynb")


@pytest.mark.parametrize(
    "value, fits",
    [("글" * 200, True), ("글" * 201, False), (9e299, True), (1e300, False), (-1e300, False), (10**299, True), (True, True), (None, False), ([1], False), ([1, 2.0], True), ([1.0] * 1000, True), ([1.0] * 1001, False), ([1.0, True], False), ([1.0, "글"], False), ([1.0, float("nan")], False)],
)  # fmt: skip
def test_what_evidence_may_be(value, fits):
    assert (records.fault("value", value) is None) == fits


def test_a_seal_is_short_and_leaves_itself_out():
    made = notebook()
    assert records.seal({"metadata": {"mundap": {"name": "글"}}, "cells": []}) == "ab2a2ac0e139ce0c"  # as ever
    made["metadata"]["mundap"]["seal"] = "x"
    assert records.seal(made) == notebook()["metadata"]["mundap"]["seal"]


def test_why_a_value_is_no_evidence():
    assert "nan" in records.fault("value", float("nan")) and "유한한 수" in records.fault("value", 1e300)
    assert records.fault("value", 10**301) == "수가 너무 커요"
    assert "글이 200자보다" in records.fault("value", "글" * 201) and "NoneType" in records.fault("value", None)
    assert "이름에는" in records.fault("a b", 1)
