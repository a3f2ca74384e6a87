"""The forms that what authors write may have: names, lines, numbers, addresses; and what is wrong with any other."""

import re

SLUG = r"^(?=.{1,80}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$(?!\n)"  # `$` alone lets Python take a line end with it
NAME = r"^(?=.{1,80}$)[A-Za-z_][\w-]*$(?!\n)"
TEXT = r"\S"
LINE = r"^[^\n]*\S[^\n]*$(?!\n)"
PHRASE = r"^(?=[^\n]{1,60}$)[^\n]*\S[^\n]*$(?!\n)"
URL = r"^https?://[\w.~:/?#@!$&*+,;=%-]{1,300}$(?!\n)"
NUMBER = r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$(?!\n)"
YEAR = r"^[0-9]{4}$(?!\n)"
DATE = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$(?!\n)"
ARXIV = r"^([0-9]{4}\.[0-9]{4,5}|[a-z-]{2,20}(\.[A-Z]{2})?/[0-9]{7})(v[0-9]{1,2})?$(?!\n)"
PATTERNS = {  # what is wrong, what to do
    SLUG: ("쓸 수 없는 이름이에요", "영문 소문자로 시작해 소문자, 숫자, `-`만 80자까지 써 주세요(예: `why-position`)."),
    NAME: ("쓸 수 없는 이름이에요", "폴더나 `.py` 없이 영문자, 숫자, `_`, `-`로 80자까지 적어 주세요."),
    LINE: ("한 줄이어야 해요", "`|`나 `>` 없이 한 줄로 적어 주세요."),
    PHRASE: ("60자까지 한 줄이어야 해요", "학생이 검색창에 적을 만한 짧은 말로 줄여 주세요."),
    URL: ("웹 주소가 아니에요", "`https://`로 시작하는 주소를 괄호, 따옴표, 공백 없이 적어 주세요."),
    NUMBER: ("수가 아니에요", "`12`나 `0.5`처럼 숫자로 적어 주세요."),
    YEAR: ("연도가 아니에요", "네 자리 수로 적어 주세요(예: `2021`)."),
    DATE: ("날짜가 아니에요", "`2026-03-01`처럼 적어 주세요."),
    ARXIV: ("arXiv 번호가 아니에요", "`2010.11929` 꼴로 적어 주세요."),
}


def name_fault(identifier: str) -> tuple[str, str] | None:
    """(what, todo) where a thread cannot have that name, else None."""
    if identifier == "index":
        return f"`{identifier}`: 장의 쪽이 쓰는 이름이에요.", "다른 이름을 골라 주세요."
    what, todo = PATTERNS[SLUG]
    return None if re.search(SLUG, identifier) else (f"`{identifier[:40]}`: {what}.", todo)
