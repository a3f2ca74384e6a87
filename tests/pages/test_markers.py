import pytest
from engine import make_project
from pages import parsed, sound_project, words

from mundap.pages.markers import fill
from mundap.pages.marks import MKDOCS, PLAIN
from mundap.project import schema
from mundap.project.texts import MARKERS

NAMED = ("figure", "code", "thread", "chapter")  # markers of one thing among several

TEXT = """\
---
title: 쪽
---

값은 {{measure.difference:.0e}}, `{{measure.difference}}`, [실행](run:measure), [답](thread:first#same).

<!-- mundap:figure measure.curve -->

<!-- mundap:figure count.sizes -->

<!-- mundap:code measure.distance -->

`<!-- mundap:figure measure.curve -->`
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return sound_project(make_project(tmp_path_factory.mktemp("project")))


def test_hand_written_pages_show_figures_code_and_numbers(project):
    text = fill(project, TEXT, "deep/page.md")
    assert text.startswith("---\ntitle: 쪽\n---\n")
    assert '값은 <span class="value" title="measure.difference">10⁻⁷</span>, `{{measure.difference}}`' in text
    assert "[실행](../notebooks/measure.ipynb), [답](../qa/basics/first.md#same)." in text
    assert '```python title="snippets/measure.py"\ndef distance(a, b):' in text
    assert text.endswith("`<!-- mundap:figure measure.curve -->`\n")
    page = parsed(text)
    assert page.select_one("figure#measure-curve.run-figure svg")["aria-label"] == "차이가 작아요."
    assert words(page.select_one("figure#count-sizes.run-table figcaption")) == "크기"


def test_figures_of_the_plain_flavour_are_files(project):
    text = fill(project, TEXT, "deep/page.md", PLAIN)
    assert '<a id="measure-curve"></a>\n\n![차이가 작아요.](../figures/measure/curve.svg)\n' in text
    assert "<svg" not in text and '<figure id="count-sizes" class="run-table">' in text


@pytest.mark.parametrize("flavour", [MKDOCS, PLAIN])
@pytest.mark.parametrize("marker", [name for name in MARKERS if name not in NAMED])
def test_every_marker_is_filled_in(project, marker, flavour):
    text = fill(project, f"# 쪽\n\n<!-- mundap:{marker} -->\n", "page.md", flavour)
    assert text.startswith("# 쪽\n\n") and "<!--" not in text and len(text) > 60


def test_what_the_markers_show(project):
    def filled(marker):
        return parsed(fill(project, f"<!-- mundap:{marker} -->", "index.md"))

    assert "주장 5개" in words(filled("scoreboard").select_one(".scoreboard"))
    assert "질문 3개" in words(filled("summary").p)
    assert words(filled("quiz").select_one("section.quiz .quiz-claim")) == "“두 값이 같아요.”"
    assert len(filled("path").select("ol.path > li")) == 2
    assert len(filled("verdicts").select("tbody tr")) == len(schema.VERDICTS) + len(schema.BASES)
    assert len(filled("runs").select(".run-list > li")) == 2
    assert "misconception" in words(filled("keys")) and "id: why-position" in words(filled("template"))


@pytest.mark.parametrize(
    "page, flavour, addresses",
    [
        ("lab.md", MKDOCS, ["../qa/basics/first/", "../qa/basics/"]),
        ("index.md", MKDOCS, ["qa/basics/first/", "qa/basics/"]),
        ("deep/page.md", MKDOCS, ["../../qa/basics/first/", "../../qa/basics/"]),
        ("deep/page.md", PLAIN, ["../qa/basics/first.md", "../qa/basics/index.md"]),
    ],
)
def test_links_in_raw_html_are_filled_in(project, page, flavour, addresses):
    text = "<p>왜요? <!-- mundap:thread first -->, <!-- mundap:chapter basics -->까지</p>"
    filled = parsed(fill(project, text, page, flavour))
    assert [link["href"] for link in filled.select("a")] == addresses
    assert filled.a.text == project.threads["first"].question
    title, count = project.chapters[0].title, len(project.chapters[0].threads)
    assert words(filled.p).endswith(f"{title}(문답 {count}개)까지") and count > 1


def test_what_has_no_record_or_no_snippet_leaves_nothing(project):
    """As the checks say what is missing."""
    text = "글\n\n<!-- mundap:figure none.curve --><!-- mundap:code none.distance -->"
    assert fill(project, text, "page.md").strip() == "글"
