"""Whatever a file says, its reader answers: with what it says, or with what is wrong and where."""

import contextlib
import json

import pytest
import yaml
from engine import FILES, make_project, put
from hypothesis import given
from hypothesis import strategies as st
from strategies import MARKDOWN, YAML, edited, edited_json, json_values, texts_of, tried

from mundap.pages.collect import pages
from mundap.pages.links import keep_cells
from mundap.problems import Failure
from mundap.project import expression, math, records, texts, yamlsource
from mundap.project.check import examine
from mundap.project.expression import Expression, ExpressionError, NoRecord

EVIDENCE = {"measure": {"difference": 1e-7, "name": "작음", "flag": True, "zero": 0}, "waits": None}
YAML_FILES = [name for name in FILES if name.endswith(".yaml")]
data = st.recursive(
    st.text("가나 abc:#-'\"\n{}[]\\%@`", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("가a b", min_size=1, max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def is_inside(problem, text):
    """A lone carriage return may end a line: YAML says so, not every editor does."""
    lines = max(text.split("\n"), text.splitlines(), key=len)
    return 1 <= problem.line <= len(lines) + 1 and 1 <= problem.column <= max(map(len, text.split("\n"))) + 1


@tried
@given(st.sampled_from(YAML_FILES).flatmap(lambda name: edited(FILES[name], YAML)) | texts_of(YAML) | st.text())
def test_yaml_is_read_or_told(text):
    document, problems = yamlsource.parse(text)
    assert document.value is not None or problems or not text.split("#")[0].strip("-. \n\t\r\ufeff%"), text
    assert all(is_inside(problem, text) for problem in problems), problems
    for place in document.styles if document.value is not None else ():
        value = document.get(place)
        assert isinstance(value, str)
        for offset in {0, len(value) // 2, len(value)}:
            line, column = document.inside(place, offset)
            assert 1 <= line <= len(document.lines) + 1 and column >= 1


@tried
@given(data)
def test_yaml_says_what_was_written(value):
    text = yaml.safe_dump(value, allow_unicode=True, default_style='"')
    document, problems = yamlsource.parse(text)
    assert problems == [] and document.value == yaml.load(text, Loader=yaml.BaseLoader)


@tried
@given(data)
def test_the_place_of_a_character_is_where_it_stands(value):
    document, _ = yamlsource.parse(yaml.safe_dump({"a": value}, allow_unicode=True, width=20))
    for place, (style, _) in document.styles.items():
        for offset, character in enumerate(document.get(place)):
            line, column = document.inside(place, offset)
            if not character.isspace() and (style != '"' or character not in '\\"'):
                assert document.lines[line - 1][column - 1] == character


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("project"))


@tried
@given(
    st.sampled_from(YAML_FILES).flatmap(lambda name: st.tuples(st.just(name), edited(FILES[name], [*YAML, *MARKDOWN])))
)
def test_a_project_is_read_or_told(folder, edit):
    name, text = edit
    put(folder / name, text.encode("utf-8", "surrogatepass"))
    try:
        project, problems = examine(folder)
        for problem in problems:
            assert problem.what and problem.todo and (problem.path != name or is_inside(problem, text))
        if all(problem.minor for problem in problems):
            assert all(text for text in pages(project).values())
    except Failure as failure:
        assert str(failure).startswith("docs/")
    finally:
        put(folder / name, FILES[name])


@tried
@given(texts_of(MARKDOWN))
def test_a_text_is_right_or_told(text):
    def link(kind, target, anchor):
        return None if target == "first" else ("어디에도 없어요.", "고쳐 주세요.")

    for plain in (False, True):
        for offset, what, todo in texts.faults(text, EVIDENCE, link, plain):
            assert 0 <= offset <= len(text) and what.endswith(".") and todo.endswith(".")


@tried
@given(texts_of(MARKDOWN))
def test_formulas_are_found_where_they_stand(text):
    masked = math.mask_code(text)
    assert len(masked) == len(text) and all(a in (b, " ") for a, b in zip(masked, text))
    end = 0
    for offset, latex, _ in math.find_math(text):
        assert text[offset : offset + len(latex)] == latex and offset >= end
        end = offset + len(latex)
    assert all(0 <= offset <= len(text) for offset, _ in math.check_math(text))
    assert (
        keep_cells(text).replace("\\vert", "|").replace(" ", "") == text.replace("\\vert", "|").replace(" ", "")
        or "|" in text
    )


LATEX = ["\\frac", "\\sqrt", "{", "}", "^", "_", "a", "\\left(", "\\right)", "\\text", "\\begin{matrix}", "\\end{matrix}", "&", "\\\\", " ", "%", "#", "~", "'", "\\def\\a"]  # fmt: skip


@tried
@given(texts_of(LATEX, 40), st.booleans(), st.integers(1, 400))
def test_a_formula_is_converted_or_told(latex, display, times):
    for formula in (latex, latex * times):
        try:
            assert math.to_mathml(formula, display).startswith("<math")
        except math.MathError as error:
            assert 0 <= error.position <= len(formula)


PARTS = ["measure.difference", "measure.name", "measure.flag", "measure.zero", "waits.x", "measure.x", "abs(", "(", ")", "<", "<=", "==", "!=", "and", "or", "not", "+", "-", "*", "/", "**", "1", "1e-5", "1e308", "'작음'", "True", ",", "[0]", "lambda:", "if", "else", "글"]  # fmt: skip


@tried
@given(st.lists(st.sampled_from(PARTS), max_size=9).map(" ".join) | st.text(max_size=30), st.booleans())
def test_an_expression_is_decided_or_told(text, condition):
    try:
        made = Expression(text, condition)
        made.verify_names(EVIDENCE)
        for comparison in made.comparisons(EVIDENCE) if condition else []:
            assert "measure." in comparison.left and comparison.offset < len(text)
            assert comparison.operator in expression.MIRROR
        assert condition or isinstance(made.value(EVIDENCE), bool | int | float | str)
    except ExpressionError as error:
        assert 0 <= error.offset <= len(text) and error.what and error.todo
    except NoRecord as error:
        assert str(error) == "waits"


def good_record(folder):
    return json.loads((folder / "docs/notebooks/measure.ipynb").read_text(encoding="utf-8"))


@tried
@given(st.data())
def test_a_record_is_read_or_told(folder, tmp_path_factory, data):
    """Edits of a good one, sealed as `mundap run` would, and any JSON: a ValueError, or a record whose pages can be made or told."""
    path = folder / "docs/notebooks/measure.ipynb"
    before = path.read_text(encoding="utf-8")
    made = data.draw(edited_json(good_record(folder)) | json_values)
    with contextlib.suppress(KeyError, TypeError, AttributeError):
        made["metadata"]["mundap"]["seal"] = records.seal(made)
    try:
        put(path, json.dumps(made))
        try:
            record = records.read(path)
            assert isinstance(record.seconds, float) and all(
                isinstance(v, bool | int | float | str) for v in record.evidence.values()
            )
        except ValueError:
            pass
        project, problems = examine(folder)
        assert all(problem.what and problem.todo for problem in problems)
        if all(problem.minor for problem in problems):
            pages(project)
    except Failure as failure:
        assert str(failure).startswith("docs/notebooks/measure.ipynb:1:1: ")
    finally:
        put(path, before)


@tried
@given(st.data())
def test_any_edit_of_a_record_without_its_seal_is_seen(folder, tmp_path, data):
    good = good_record(folder)
    made = data.draw(edited_json(good))
    put(tmp_path / "measure.ipynb", json.dumps(made))
    try:
        records.read(tmp_path / "measure.ipynb")
    except ValueError:
        return
    assert json.dumps(made, sort_keys=True) == json.dumps(good, sort_keys=True)
