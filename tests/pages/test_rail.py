"""Where a reader of a thread is: the chapter's threads, this page's parts, what comes next."""

import pytest
from engine import make_project
from pages import FIRST, INDEX, edited, sound_project

from mundap.pages.rail import Entry, Part, rail_of
from mundap.project.check import examine
from mundap.project.draft import anchors


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def rail(project, name="first"):
    found = sound_project(project)
    return rail_of(found, found.threads[name])


def test_a_thread_in_its_chapter(project):
    assert (rail(project).chapter, rail(project).path, rail(project).number) == ("기초", "qa/basics/index.md", 1)
    assert rail(project).threads == (
        Entry("first", "두 값은 같나요?", "qa/basics/first.md", True),
        Entry("second", "값이 작나요?", "qa/basics/second.md", False),
    )
    assert [thread.is_here for thread in rail(project, "second").threads] == [False, True]


def test_what_follows_goes_on_in_the_next_chapter_and_ends(project):
    following = [rail(project, name).following for name in ("first", "second", "third")]
    assert [entry and entry.path for entry in following] == ["qa/basics/second.md", "qa/more/third.md", None]
    assert rail(project, "third").number == 1


def test_parts_are_the_answers_with_their_verdicts(project):
    assert rail(project).parts == (
        Part("conclusion", "답"),
        Part("same", "두 값은 같아요", "true", "✓", "맞음"),
        Part("explained", "왜 같은지"),
    )
    assert rail(project, "second").parts[1:] == (Part("small", "작아요", "open", "?", "미확인"),)


PREDICT = "{ask: 어떨까요?, choices: [하나, 둘], right: 둘, outcome: 둘, check: measure.difference < 1}"


def test_a_prediction_is_a_part(project):
    edited(project, FIRST, "needs: []", f"predict: {PREDICT}")
    assert rail(project).parts[1] == Part("predict", "예상해 보기")


def test_every_part_is_an_anchor_of_the_page(project):
    edited(project, FIRST, "needs: []", f"predict: {PREDICT}")
    found = sound_project(project)
    (data,) = [draft.data for draft in found.files.drafts if draft.id == "first"]
    assert {part.anchor for part in rail_of(found, found.threads["first"]).parts} <= set(anchors(data))


def test_titles_are_short_and_plain(project):
    edited(project, FIRST, "needs: []", "short: 같나")
    assert rail(project).threads[0].title == "같나"
    edited(project, FIRST, "title: 두 값은 같아요", "title: '**값** `a`는 $a = b$예요. " + "그리고 " * 20 + "'")
    title = rail(project).parts[1].title
    assert title.startswith("값 a는 a=b예요. 그리고") and title.endswith("…") and len(title) <= 40


def test_a_line_of_the_map_without_a_thread_is_left_out(project):
    """As while a file is broken, and the live server shows the rest."""
    edited(project, INDEX, "      - first  # 첫 문답\n", "      - zeroth\n      - first\n")
    found, problems = examine(project)
    assert problems and [entry.id for entry in rail_of(found, found.threads["first"]).threads] == ["first", "second"]
    assert rail_of(found, found.threads["first"]).number == 1
