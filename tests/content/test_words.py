"""One word for one thing, in every text that readers see."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORDS = yaml.safe_load((ROOT / "tests" / "content" / "words.yaml").read_text(encoding="utf-8"))
FILES = [
    ROOT / "qa_index.yaml",
    *sorted((ROOT / "docs").glob("*.yaml")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "qa").rglob("*.yaml")),
    *sorted((ROOT / "snippets").rglob("*.py")),
]
SEARCHED = re.compile(
    r"(?m)^also:.*\n(?:[ -].*\n)*|^ +(?:aliases|english): .*$|^ +- \{title: .*, threads: .*$"
)  # what people only search by, and titles of others' documents


def others(text):
    """[(line, word that stands there, word to use)] of all words in a text that another word is used for."""
    text = SEARCHED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    return [
        (text.count("\n", 0, match.start()) + 1, match[0], word)
        for word, instead in WORDS.items()
        for match in re.finditer(instead, text)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_one_word_for_one_thing(path):
    assert not others(path.read_text(encoding="utf-8"))


def test_other_words_are_found_but_where_people_search_by_them():
    assert others("가\n화소와 소프트 맥스") == [(2, "소프트 맥스", "softmax"), (2, "화소", "픽셀")]
    assert others("행렬의 계수") and not others("상관계수, 연산량 계수기, 경우도, 배우도록")
    assert not others("also:\n  - 화소\n- term: 픽셀\n  aliases: [화소]\n")
    assert others("also:\n  - 화소\nasked: |\n  화소") == [(4, "화소", "픽셀")]
