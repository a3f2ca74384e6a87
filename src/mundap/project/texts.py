"""An author's Markdown: the links and measured values that pages fill in, and what may not stand in it."""

import re
from collections.abc import Callable, Iterator, Mapping

from mundap.project import math
from mundap.project.expression import Expression
from mundap.project.files import composed
from mundap.project.numbers import format_value
from mundap.project.values import Evidence, ExpressionError, NoRecord

Fault = tuple[int, str, str]  # offset in a text, what is wrong there, what to do
LinkProblem = Callable[[str, str, str | None], tuple[str, str] | None]

LINK = re.compile(r"\]\((thread|run|term|page):([^)#]*)(?:#([^)]*))?\)")
VALUE = re.compile(r"\{\{([^{}\n]+)\}\}")
SPREAD = re.compile(r"\s*(std\(|[\w.]+_std\b)")  # a value that says how far seeds lie apart
ZERO = re.compile(r"[-+]?0([.]0*)?(e[-+]?\d+)?%?")
MARKER = re.compile(r"<!-- mundap:([\w-]+)(?: ([\w.-]+))? -->")  # in hand-written pages, filled in by render.fill
MARKERS = tuple("scoreboard summary quiz path keys verdicts template runs again figure code thread chapter".split())
ANY_LINK = re.compile(r"\]\(\s*<?([^\s)>]*)")
EXEC = re.compile(r"^[^\n`~]*(`{3,}|~{3,})[^\n]*\bexec\b", re.MULTILINE)
HTML = re.compile(r"<(?!https?://[^\s<>]*>)[a-zA-Z/!?][^\s<>]*")
HTML_IN_MATH = re.compile(r"<(?:/?[a-zA-Z][a-zA-Z0-9-]*[\s>/]|!--|!\[)")  # there `i<j` is a comparison
ATTRIBUTES = re.compile(r"\{\s*(?:[:#.][^{}\n]*|[^{}\n]*=[^{}\n]*)\}")
LEVELS, MARKS, LINES = 12, 300, 400  # of lists and quotes in each other; of brackets in a text; of a text
DEEP = re.compile(
    rf"^(?:[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+|>[ \t]*)){{{LEVELS + 1}}}|^(?: {{4}}|\t){{{LEVELS}}}[ \t]*(?:[-*+>]|\d+[.)])",
    re.MULTILINE,
)
REFUSED = [  # in prose
    (
        re.compile(r"^#{1,2}(?=\s)", re.MULTILINE),
        "글 안의 제목이 너무 커요.",
        "`###`부터 써 주세요. `#`과 `##`은 쪽과 답의 제목이에요.",
    ),
    (
        re.compile(r"^ {0,3}\[(?!\^)[^\]\n]+\]:", re.MULTILINE),
        "링크의 주소를 따로 적을 수는 없어요.",
        "`[글](주소)` 꼴로 적어 주세요.",
    ),
    (
        re.compile(r"!\["),
        "그림을 글에 넣을 수는 없어요.",
        "스니펫에서 `show()`로 그리고 답의 `figure:`로 가리켜 주세요.",
    ),
]
MATH_WORDS = [  # the converter's words -> what is wrong, what to do
    (r'Unknown (?:command|environment) "(.+)"', r"`\1` 명령을 몰라요", "철자를 확인하거나 다른 명령으로 적어 주세요."),
    (
        r'Expected closing token "(.+)", but reached end of input',
        r"`\1` 기호로 닫아야 하는데 수식이 끝났어요",
        "괄호의 짝을 맞춰 주세요.",
    ),
    (r"Expected argument but .*", "명령의 인자가 빠졌어요", "`{ }` 안에 인자를 적어 주세요."),
    (r'Unmatched closing token: "(.+)"', r"`\1` 기호를 여는 짝이 없어요", "괄호의 짝을 맞춰 주세요."),
    (r'Expected "(.+)", but found "(.+)"', r"`\2` 대신 `\1` 기호가 와야 해요", "괄호의 짝을 맞춰 주세요."),
    (
        r'Found "(.+)", which may only appear .*',
        r"`\1` 기호는 여기에 쓸 수 없어요",
        "`aligned` 같은 환경으로 감싸거나 지워 주세요.",
    ),
    (
        r'There must be a parenthesis after "(.+)", but not found',
        r"`\1` 뒤에 괄호가 와야 해요",
        "괄호의 짝을 맞춰 주세요.",
    ),
    (r"Duplicate subscript or superscript", "첨자가 겹쳤어요", "`{x_a}_b`처럼 중괄호로 묶어 주세요."),
    (r"the formula is too deep", "너무 길거나 깊어요", "50겹, 4000자까지 적을 수 있어요. 나눠 적어 주세요."),
    (r"the formula is empty", "수식이 비어 있어요", "수식을 적어 주세요. 돈 표시는 `\\$`로 적어요."),
    (r"\$\$ … \$\$ has to stand alone.*", "`$$`가 글에 붙어 있어요", "위아래에 빈 줄을 넣어 자기 줄에 두어 주세요."),
    (r"(.+)", r"\1", "LaTeX 명령의 이름과 괄호의 짝을 확인해 주세요."),
]


def slug(term: str) -> str:
    """A term as an anchor: lower case, white space and marks turned into hyphens."""
    return re.sub(r"[^\w]+", "-", composed(term).strip().lower()).strip("-")


def inline_value(text: str, evidence: Mapping[str, Evidence | None]) -> str:
    """The text of `{{expression:format}}` -> what the page shows; raises ExpressionError or NoRecord."""
    body, _, spec = text.partition(":")
    expression = Expression(body, condition=False)
    expression.verify_names(evidence)
    value = expression.value(evidence)
    try:
        return format_value(value, spec.strip())
    except ValueError:
        raise ExpressionError(
            len(body) + 1,
            f"{value!r}에는 `{spec.strip()}` 형식을 쓸 수 없어요.",
            "`.2f`, `.1%`, `,` 같은 Python 형식을 써 주세요.",
        ) from None


def faults(
    text: str, evidence: Mapping[str, Evidence | None], link_problem: LinkProblem, plain: bool = False
) -> Iterator[Fault]:
    """What may not stand in a Markdown text.

    link_problem(kind, target, anchor) -> (what, todo) or None, kind "thread", "run", "term", "page" or "" for this very page.
    plain: whether the page shows the text without filling in links and values, as a title.
    """
    code = math.mask_code(text)
    prose, formulas = code, ["$"] * len(code)
    for offset, latex, _ in math.find_math(text):
        prose = prose[:offset] + " " * len(latex) + prose[offset + len(latex) :]
        formulas[offset : offset + len(latex)] = latex
    yield from _markup_faults(text, prose, "".join(formulas))
    yield from size_faults(prose)
    if text.count("\n") > LINES:
        offset = [match.start() for match in re.finditer("\n", text)][LINES]
        yield offset, "글이 너무 길어요.", f"{LINES}줄까지 적을 수 있어요. 글을 나눠 주세요."
    for match in ANY_LINK.finditer(prose):
        yield from _link_faults(match, LINK.match(prose, match.start()), link_problem, plain)
    if plain:
        for match in VALUE.finditer(code):
            yield match.start(), "제목처럼 짧은 글에는 잰 값을 넣을 수 없어요.", "본문으로 옮겨 주세요."
    else:
        yield from _value_faults(code, evidence)
    for offset, message in math.check_math(VALUE.sub(lambda match: "0" * len(match[0]), text)):
        pattern, words, todo = next(entry for entry in MATH_WORDS if re.fullmatch(entry[0], message))
        yield offset, f"수식을 읽을 수 없어요: {re.sub(f'^{pattern}$', words, message)}.", todo


def filled_faults(text: str, evidence: Mapping[str, Evidence | None], link_problem: LinkProblem) -> Iterator[Fault]:
    """Values and links of a hand-written page that cannot be filled in. All else it may."""
    code = math.mask_code(text)
    for match in LINK.finditer(code):
        problem = link_problem(*match.groups())
        if problem:
            yield match.start() + 2, *problem
    yield from _value_faults(code, evidence)
    yield from size_faults(code)


def _markup_faults(text: str, prose: str, formulas: str) -> Iterator[Fault]:
    """Markup that authors may not write. prose: the text without code and formulas; formulas: without all else."""
    for match in EXEC.finditer(text):
        todo = "`docs/blocks/`에 스크립트를 두고 답의 `block:`으로 가리켜 주세요."
        yield match.start(1), "글 안의 코드 블록은 실행할 수 없어요(`exec`).", todo
    for match in [*HTML.finditer(prose), *HTML_IN_MATH.finditer(formulas)]:
        todo = "Markdown으로 적고, 부등호라면 앞뒤를 띄우거나 백틱(`)으로 감싸 주세요."
        yield match.start(), f"HTML은 쓸 수 없어요: `{match[0].strip()[:40]}`.", todo
    bare = VALUE.sub(lambda match: " " * len(match[0]), prose)
    for match in ATTRIBUTES.finditer(bare):
        todo = "이 부분을 지우거나, 보여 줄 글이라면 백틱(`)으로 감싸 주세요."
        yield match.start(), f"속성은 쓸 수 없어요: `{match[0][:40]}`.", todo
    for match in re.finditer(r"\{\{|\}\}", bare):
        yield match.start(), f"`{match[0]}` 기호의 짝이 맞지 않아요.", "`{{스니펫.증거}}` 꼴로 한 줄에 적어 주세요."
    for pattern, what, todo in REFUSED:
        for match in pattern.finditer(prose):
            yield match.start(), what, todo


def size_faults(prose: str) -> Iterator[Fault]:
    """Lists, quotes and brackets that Python-Markdown would take very long over, or go down too deep in."""
    for match in DEEP.finditer(prose):
        todo = f"{LEVELS}겹까지 적을 수 있어요. 목록을 나누거나 들여쓰기를 줄여 주세요."
        yield match.start(), "목록이나 인용이 너무 깊어요.", todo
    for mark in "[`":
        if prose.count(mark) > MARKS:
            offset = [match.start() for match in re.finditer(re.escape(mark), prose)][MARKS]
            yield offset, f"한 글에 `{mark}` 기호가 너무 많아요.", f"{MARKS}개까지 적을 수 있어요. 글을 나눠 주세요."


def _value_faults(code: str, evidence: Mapping[str, Evidence | None]) -> Iterator[Fault]:
    """Values `{{…}}` that cannot be filled in; code: the text, its code left out."""
    for match in VALUE.finditer(code):
        try:
            shown = inline_value(match[1], evidence)
        except NoRecord:
            continue
        except ExpressionError as error:
            yield match.start() + 2 + error.offset, error.what, error.todo
            continue
        if SPREAD.match(match[1]) and ZERO.fullmatch(shown):
            todo = "자릿수를 늘리거나, 시드마다 같았다고 말로 적어 주세요."
            yield match.start() + 2, f"표준편차가 0으로 보여요(`{shown}`).", todo


def _link_faults(
    match: re.Match[str], own: re.Match[str] | None, link_problem: LinkProblem, plain: bool
) -> Iterator[Fault]:
    offset, target = match.start(1), match[1]
    if plain:
        yield offset, "제목처럼 짧은 글에는 링크를 넣을 수 없어요.", "본문으로 옮겨 주세요."
    elif own or target.startswith("#"):
        problem = link_problem(*own.groups()) if own else link_problem("", "", target[1:])
        if problem:
            yield offset, *problem
    elif not re.match(r"https?://", target):
        yield (
            offset,
            f"`{target[:60]}` 링크는 쓸 수 없어요.",
            "`thread:`, `run:`, `term:`, `page:`, `#`, `https://`로 시작하는 주소를 적어 주세요.",
        )
