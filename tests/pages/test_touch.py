"""A figure to touch: its room and its numbers in the page, its words where no script runs, what is told of it."""

import json

import pytest
from engine import make_project, put
from pages import FIRST, edited, made, parsed, words

from mundap.pages.marks import PLAIN
from mundap.project.check import examine

PAGE = "qa/basics/first.md"
TOUCH = """\
touch:
  script: rise
  do: 밀어 **보세요**.
  see: 차이는 {{measure.difference:.0e}}이에요.
  numbers: [measure.difference, 2 * count.steps]
"""


@pytest.fixture
def touched(tmp_path):
    root = make_project(tmp_path)
    put(root / "docs/assets/js/touch/rise.js", "")
    edited(root, FIRST, "needs: []\n", TOUCH)
    return root


def test_a_figure_to_touch_has_its_numbers_its_script_and_its_words(touched):
    page = made(touched)[PAGE]
    assert 'scripts: ["assets/js/touch/rise.js"]' in page
    box = parsed(page).select_one("section#touch")
    assert json.loads(box.select_one(".touch-room")["data-numbers"]) == {
        "measure.difference": 1e-7,
        "2 * count.steps": 6,
    }
    assert words(box.p) == "만져 보세요. 밀어 보세요." and "차이는 10⁻⁷이에요." in words(box)


def test_where_no_script_runs_only_its_words_stand(touched):
    text = made(touched, PLAIN)[PAGE]
    assert "touch-room" not in text and "차이는" in text[text.index('id="touch"') :]
    assert "밀어" not in text and "scripts:" not in text, "there is nothing to touch"


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("script: rise", "script: fall", "`docs/assets/js/touch/fall.js` 파일이 없어요."),
        ("2 * count.steps", "count.stops", "`count` 실행에 `stops` 증거가 없어요."),
        ("2 * count.steps", "count.steps < 3", "식"),
        ("2 * count.steps", "'{{count.steps}}'", "식"),
        ("2 * count.steps", "1 / (count.steps - 3)", "0"),
    ],
)
def test_a_figure_that_would_have_no_script_or_no_numbers_is_told(touched, old, new, told):
    text = (touched / FIRST).read_text(encoding="utf-8")
    put(touched / FIRST, text.replace(old, new))
    _, problems = examine(touched)
    assert len(problems) == 1 and told in str(problems[0]) and str(problems[0]).startswith(f"{FIRST}:"), problems
