import pytest
from bs4 import BeautifulSoup
from nbformat import v4
from pages import words

from mundap.pages import outputs
from mundap.pages.svg import SvgError

FIGURE = (
    '<svg width="504pt" height="288pt" viewBox="0 0 504 288"><defs><path id="p1" d="M 0 0"/></defs>'
    '<use href="#p1"/></svg>'
)
TABLE = (
    "<table><caption>정확도</caption><thead><tr><th scope='col' onclick='x()'>모델</th><th>값</th></tr></thead>"
    "<tbody><tr><td>ViT</td><td>97.1 %</td></tr></tbody></table>"
)


def html(text):
    return BeautifulSoup(text, "html.parser")


def shown(item, used=()):
    """An output as it is shown in a page that has the ids `used`."""
    return html(outputs.output(item, set(used)))


def display(kind, content, **metadata):
    return v4.new_output("display_data", {kind: content, "text/plain": "<Figure>"}, metadata=metadata)


def test_figure_keeps_its_name_and_says_what_it_shows():
    figure = shown(display("image/svg+xml", FIGURE, name="curve", alt="<같아져요>")).figure
    assert (figure["id"], figure["class"]) == ("curve", ["run-figure"])
    assert figure.svg["role"] == "img" and figure.svg["aria-label"] == figure.figcaption.text == "<같아져요>"
    assert figure.use["xlink:href"] == "#curve-p1" and figure.path["id"] == "curve-p1"


def test_figure_without_a_name_or_with_one_that_is_taken():
    assert shown(display("image/svg+xml", FIGURE)).figure["id"] == "figure"
    assert shown(display("image/svg+xml", FIGURE, name="curve"), ["curve", "curve-2"]).figure["id"] == "curve-3"


def test_table_keeps_its_name_and_scrolls_by_itself():
    figure = shown(display("text/html", TABLE, name="accuracy", alt="모델별 정확도")).figure
    assert (figure["id"], figure["class"], figure.figcaption.text) == ("accuracy", ["run-table"], "모델별 정확도")
    table = figure.select_one('.scroll[data-label="모델별 정확도"] > table.data')
    assert [cell.get("class") for cell in table.select("th")] == [None, ["number"]]
    assert table.select_one("td.number").text == "97.1 %" and table.th["scope"] == "col"
    assert "onclick" not in str(table) and not table.caption


def test_a_corner_without_a_word_heads_nothing():
    table = BeautifulSoup(outputs.run_table("<table><tr><th></th><th>N</th></tr></table>", "a", "b"), "html.parser")
    assert [cell.name for cell in table.select("tr > *")] == ["td", "th"]


@pytest.mark.parametrize("tag", ["img src=x onerror=alert(1)", "script", "a href=x", "style", "svg"])
def test_markup_that_a_table_does_not_need_is_refused(tag):
    with pytest.raises(ValueError, match=f"<{tag.split()[0]}>"):
        outputs.run_table(f"<table><tr><td><{tag}></td></tr></table>", "a", "b")


def test_markup_that_a_figure_does_not_need_is_refused():
    with pytest.raises(SvgError):
        outputs.run_figure("<svg viewBox='0 0 1 1'><script/></svg>", "a", "b")


def test_markup_of_a_library_without_a_name_is_shown_as_text():
    """As Jupyter shows a data frame: nothing has checked it."""
    page = shown(display("text/html", "<script>alert(1)</script>"))
    assert words(page.select_one("pre.run-output")) == "<Figure>" and not page.script


def test_picture_of_dots():
    image = shown(display("image/png", "aGVs\nbG8=\n", alt='"점"')).select_one("figure.run-figure img")
    assert (image["src"], image["alt"]) == ("data:image/png;base64,aGVsbG8=", '"점"')


def test_printed_text_without_the_terminal_s_colours():
    text = shown(v4.new_output("stream", name="stdout", text="\x1b[31m빨강\x1b[0m <b>\n\n")).pre
    assert (text["class"], text["data-label"], text.text) == (["run-output"], "출력", "빨강 <b>")
    assert shown(v4.new_output("stream", name="stderr", text="경고")).pre["data-label"] == "오류 출력"
    assert outputs.output(v4.new_output("stream", text="\n"), set()) == ""


def test_error_and_result():
    error = shown(v4.new_output("error", ename="E", evalue="v", traceback=["\x1b[1m첫 줄", "E: v"])).pre
    assert (error["data-label"], error.text) == ("오류", "첫 줄\nE: v")
    assert shown(v4.new_output("execute_result", {"text/plain": "<1>"})).pre.text == "<1>"


def test_texts_may_be_lists_of_lines():
    assert shown({"output_type": "stream", "name": "stdout", "text": ["가\n", "나\n"]}).pre.text == "가\n나"


def test_evidence_is_a_table_with_anchors():
    table = html(outputs.evidence_table({"change": 4.7683716e-07, "same": True, "device": "<cpu>", "tokens": 197}))
    assert words(table.select_one("figure#evidence.run-table figcaption")) == "이 실행이 남긴 증거"
    assert [(row["id"], words(row.th), words(row.td)) for row in table.select("tbody tr")] == [
        ("evidence-change", "change", "4.76837×10⁻⁷"),
        ("evidence-same", "same", "True"),
        ("evidence-device", "device", "<cpu>"),
        ("evidence-tokens", "tokens", "197"),
    ]


def test_code_is_marked_up_as_the_theme_s_is():
    code = html(outputs.code("def f(x):\n    return x < 1")).select_one(".highlight pre > code")
    assert code.text == "def f(x):\n    return x < 1\n" and code.select_one(".nf").text == "f"
    assert not code.select(".n, .w"), "names and blanks look like the text around"
