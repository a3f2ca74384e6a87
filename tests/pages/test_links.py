import re

import markdown
import pytest
from engine import make_project, make_records
from pages import DOLLARS, made, sound_project

from mundap.pages import links
from mundap.project import math

PAGE = "qa/basics/first.md"
CURVE = ("image/svg+xml", '<svg viewBox="0 0 9 9"/>', "차이가 작아요.")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return sound_project(make_project(tmp_path_factory.mktemp("project")))


def test_each_page_has_its_place(project):
    assert links.thread_path(project.threads["third"]) == "qa/more/third.md"
    assert links.chapter_path("more") == "qa/more/index.md"
    assert links.figure_path("measure", "curve") == "figures/measure/curve.svg"
    assert links.notebook_path("measure") == "notebooks/measure.ipynb"


@pytest.mark.parametrize(
    "path, page, expected",
    [
        ("tags.md", "qa/basics/first.md", "../../tags.md"),
        ("tags.md#같음", "index.md", "tags.md#같음"),
        ("qa/basics/second.md", "qa/basics/first.md", "second.md"),
        ("qa/basics/first.md#same", "qa/basics/first.md", "first.md#same"),
    ],
)
def test_relative(path, page, expected):
    assert links.relative(path, page) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("[둘째](thread:second)", "[둘째](second.md)"),
        ("[표](thread:second#count-sizes)", "[표](second.md#count-sizes)"),
        ("[](thread:third)", "[셋째는요?](../more/third.md)"),
        ("[실행](run:measure)", "[실행](../../notebooks/measure.ipynb)"),
        ("[증거](run:measure#evidence)", "[증거](../../notebooks/measure.ipynb#evidence)"),
        ("[같음](term:같음)", "[같음](../../glossary.md#같음)"),
        ("[실험실](page:lab?a=1&b=2#map)", "[실험실](../../lab.md?a=1&b=2#map)"),
        ("[여기](#same)와 [밖](https://a.b/c)", "[여기](#same)와 [밖](https://a.b/c)"),
        ("`[둘째](thread:second)`", "`[둘째](thread:second)`"),
        ("\n\n글\n", "글"),
    ],
)
def test_links_of_an_author_are_filled_in(project, text, expected):
    assert links.resolve(project, text, PAGE) == expected


def test_values_outside_formulas_say_where_they_come_from(project):
    filled = links.resolve(project, "$x = {{measure.difference:.0e}}$ `{{count.steps}}` {{ count.steps }}번", PAGE)
    assert filled == '$x = 10^{-7}$ `{{count.steps}}` <span class="value" title="count.steps">3</span>번'


def test_a_particle_agrees_with_the_value_before_it(project):
    text = "{{count.steps}}는 [둘째](thread:second)는 {{count.steps}}와"
    filled = re.sub("</?span[^>]*>", "", links.resolve(project, text, PAGE))
    assert filled == "3은 [둘째](second.md)는 3과"


def test_a_value_may_stand_at_either_end_of_a_formula(project):
    for text in ("${{count.steps}} + x$", "$x + {{count.steps}}$", "${{count.steps}}$"):
        assert links.resolve(project, text, PAGE) == text.replace("{{count.steps}}", "3")
    assert "<span" in links.resolve(project, "$x${{count.steps}}", PAGE)


def test_numbers_come_from_the_record(tmp_path):
    root = make_project(tmp_path)
    value = '<span class="value" title="measure.difference">{}</span>'
    assert f"차이는 {value.format('1.0×10⁻⁷')}이에요." in made(root)[PAGE]
    make_records(root, measure=({"difference": 2e-6, "name": "작음"}, {}, {"curve": CURVE}))
    assert f"차이는 {value.format('2.0×10⁻⁶')}이에요." in made(root)[PAGE]


@pytest.mark.parametrize("text, shown", [("run.less:.1f", "−17.9"), ("run.day", "2024-01-02")])
def test_a_minus_is_one_before_a_number(text, shown):
    evidence = {"run": {"less": -17.87, "day": "2024-01-02"}}
    assert f">{shown}<" in links.value(text, evidence, in_formula=False)


def test_nothing_of_a_value_is_taken_for_markup():
    evidence = {
        "run": {"name": "<b>&", "text": "a_b **x** [y](javascript:z)\n\n# {: #c } `d` $e$ \\", "word": "TypeError"}
    }
    shown = {name: links.value(f"run.{name}", evidence, False) for name in evidence["run"]}
    assert shown["name"] == '<span class="value" title="run.name">&lt;b&gt;&amp;</span>'
    dollars = {"pymdownx.arithmatex": DOLLARS}
    page = markdown.markdown(shown["text"], extensions=["attr_list", *dollars], extension_configs=dollars)
    assert page == (
        '<p><span class="value" title="run.text">a_b **x** [y](javascript:z) # {: #c } `d` $e$ \\</span></p>'
    )
    assert links.plain(shown["text"], 99) == "a_b **x** [y](javascript:z) # {: #c } `d` $e$ \\"
    assert (
        links.value("run.name", evidence, True) == r"\text{<b> }"
        and links.value("run.word", evidence, True) == "TypeError"
    )
    for name in evidence["run"]:
        math.to_mathml(links.value(f"run.{name}", evidence, True))


@pytest.mark.parametrize(
    "text, expected",
    [
        ('글 <span class="value" title="a.b">3</span>번', "글 3번"),
        ("**굵은** `a_b` [링크](first.md#same)", "굵은 a_b 링크"),
        ("### 제목\n\n> 따온 글\n이어진 글", "제목 따온 글 이어진 글"),
        (r"$\sqrt{d_k}$로 나눠요. $x^2 = 4$", "√dk로 나눠요. x²=4"),
        ("경우는 $2^n - 1$개", "경우는 2^n−1개"),
        ("$W^O$와 $X^\\top$", "W^O와 X⊤"),
        ("$$\na < b\n$$", "a<b"),
    ],
)
def test_plain(text, expected):
    assert links.plain(text, 99) == expected


def test_plain_text_is_short_and_ends_at_a_word():
    assert links.plain("가나 다라 마바", 8) == "가나 다라 마바"
    assert links.plain("가나 다라 마바 사아", 8) == "가나 다라…"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("| a |\n|---|\n| $|x|$ |", "| a |\n|---|\n| $\\vert x\\vert$ |"),
        ("| a |\n|---|\n| $\\|x\\|y$ |", "| a |\n|---|\n| $\\Vert x\\Vert y$ |"),
        ("| $|$ |\n|---|\n| b |", "| $\\vert$ |\n|---|\n| b |"),
        ("$|a|$\n\n| a |\n|---|\n| b |\n\n$|b|$", "$|a|$\n\n| a |\n|---|\n| b |\n\n$|b|$"),
        ("a | b\n--- | :-:\n$|1$ | c", "a | b\n--- | :-:\n$\\vert1$ | c"),
        ("$$\n|a|\n$$", "$$\n|a|\n$$"),
        ("`$|$`", "`$|$`"),
        ("글 $|a|$ 글\n\n---", "글 $|a|$ 글\n\n---"),
    ],
)
def test_bars_of_formulas_in_tables_do_not_end_a_cell(text, expected):
    assert links.keep_cells(text) == expected


def test_a_formula_at_the_very_start_of_a_table():
    assert links.keep_cells("$|$|a\n---|---\n1|2").startswith("$\\vert$|a")


@pytest.mark.parametrize("limit, expected", [(5, "가나 다라"), (4, "가나…"), (3, "가나…"), (2, "가…")])
def test_where_plain_text_is_cut(limit, expected):
    assert links.plain("가나 다라", limit) == expected
