"""Syntax errors of YAML in Korean: where the mistake is, what it is, and what to do."""

from __future__ import annotations

import yaml

from mundap.problems import Problem, place

SLOW = 1 << 16  # characters that the pure Python parser reads in a second or so

# PyYAML's words -> what to tell the author. "from": the mistake stands where the reading of the thing began.
SYNTAX = [
    (r"'\t' that cannot start any token", "at", "들여쓰기에 탭이 있어요.", "탭을 공백 두 칸으로 바꿔 주세요."),
    (
        "cannot start any token",
        "at",
        "이 글자로는 값을 시작할 수 없어요.",
        "`@`나 `` ` ``나 `%`로 시작하는 글은 따옴표로 감싸 주세요.",
    ),
    (
        "mapping values are not allowed",
        "at",
        "여기에는 `키: 값`이 올 수 없어요.",
        "글 안에 `: `가 있다면 글 전체를 따옴표로 감싸고, 아니면 들여쓰기를 윗줄과 맞춰 주세요.",
    ),
    (
        "sequence entries are not allowed",
        "at",
        "여기에는 목록 표시(-)가 올 수 없어요.",
        "목록은 다음 줄에서 시작하고, `- `로 시작하는 글이면 따옴표로 감싸 주세요.",
    ),
    (
        "could not find expected ':'",
        "from",
        "`키: 값`에서 콜론이 빠진 것 같아요.",
        "이 줄에 `: `를 넣거나, 여러 줄 글이면 `|`와 들여쓰기를 확인해 주세요.",
    ),
    ("found unexpected end of stream", "from", "따옴표가 닫히지 않았어요.", "여는 따옴표와 같은 따옴표로 닫아 주세요."),
    (
        "found unexpected document separator",
        "from",
        "따옴표가 닫히지 않았어요.",
        "여는 따옴표와 같은 따옴표로 닫아 주세요.",
    ),
    (
        "but found '<scalar>'",
        "at",
        "값이 끝난 자리에 글이 더 있어요.",
        "따옴표로 연 글은 따옴표로 끝나야 해요. 작은따옴표 안의 작은따옴표는 `''`로 적고, 들여쓰기도 확인해 주세요.",
    ),
    *(
        (
            words,
            "at",
            "들여쓰기나 목록 표시(-)가 위와 맞지 않아요.",
            "이 줄의 들여쓰기를 같은 층의 다른 줄과 맞춰 주세요.",
        )
        for words in ("expected <block end>", "did not find expected key", "did not find expected '-' indicator")
    ),
    (
        "expected ',' or",
        "from",
        "`[ ]`나 `{ }`가 닫히지 않았거나 쉼표가 빠졌어요.",
        "괄호를 닫고 항목 사이에 쉼표를 넣어 주세요.",
    ),
    (
        "expected the node content",
        "at",
        "값이 와야 할 자리에 기호가 있어요.",
        "괄호의 짝과 쉼표를 확인하고, 글이라면 따옴표로 감싸 주세요.",
    ),
    (
        "found unknown escape character",
        "at",
        "큰따옴표 안에서 쓸 수 없는 `\\` 표현이에요.",
        "작은따옴표로 감싸거나 `\\\\`로 적어 주세요.",
    ),
    (
        "Unicode character escape",
        "at",
        "큰따옴표 안의 `\\u`가 가리키는 글자가 없어요.",
        "작은따옴표로 감싸거나 `\\\\`로 적어 주세요.",
    ),
    (
        "expected escape sequence",
        "at",
        "큰따옴표 안의 `\\x`나 `\\u` 뒤에 16진수가 모자라요.",
        "작은따옴표로 감싸거나 `\\\\`로 적어 주세요.",
    ),
    (
        "expected alphabetic or numeric",
        "at",
        "`*`나 `&`로 시작하는 글은 그대로 적을 수 없어요.",
        "글 전체를 따옴표로 감싸 주세요.",
    ),
    (
        "expected chomping or indentation",
        "at",
        "`|`나 `>` 뒤에는 글이 올 수 없어요.",
        "글은 다음 줄에서 들여 적어 주세요.",
    ),
    (
        "tag handle",
        "at",
        "YAML 태그(!)는 쓸 수 없어요.",
        "태그를 지우거나, `!`로 시작하는 글이면 따옴표로 감싸 주세요.",
    ),
    (
        "special characters are not allowed",
        "at",
        "YAML에 쓸 수 없는 제어 문자가 있어요.",
        "보이지 않는 글자를 지워 주세요.",
    ),
]


def _line(error: Exception) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line if mark else 0


def syntax_problem(text: str, name: str, error: Exception) -> Problem:
    """The first syntax error, told by the pure Python parser: its words and marks are those that SYNTAX knows."""
    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader) if len(text) < SLOW else ():
            pass
    except yaml.YAMLError as pure:
        if abs(_line(pure) - _line(error)) < 2:  # else it stumbles over what the fast parser takes, such as `[a?, b]`
            error = pure
    except (ValueError, OverflowError):
        pass
    words = getattr(error, "problem", None) or getattr(error, "reason", None) or "글자를 읽을 수 없어요"
    what, todo, side = (
        f"YAML 문법에 맞지 않아요({words}).",
        "이 줄과 바로 윗줄의 들여쓰기와 기호를 확인해 주세요.",
        "at",
    )
    for pattern, *told in SYNTAX:
        if pattern in words:
            side, what, todo = told
            break
    marks = [getattr(error, "problem_mark", None), getattr(error, "context_mark", None)]
    mark = (marks[0] or marks[1]) if side == "at" else (marks[1] or marks[0])
    if mark:
        return Problem(name, mark.line + 1, mark.column + 1, what, todo)
    return Problem(name, *place(text[: getattr(error, "position", None) or 0]), what, todo)  # it counts characters
