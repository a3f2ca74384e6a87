"""A page that opens inside a thread: a link where no script runs, and what is told of one that cannot be opened."""

import pytest
from engine import make_project, put
from pages import FIRST, edited, made, parsed, words

from mundap.pages.marks import PLAIN
from mundap.project.check import examine

PAGE = "qa/basics/first.md"
EMBED = "embed: 빼면 어떤지 [해 보기(3 MB)](page:play?pos=none)\n"


@pytest.fixture
def embedding(tmp_path):
    root = make_project(tmp_path)
    put(root / "docs/play.md", "# 놀이터\n")
    edited(root, FIRST, "needs: []\n", EMBED)
    return root


def test_what_is_to_be_opened_stands_in_the_page_as_a_link(embedding):
    page = made(embedding)[PAGE]
    assert 'scripts: ["assets/js/embed.js"]' in page
    box = parsed(page).select_one(".embed")
    assert words(box) == "빼면 어떤지 해 보기(3 MB)" and box.a["href"] == "../../play.md?pos=none"
    plain = made(embedding, PLAIN)[PAGE]
    assert "[해 보기(3 MB)](../../play.md?pos=none)" in plain and "scripts:" not in plain


@pytest.mark.parametrize(
    "text, told",
    [
        ("빼면 어떤지 해 보세요", "여기서 열어 볼 글이 하나가 아니에요."),
        ("[해 보기](thread:second)", "여기서 열어 볼 글이 하나가 아니에요."),
        ("[하나](page:play), [둘](page:play?pos=none)", "여기서 열어 볼 글이 하나가 아니에요."),
        ("[해 보기](page:plau?pos=none)", "`docs/plau.md` 글을 찾을 수 없어요."),
    ],
)
def test_what_cannot_be_opened_is_told(embedding, text, told):
    edited(embedding, FIRST, "needs: []\n", f'embed: "{text}"\n')
    _, problems = examine(embedding)
    assert len(problems) == 1 and told in str(problems[0]) and str(problems[0]).startswith(f"{FIRST}:"), problems
