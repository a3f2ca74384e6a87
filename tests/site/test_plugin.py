import pytest
from engine import make_project
from hostile import make_site_project
from pages import sound_project

from mundap.problems import Failure
from mundap.site.build import build_site
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


def test_a_missing_sheet_of_styles_is_told_by_its_name(root, tmp_path):
    project = make_site_project(tmp_path, root)
    (project / "docs/assets/css/guess.css").unlink()
    with pytest.raises(Failure, match=r"extra_css.*guess\.css"):
        build_site(project)
