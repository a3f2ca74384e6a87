import pytest
from engine import make_project
from pages import sound_project

from mundap.site.plugin import with_chapters


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return sound_project(make_project(tmp_path_factory.mktemp("project")))


@pytest.mark.parametrize("label", ["문답", "질문과 답", "Q&A"])
def test_chapters_go_where_the_contents_stand_whatever_the_label(project, label):
    nav = with_chapters([{"홈": "index.md"}, {label: "qa/index.md"}, "tags.md"], project)
    assert nav == [
        {"홈": "index.md"},
        {label: ["qa/index.md", {"기초": "qa/basics/index.md"}, {"더 깊이": "qa/more/index.md"}]},
        "tags.md",
    ]


def test_a_navigation_without_the_contents_stays(project):
    nav = [{"문답": "index.md"}, "qa/index.md", {"모음": ["qa/index.md", "tags.md"]}]
    assert with_chapters(nav, project) == nav
