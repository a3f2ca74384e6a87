"""맞을까요, 틀릴까요?: which claims are asked, in what words, and the one that stands in the page."""

import json

import pytest
from engine import FILES, make_project, put
from pages import FIRST, edited, made, parsed, sound_project, words

from mundap.pages import quiz
from mundap.pages.marks import MKDOCS, PLAIN


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def asked(project):
    return quiz.questions(sound_project(project))


def test_claims_that_are_decided_short_and_say_why_are_asked(project):
    """same-2 and explained-1 say no reason, small-1 is open, yes-it-is-1 is partly right."""
    assert asked(project) == [
        {
            "text": "두 값이 같아요.",
            "right": True,
            "why": "차이를 쟀어요.",
            "page": "qa/basics/first.md",
            "anchor": "same-1",
            "question": "두 값은 같나요?",
        }
    ]


WRONG = ("text: 차이가 커요.", "text: 차이가 커요.\n        why: 아주 작아요.")


def test_a_refuted_claim_is_asked_too(project):
    edited(project, FIRST, *WRONG)
    assert [(item["anchor"], item["right"]) for item in asked(project)] == [("same-1", True), ("explained-1", False)]


@pytest.mark.parametrize("verdict, basis", [("일부 맞음", "실험"), ("미확인", "실험")])
def test_what_is_neither_right_nor_wrong_is_not_asked(project, verdict, basis):
    edited(project, FIRST, "basis: 실험\n        verdict: 맞음", f"basis: {basis}\n        verdict: {verdict}")
    assert asked(project) == []


@pytest.mark.parametrize("length, count", [(quiz.LONGEST, 1), (quiz.LONGEST + 1, 0)])
def test_a_long_claim_is_not_asked(project, length, count):
    edited(project, FIRST, "두 값이 같아요.", "가" * (length - 1) + ".")
    assert len(asked(project)) == count


def test_words_are_plain_text(project):
    text = "값 `a`의 차이는 **{{measure.difference:.0e}}**이고 $a = b$라는 [글](thread:second)이 있어요."
    edited(project, FIRST, "text: 두 값이 같아요.", f'text: "{text}"')
    assert asked(project)[0]["text"] == "값 a의 차이는 10⁻⁷이고 a=b라는 글이 있어요."


def test_a_long_reason_is_cut_between_words(project):
    edited(project, FIRST, "why: 차이를 쟀어요.", "why: " + "차이를 쟀어요. " * 40)
    why = asked(project)[0]["why"]
    assert len(why) <= quiz.REASON and why.endswith(("쟀어요.…", "차이를…"))


def test_the_file_holds_every_question(project):
    edited(project, FIRST, *WRONG)
    text = made(project)[quiz.PATH]
    assert json.loads(text) == asked(project) and text.endswith("]\n") and "두 값" in text, "Hangul, no escapes"


@pytest.mark.parametrize("flavour", [MKDOCS, PLAIN])
def test_a_wrong_claim_stands_in_the_page_with_its_verdict(project, flavour):
    edited(project, FIRST, *WRONG)
    box = parsed(quiz.quiz(flavour, sound_project(project), "deep/page.md")).select_one("section.quiz")
    assert box["data-questions"] == "../quiz.json"
    assert words(box.select_one(".quiz-claim")) == "“차이가 커요.”" and not box.details.has_attr("open")
    text = quiz.quiz(flavour, sound_project(project), "deep/page.md")
    assert "**틀린 주장이에요.** 아주 작아요." in text and "(../qa/basics/first.md#explained-1)" in text


def test_where_no_claim_is_wrong_a_right_one_stands_in_the_page(project):
    assert "**맞은 주장이에요.**" in quiz.quiz(MKDOCS, sound_project(project), "index.md")


def test_a_project_without_questions_has_no_quiz(project):
    edited(project, FIRST, "        why: 차이를 쟀어요.\n", "")
    found = sound_project(project)
    assert quiz.quiz(MKDOCS, found, "index.md") == "" and json.loads(quiz.quiz_file(found)) == []


def test_words_that_look_like_markup_are_shown_as_they_are(project):
    put(
        project / FIRST,
        FILES[FIRST]
        .replace("text: 두 값이 같아요.", r"text: '\*a\*와 `b`'")
        .replace("why: 차이를 쟀어요.", r"why: '\*a\*와 $x<y$, \_b\_'"),
    )
    box = parsed(quiz.quiz(MKDOCS, sound_project(project), "index.md"))
    assert words(box.select_one(".quiz-claim")) == "“*a*와 b”"
    assert "*a*와 x<y, _b_" in words(box.details) and not box.details.select("em")
