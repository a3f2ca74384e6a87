import json
import re

import pytest
from engine import make_project
from pages import FIRST, INDEX, edited, made, parsed, sound_project, words

from mundap.pages import lists
from mundap.pages.marks import MKDOCS, PLAIN


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def listed(page):
    """[(link, question, answer, level, verdicts)] of the threads that a page lists."""
    return [
        (
            item.a["href"],
            words(item.a),
            words(item.select_one(".gist")),
            words(item.select_one(".level")),
            item.select_one(".tally")["aria-label"],
        )
        for item in page.select("ol.thread-list > li")
    ]


def test_a_chapter_lists_its_threads_in_reading_order(project):
    page = parsed(made(project)["qa/basics/index.md"])
    assert words(page.h1) == "기초" and "처음 읽는 장이에요." in words(page)
    assert listed(page) == [
        ("first.md", "두 값은 같나요?", "차이는 1.0×10⁻⁷이에요. 둘째 문답도 보세요.", "기초", "판정: 맞음 2, 틀림 1"),
        ("second.md", "값이 작나요?", "작아요.", "중급", "판정: 미확인 1"),
    ]


def test_a_listed_thread_has_a_square_a_claim_and_what_its_scripts_need(project):
    first, second = parsed(made(project)["qa/basics/index.md"]).select("ol.thread-list > li")
    assert [(square["class"], words(square)) for square in first.select(".tally i")] == [
        (["true"], "✓"),
        (["true"], "✓"),
        (["false"], "✗"),
    ]
    assert (first["data-thread"], first["data-level"]) == ("first", "1") and second["data-level"] == "2"


def test_the_contents_list_every_chapter(project):
    page = parsed(made(project)["qa/index.md"])
    assert [(heading["id"], heading.a["href"], words(heading)) for heading in page.select("h2")] == [
        ("basics", "basics/index.md", "기초"),
        ("more", "more/third.md", "더 깊이"),  # straight to its only thread
    ]
    assert [href for href, *_ in listed(page)] == ["basics/first.md", "basics/second.md", "more/third.md"]


def test_chapters_introductions_are_filled_in(project):
    edited(project, INDEX, "처음 읽는 장이에요.", '"{{count.steps}}걸음, [둘째](thread:second)."')
    pages = made(project)
    for text in (pages["qa/basics/index.md"], pages["qa/index.md"]):
        page = parsed(text)
        assert words(page.select_one('.value[title="count.steps"]')) == "3" and "3걸음, 둘째." in words(page)
        assert re.search(r"second\.md$", page.find("a", string="둘째")["href"])
    assert 'description: "3걸음, 둘째."' in pages["qa/basics/index.md"]


@pytest.mark.parametrize("flavour", [MKDOCS, PLAIN])
def test_the_path_is_a_list_of_chapters_each_with_a_figure_of_its_own(project, flavour):
    text = lists.learning_path(flavour, sound_project(project), "deep/index.md")
    assert text.count("![](../figures/measure/curve.svg)") == 1, "더 깊이 has none"
    cards = parsed(lists.learning_path(MKDOCS, sound_project(project), "index.md")).select("ol.path > li")
    assert [(card.a["href"], words(card), json.loads(card["data-threads"])) for card in cards] == [
        (
            "qa/basics/index.md",
            "기초 문답 2개",
            [["first", "두 값은 같나요?", "qa/basics/first.md"], ["second", "값이 작나요?", "qa/basics/second.md"]],
        ),
        ("qa/more/third.md", "더 깊이 문답 1개", [["third", "셋째는요?", "qa/more/third.md"]]),
    ]
    assert "처음부터 읽기: [두 값은 같나요?](../qa/basics/first.md)" in text


def test_the_site_in_two_sentences(project):
    text = lists.summary(sound_project(project))
    assert words(parsed(text)) == ("질문 3개. 답마다 코드를 돌려 주장 5개를 판정했어요. 그 가운데 1개는 틀렸어요.")
    edited(project, FIRST, "verdict: 틀림", "verdict: 맞음")
    assert "틀렸" not in lists.summary(sound_project(project))


def test_tags_of_several_threads_first_in_a_cloud_and_then_the_others(project):
    edited(project, "docs/qa/more/third.yaml", "tags: [세기]", "tags: [같음, 비교, 세기]")
    page = parsed(made(project)["tags.md"])
    cloud = [(words(tag), tag["href"]) for tag in page.select(".tag-cloud a")]
    assert cloud == [("비교 3", "#비교"), ("같음 2", "#같음")], "the largest first"
    tags = {heading["id"]: [a["href"] for a in heading.find_next("ul").select("a")] for heading in page.select("h2")}
    assert list(tags.items())[:2] == [
        ("같음", ["qa/basics/first.md", "qa/more/third.md"]),
        ("비교", ["qa/basics/first.md", "qa/basics/second.md", "qa/more/third.md"]),
    ]
    single = [(item["id"], words(item)) for item in page.select(".single-tags > li")]
    assert single == [("세기", "세기: 셋째는요?")]


def test_the_glossary(project):
    page = parsed(made(project)["glossary.md"])
    assert [(heading["id"], words(heading)) for heading in page.select("h2")] == [
        ("같음", "같음 (equality)"),
        ("셈", "셈"),
    ]
    assert words(page.select_one(".aliases")) == "다른 표기: 동일"
    assert words(page.select_one(".see")) == "함께 보기: 두 값은 같나요?"
    assert len(page.select(".aliases, .see")) == 2, "셈 has neither"


def test_every_section_of_a_document_with_the_threads_that_answer_it(project):
    sections = "{title: 강의 노트, sections: [{title: 첫째 | 절, threads: [first, third]}, {title: 둘째, threads: []}]}"
    page = parsed(made(project, index=("{title: 강의 노트}", sections))["sources.md"])
    assert words(page.h2) == "강의 노트" and [words(cell) for cell in page.select("th")] == ["대목", "문답"]
    rows = [
        (words(title), [(link["href"], words(link)) for link in cell.select("a")] or words(cell))
        for title, cell in (row.select("td") for row in page.select("tbody tr"))
    ]
    assert rows == [
        ("첫째 | 절", [("qa/basics/first.md", "두 값은 같나요?"), ("qa/more/third.md", "셋째는요?")]),
        ("둘째", "아직 쓰는 중이에요"),
    ]


def test_runs_with_their_times_and_users(project):
    rows = parsed(lists.runs_list(MKDOCS, sound_project(project), "runs.md")).select(".run-list > li")
    shown = {words(row.a): (row.a["href"], *(words(part) for part in row.select("span"))) for row in rows}
    assert shown == {
        "세기": ("notebooks/count.ipynb", "2.5초", "값이 작나요?, 셋째는요?"),
        "차이 재기": ("notebooks/measure.ipynb", "2.5초", "두 값은 같나요?"),
    }


@pytest.mark.parametrize(
    "term, letter",
    [("어텐션", "ㅇ"), ("까닭", "ㄱ"), ("힣", "ㅎ"), ("가", "ㄱ"), ("Pre-LN", "P"), ("ELBO", "E"), ("3x", "3")],
)
def test_terms_stand_under_their_first_letter(term, letter):
    assert lists.initial(term) == letter


def test_the_glossary_begins_with_its_letters(project):
    page = parsed(made(project)["glossary.md"])
    assert [(link.get_text(), link["href"]) for link in page.select(".initials a")] == [("ㄱ", "#같음"), ("ㅅ", "#셈")]
