import copy

import nbformat
import pytest
from bs4 import BeautifulSoup
from mkdocs_jupyter.convert import nb2html
from nbformat import v4
from pages import words

from mundap.pages import notebook
from mundap.site import notebooks

FIGURE = '<svg viewBox="0 0 504 288"><defs><path id="p1" d="M 0 0"/></defs><use href="#p1"/></svg>'
TABLE = "<table><tbody><tr><td>ViT</td><td>97.1 %</td></tr></tbody></table>"
EVIDENCE = {"change": 4.7683716e-07, "same": True, "device": "cpu", "tokens": 197}
RUN = {"versions": {"python": "3.11.2", "torch": "2.13.0"}, "evidence": EVIDENCE, "seconds": 3.21}


def display(name, alt, kind, content):
    return v4.new_output("display_data", {kind: content}, metadata={"name": name, "alt": alt})


@pytest.fixture(scope="module")
def record():
    """A record with all that a page shows."""
    record = v4.new_notebook(metadata={"language_info": {"name": "python"}, "mundap": RUN})
    record.cells = [
        v4.new_markdown_cell("# 토큰 순서와 등변성\n\n수식은 $f(PX) = P f(X)$예요."),
        v4.new_code_cell("import torch\nfrom torch import nn"),
        v4.new_code_cell("def f(x):\n    return x < 1"),
        v4.new_markdown_cell("## 섞어 보기\n\n$$a < b$$\n\n```python\nx = 1\n```\n\n<script>alert(1)</script>"),
        v4.new_code_cell(
            "show()",
            outputs=[
                v4.new_output("stream", name="stdout", text="\x1b[31m빨강\x1b[0m <b>\n"),
                display("curve", "두 모델이 같아져요.", "image/svg+xml", FIGURE),
                display("accuracy", "모델별 정확도", "text/html", TABLE),
                display("curve", "한 번 더.", "image/svg+xml", FIGURE),
            ],
        ),
        v4.new_markdown_cell("## 섞어 보기\n\n# 다시"),
        v4.new_code_cell("evidence = {}", outputs=[]),
        v4.new_code_cell(
            "tolerance = {}\nevidence", outputs=[v4.new_output("execute_result", {"text/plain": "{'change': 4e-07}"})]
        ),
        v4.new_code_cell(""),
    ]
    return record


@pytest.fixture(scope="module")
def texts(record, tmp_path_factory):
    """Its text cells, as mkdocs-jupyter hands them over."""
    path = tmp_path_factory.mktemp("record") / "permutation.ipynb"
    nbformat.write(record, path)
    notebooks.use_own_templates()
    return notebooks.text_cells(nb2html(str(path), no_prompt=True))


@pytest.fixture(scope="module")
def html(record, texts):
    return notebook.notebook_page(record, texts, "permutation", '<div class="run-about"></div>')


@pytest.fixture
def page(html):
    return BeautifulSoup(html, "html.parser")


def test_page_has_no_scripts_and_no_styles_of_its_own(html, page):
    assert len(html) < 10_000
    assert not page.select("style, script, link, clipboard-copy, .jp-Cell") and "alert(1)" not in html


def test_headings_have_one_h1_and_korean_anchors(html, page):
    headings = [(tag.name, tag["id"]) for tag in page.select("h1, h2, h3")]
    assert headings == [("h1", "토큰-순서와-등변성"), ("h2", "섞어-보기"), ("h2", "섞어-보기-2"), ("h2", "다시")]
    assert [link["href"] for link in page.select("a.headerlink")] == [f"#{anchor}" for _, anchor in headings]
    [token] = notebook.toc_tokens(html)
    assert (token["level"], token["id"], token["name"]) == (1, "토큰-순서와-등변성", "토큰 순서와 등변성")
    assert [(child["name"], child["id"], child["children"]) for child in token["children"]] == [
        ("섞어 보기", "섞어-보기", []),
        ("섞어 보기", "섞어-보기-2", []),
        ("다시", "다시", []),
    ]


def test_headings_nest():
    tokens = notebook.toc_tokens('<h2 id="a">A</h2><h4 id="b">B</h4><h3 id="c"><em>C</em></h3><h2 id="d">D</h2>')
    assert [(token["name"], [child["name"] for child in token["children"]]) for token in tokens] == [
        ("A", ["B", "C"]),
        ("D", []),
    ]


def test_cells_stand_in_their_order(page):
    code = [words(each) for each in page.select(".highlight pre > code")]
    assert code == [
        "import torch from torch import nn",
        "def f(x): return x < 1",
        "x = 1",
        "show()",
        "evidence = {}",
        "tolerance = {} evidence",
    ]
    cell = page.select(".cell")[2]
    assert [child.get("id") or child["class"][0] for child in cell.find_all(recursive=False)] == [
        "highlight",
        "run-output",
        "again",
        "accuracy",
        "curve-2",
    ]


def test_what_a_run_shows_stands_first_and_once(page):
    assert page.h1.find_next_sibling()["class"] == ["run-about"], "right below the title"
    headline = page.select_one(".run-about").find_next_sibling()
    assert headline["id"] == "curve" and headline.svg and words(headline.figcaption) == "두 모델이 같아져요."
    again = page.select_one(".cell .again")
    assert words(again) == "위에서 본 그림: 두 모델이 같아져요." and again.a["href"] == "#curve"
    assert len(page.select("figure.run-figure")) == 2, "it, and the other one of its cell"


def test_imports_and_what_leaves_evidence_are_folded(page):
    folded = page.select("details.folded")
    assert [words(each.summary) for each in folded] == ["불러오기 2줄", "증거를 남기는 코드 2줄"]
    assert all(each.select_one("code") and not each.has_attr("open") for each in folded)
    assert page.select_one("#evidence").find_parent("details") is None, "the numbers themselves are not"


@pytest.mark.parametrize(
    "source, is_import",
    [
        ("import a\nfrom b import c", True),
        ("import a\na.seed(1)", False),
        ("", False),
        ("# a note", False),
        ("import a\n%matplotlib inline", False),
    ],
)
def test_a_cell_of_imports(source, is_import):
    assert notebook.only_imports(source) == is_import


@pytest.mark.parametrize(
    "markup", ["<script>alert(1)</script>", "<STYLE>p {}</style>", "<img src=x onerror=alert(1)>", "<svg><a/></svg>"]
)
def test_a_text_cell_brings_no_script_style_or_picture(markup):
    assert notebook.text_cell(f"<p>앞 {markup}뒤</p>", set()) == "<p>앞 뒤</p>"


def test_formulas_of_text_cells(page):
    assert len(page.select("math")) == 2 and page.select_one(".math-block math[display=block]")


def test_evidence_is_a_table_where_it_is_shown_last(html, page):
    rows = {row["id"]: words(row.td) for row in page.select("#evidence tbody tr")}
    assert rows == {
        "evidence-change": "4.76837×10⁻⁷",
        "evidence-same": "True",
        "evidence-device": "cpu",
        "evidence-tokens": "197",
    }
    assert page.select(".cell")[-1].select_one("#evidence") and "4e-07" not in html.replace("4.76837×10⁻⁷", "")


def test_a_page_of_another_notebook_is_refused(record, texts):
    other = copy.deepcopy(record)
    del other.cells[0]
    with pytest.raises(ValueError, match="permutation"):
        notebook.notebook_page(other, texts, "permutation", "")


def test_a_title_is_made_where_the_notebook_has_none():
    bare = v4.new_notebook(cells=[v4.new_code_cell("1")])
    html = notebook.notebook_page(bare, [], "<b> a", "<p>언제</p>")
    assert html.startswith('<h1 id="a">&lt;b&gt; a</h1><p>언제</p>')


def about(source=None, download=None, colab=None, users=()):
    return BeautifulSoup(notebook.about(RUN, "permutation", source, download, colab, users), "html.parser")


def test_threads_that_lean_on_a_run_come_first():
    run = about(users=[("같나요 <i>?", "../../qa/a/b/"), ("다른가요?", "../../qa/a/c/")])
    assert words(run.p) == "이 실행을 쓰는 문답: 같나요 <i>?, 다른가요?"
    assert [link["href"] for link in run.p.select("a")] == ["../../qa/a/b/", "../../qa/a/c/"]
    assert "문답" not in words(about()), "where none does, nothing is said"


def test_what_ran_when():
    run = about("../../snippets/permutation.py", "../../download/permutation.ipynb")
    assert [(link["href"], link.has_attr("download")) for link in run.select(".run-links a")] == [
        ("../../download/permutation.ipynb", True),
        ("../../snippets/permutation.py", False),
    ]
    assert words(run.code) == "python snippets/permutation.py"
    assert [words(fact) for fact in run.select(".run-facts li")] == ["python 3.11.2 · torch 2.13.0", "실행 3.2초"]
    assert run.div.has_attr("data-unsearched")


def test_link_to_colab_where_there_is_one():
    links = about(colab="https://colab.example/?a=1&b=2").select(".run-links a")
    assert [(link.text, link["href"], link.has_attr("download")) for link in links] == [
        ("Colab에서 열기", "https://colab.example/?a=1&b=2", False)
    ]
