import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from mkdocs_jupyter.convert import nb2html
from nbformat import v4

from mundap.pages import notebook_page
from mundap.pages.svg import SvgError

FIGURE = (
    '<svg width="504pt" height="288pt" viewBox="0 0 504 288"><defs><path id="p1" d="M 0 0"/></defs>'
    '<use href="#p1"/></svg>'
)
TABLE = (
    "<table><caption>정확도</caption><thead><tr><th scope='col' onclick='x()'>모델</th><th>값</th></tr></thead>"
    "<tbody><tr><td>ViT</td><td>97.1 %</td></tr></tbody></table>"
)
EVIDENCE = {"change": 4.7683716e-07, "same": True, "device": "cpu", "tokens": 197}


def display(name, alt, kind, content):
    return v4.new_output("display_data", {kind: content}, metadata={"name": name, "alt": alt})


@pytest.fixture(scope="module")
def notebook():
    nb = v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"},
            "mundap": {"versions": {"python": "3.11.2", "torch": "2.13.0"}, "evidence": EVIDENCE, "seconds": 3.21},
        }
    )
    nb.cells = [
        v4.new_markdown_cell("# 토큰 순서와 등변성\n\n수식은 $f(PX) = P f(X)$예요."),
        v4.new_code_cell("def f(x):\n    return x < 1"),
        v4.new_markdown_cell("## 섞어 보기\n\n$$a < b$$\n\n```python\nx = 1\n```\n\n<script>alert(1)</script>"),
        v4.new_code_cell(
            "show()",
            outputs=[
                v4.new_output("stream", name="stdout", text="\x1b[31m빨강\x1b[0m <b>\n"),
                display("curve", "두 모델이 같아져요.", "image/svg+xml", FIGURE),
                display("accuracy", "모델별 정확도", "text/html", TABLE),
            ],
        ),
        v4.new_markdown_cell("## 섞어 보기\n\n# 다시"),
        v4.new_code_cell(
            "evidence = {}\nevidence", outputs=[v4.new_output("execute_result", {"text/plain": "{'change': 4e-07}"})]
        ),
        v4.new_code_cell(""),
    ]
    return nb


@pytest.fixture(scope="module")
def raw(notebook, tmp_path_factory):
    path = tmp_path_factory.mktemp("notebook") / "permutation.ipynb"
    nbformat.write(notebook, path)
    return nb2html(str(path), no_prompt=True)


@pytest.fixture(scope="module")
def page(notebook, raw):
    return notebook_page.clean(
        raw, notebook, "permutation", "../../snippets/permutation.py", "../../download/permutation.ipynb"
    )


def test_page_is_small_and_has_no_styles_of_its_own(raw, page):
    assert len(raw) > 500_000 and len(page) < 10_000
    soup = BeautifulSoup(page, "html.parser")
    assert not soup.select("style, script, link, clipboard-copy, .jp-Cell") and "alert(1)" not in page


def test_headings_have_one_h1_and_korean_anchors(page):
    headings = [(tag.name, tag["id"]) for tag in BeautifulSoup(page, "html.parser").select("h1, h2, h3")]
    assert headings == [("h1", "토큰-순서와-등변성"), ("h2", "섞어-보기"), ("h2", "섞어-보기-2"), ("h2", "다시")]
    tokens = notebook_page.toc_tokens(page)
    assert [token["name"] for token in tokens] == ["토큰 순서와 등변성"]
    assert [(token["name"], token["id"]) for token in tokens[0]["children"]] == [
        ("섞어 보기", "섞어-보기"),
        ("섞어 보기", "섞어-보기-2"),
        ("다시", "다시"),
    ]


def test_figure_and_table_keep_their_names(page):
    soup = BeautifulSoup(page, "html.parser")
    figure = soup.select_one("figure#curve.run-figure")
    assert figure.svg["aria-label"] == "두 모델이 같아져요." and figure.use["xlink:href"] == "#curve-p1"
    assert figure.figcaption.text == "두 모델이 같아져요."
    table = soup.select_one("figure#accuracy.run-table .scroll table")
    assert [cell.get("class") for cell in table.select("th")] == [None, ["number"]]
    assert table.select_one("td.number").text == "97.1 %" and "onclick" not in str(table) and not table.caption


def test_formulas_code_and_printed_text(page):
    soup = BeautifulSoup(page, "html.parser")
    assert len(soup.select("math")) == 2 and soup.select_one(".math-block math[display=block]")
    assert soup.select_one(".cell .highlight pre > code .nf").text == "f"
    assert soup.select_one(".run-output").text == "빨강 <b>"
    assert [code.text.strip() for code in soup.select(".highlight pre > code")] == [
        "def f(x):\n    return x < 1",
        "x = 1",
        "show()",
        "evidence = {}\nevidence",
    ]


def test_evidence_is_a_table_with_anchors(page):
    soup = BeautifulSoup(page, "html.parser")
    rows = {row["id"]: row.td.text for row in soup.select("#evidence tbody tr")}
    assert rows == {
        "evidence-change": "4.76837e-07",
        "evidence-same": "True",
        "evidence-device": "cpu",
        "evidence-tokens": "197",
    }
    assert "4e-07" not in page


def test_what_ran_when(page):
    about = BeautifulSoup(page, "html.parser").select_one("h1 + .run-about")
    assert [(a["href"], a.has_attr("download")) for a in about.select("a")] == [
        ("../../download/permutation.ipynb", True),
        ("../../snippets/permutation.py", False),
    ]
    assert "python snippets/permutation.py" in about.text and "torch 2.13.0" in about.text and "3.2초" in about.text


def test_link_to_colab_where_there_is_one(raw, notebook):
    page = notebook_page.clean(raw, notebook, "permutation", colab="https://colab.example/?a=1&b=2")
    links = BeautifulSoup(page, "html.parser").select(".run-links a")
    assert [(a.text, a["href"], a.has_attr("download")) for a in links] == [
        ("Colab에서 열기", "https://colab.example/?a=1&b=2", False)
    ]


def test_a_page_of_another_notebook_is_refused(raw, notebook):
    other = v4.new_notebook(metadata=notebook.metadata, cells=notebook.cells[1:])
    with pytest.raises(ValueError, match="permutation"):
        notebook_page.clean(raw, other, "permutation")


def test_markup_that_a_table_does_not_need_is_refused():
    with pytest.raises(ValueError, match="<img>"):
        notebook_page.run_table("<table><tr><td><img src=x onerror=alert(1)></td></tr></table>", "a", "b")
    with pytest.raises(SvgError):
        notebook_page.run_figure("<svg viewBox='0 0 1 1'><script/></svg>", "a", "b")


def test_a_title_is_made_where_the_notebook_has_none(notebook, tmp_path):
    bare = v4.new_notebook(metadata=notebook.metadata, cells=[v4.new_code_cell("1")])
    nbformat.write(bare, tmp_path / "bare.ipynb")
    page = notebook_page.clean(nb2html(str(tmp_path / "bare.ipynb")), bare, "bare")
    assert re.match(r'<h1 id="bare">bare</h1>', page)
