import re
import subprocess

import pytest
from engine import FILES, RECORDS, make_project, make_records, put
from pages import FIRST, edited, made, parsed, sound_project, to_html

from mundap.pages import marks
from mundap.pages.marks import MKDOCS, PLAIN, SEAL
from mundap.problems import Failure

PAGE = "qa/basics/first.md"
FIGURE = '<svg viewBox="0 0 9 9"/>'


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def test_a_heading_has_an_anchor_in_both_flavours():
    heading = parsed(MKDOCS.heading(2, "두 값", "same")).h2
    assert (heading["id"], heading.get_text()) == ("same", "두 값")
    assert PLAIN.heading(2, "두 값", "same") == '<a id="same"></a>\n\n## 두 값'


def test_a_link_has_a_class_where_the_flavour_knows_classes():
    link = parsed(MKDOCS.classed("[같음](tags.md)", "tag")).a
    assert (link["class"], link["href"]) == (["tag"], "tags.md")
    assert PLAIN.classed("[같음](tags.md)", "tag") == "[같음](tags.md)"


def test_markdown_stands_in_elements():
    box = parsed(marks.section(MKDOCS, "asked", "질문", "**굵은** 글")).section
    assert (box["class"], box.h2["id"], box.strong.get_text()) == (["asked"], "asked", "굵은")
    assert marks.box(PLAIN, "why", "**굵은** 글") == '<div class="why">\n\n**굵은** 글\n\n</div>'


def test_a_figure_stands_in_the_page_of_mkdocs_and_beside_a_plain_one(project):
    record = sound_project(project).records["measure"]
    figure = parsed(marks.exhibit(MKDOCS, record, "curve", PAGE)).select_one("figure#measure-curve.run-figure")
    assert figure.svg["role"] == "img" and figure.svg["aria-label"] == figure.figcaption.get_text() == "차이가 작아요."
    assert figure.find("text").get_text() == "선"
    assert marks.exhibit(PLAIN, record, "curve", PAGE) == (
        '<a id="measure-curve"></a>\n\n![차이가 작아요.](../../figures/measure/curve.svg)'
    )


@pytest.mark.parametrize("flavour", [MKDOCS, PLAIN])
def test_a_table_is_the_same_in_both_flavours(project, flavour):
    record = sound_project(project).records["count"]
    figure = parsed(marks.exhibit(flavour, record, "sizes", PAGE)).select_one("figure#count-sizes.run-table")
    assert figure.figcaption.get_text() == "크기" and figure.td.get_text() == "3"


def test_figure_that_stands_further_up_is_a_link(project):
    edited(
        project,
        FIRST,
        "      - run: measure\n    claims",
        "      - {run: measure, figure: curve}\n      - {run: count, figure: sizes}\n"
        "      - {run: count, figure: sizes}\n    claims",
    )
    text = made(project)[PAGE]
    page = parsed(text)
    assert len(page.select("figure#measure-curve")) == len(page.select("figure#count-sizes")) == 1
    links = {link["href"]: link.parent.get_text() for link in page.select('a[href^="#measure-"], a[href^="#count-"]')}
    assert links == {
        "#measure-curve": "위에서 본 그림",
        "#count-sizes": "위에서 본 표",
    }


@pytest.mark.parametrize("flavour", [MKDOCS, PLAIN])
def test_nothing_of_a_figure_s_words_is_taken_for_markup(project, flavour):
    alt = 'a [b] *c* `d` $e$ _f_ <g> "h" \\ i'
    make_records(project, measure=(RECORDS["measure"][0], {}, {"curve": ("image/svg+xml", FIGURE, alt)}))
    record = sound_project(project).records["measure"]
    html = to_html(marks.exhibit(flavour, record, "curve", PAGE))
    shown = re.search(r'\b(?:aria-label|alt)="([^"]*)"', html)[1]
    assert shown == "a [b] *c* `d` $e$ _f_ &lt;g&gt; &quot;h&quot; \\ i"
    again = parsed(marks.exhibit(flavour, record, "curve", PAGE, again=True))
    assert again.get_text() == "위에서 본 그림"


def test_code_that_holds_a_fence(project):
    code = marks.definition(sound_project(project).snippets["measure"], "distance")
    assert code.startswith('```python title="snippets/measure.py"\n') and code.endswith("\n```")
    old = FILES["snippets/measure.py"]
    put(project / "snippets/measure.py", old.replace("How far two numbers", "```` How far two numbers"))
    make_records(project)
    code = marks.definition(sound_project(project).snippets["measure"], "distance")
    assert code.startswith('`````python title="snippets/measure.py"\ndef distance(a, b):') and code.endswith("\n`````")
    assert code in made(project)[PAGE]


def test_a_row_of_a_table():
    assert marks.table_row(["a|b", "c"]) == "| a\\|b | c |"


def test_a_block_is_run_by_mkdocs_or_here():
    assert (
        MKDOCS.block("tokens", "print(1)")
        == '```python exec="1" source="above" id="tokens" seal="' + SEAL + '"\nprint(1)\n```'
    )
    assert PLAIN.block("tokens", "print(1)") == "```python\nprint(1)\n```\n\n1"


@pytest.mark.parametrize(
    "code, words", [("import sys\n1 / 0", "ZeroDivisionError"), ("raise SystemExit(3)", "오류로 멈췄어요")]
)
def test_block_that_fails(project, code, words):
    put(project / "docs/blocks/tokens.py", code + "\n")
    with pytest.raises(Failure, match=r"docs/blocks/tokens\.py:1:1: 블록이 오류로 멈췄어요\(.*") as caught:
        made(project, PLAIN)
    assert words in str(caught.value)


def test_block_that_does_not_end(monkeypatch):
    monkeypatch.setattr(marks, "BLOCK_LIMIT", 0.1)
    with pytest.raises(Failure, match=r"docs/blocks/tokens\.py:1:1: .*0\.1초 안에 끝나지 않았어요"):
        marks.printed_by("tokens", "import time\ntime.sleep(60)")


def test_a_block_has_a_minute(monkeypatch):
    def run(*_, timeout, **__):
        raise subprocess.TimeoutExpired("python", timeout)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(Failure, match="60초 안에 끝나지 않았어요"):
        marks.printed_by("tokens", "")


def test_a_hand_written_page_in_a_flavour():
    text = '## 큰 제목 {#title}\n\n<div class="a" markdown="1">\n\n[글](b.md){.button}\n\n</div>\n'
    assert marks.from_mkdocs(MKDOCS, text) == text
    assert marks.from_mkdocs(PLAIN, text) == (
        '<a id="title"></a>\n\n## 큰 제목\n\n<div class="a">\n\n[글](b.md)\n\n</div>\n'
    )
