"""LaTeX to MathML at build time, so that pages show formulas without a script."""

import re
import unicodedata

from math_core import LatexError, LatexToMathML

LONGEST, DEEPEST = 4000, 50  # characters of a formula, levels in it
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\S", re.S)
DEFINES = frozenset(  # commands: a few of them may grow without end
    r"\def \edef \gdef \xdef \let \futurelet \newcommand \renewcommand \providecommand".split()
)
LEFT_OPEN = 10  # brackets that nothing closes
PAIRS = """langle rangle lang rang lfloor rfloor lceil rceil lvert rvert lVert rVert lbrace rbrace lbrack rbrack lparen rparen
lgroup rgroup lmoustache rmoustache ulcorner urcorner llcorner lrcorner llbracket rrbracket lBrace rBrace lBrack rBrack""".split()
OPENING, CLOSING = ({f"\\{name}" for name in PAIRS[start::2]} for start in (0, 1))
CONVERTER = LatexToMathML(fancy_error=False)

# The same rules as pymdownx.arithmatex with smart dollars, so that what is checked is what is rendered.
DISPLAY = re.compile(r"(?<![^\n])[ \t]*\$\$(?P<latex>(?:(?!\n[ \t]*\n)(?:\\.|[^\\]))+?)\$\$[ \t]*(?=\n|\Z)", re.S)
INLINE = re.compile(r"(?<!\\)(?:\\{2})*\$(?!\s)(?P<latex>(?:(?!\n[ \t]*\n)(?:\\.|[^\\$]))+?)(?<!\s)\$", re.S)
FENCE = re.compile(r"^(?P<pad>[ \t]*)(?P<fence>`{3,}|~{3,}).*?(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)", re.S | re.M)
CODE_SPAN = re.compile(r"(?<![`\\])(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)", re.S)

Formula = tuple[int, str, bool]  # offset of its LaTeX in a text, the LaTeX, whether it is displayed


class MathError(ValueError):
    """A formula that cannot be read: `message`, and `position`, the character of the LaTeX where reading stopped."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.message, self.position = message, position


def to_mathml(latex: str, display: bool = False) -> str:
    """MathML of a LaTeX formula (without its dollars). Raises MathError with the position of the fault."""
    if not latex.strip():
        raise MathError("the formula is empty")
    if (position := too_deep(latex)) is not None or (position := left_open(latex)) is not None:
        raise MathError("the formula is too deep", position)
    for token in TOKEN.finditer(latex):
        if token[0] in DEFINES:
            raise MathError(f'Unknown command "{token[0]}"', token.start())
    try:
        markup = CONVERTER.convert_with_local_state(latex, displaystyle=display)
    except LatexError as error:
        position, _, message = str(error).partition(": ")
        raise MathError(message.rstrip("."), int(position)) from None
    return markup.replace("&ApplyFunction;", "\u2061")  # HTML knows the entity, XML readers do not


def too_deep(latex: str) -> int | None:
    """Where a formula is nested too deep for the converter, which goes down in one call a level; None where nowhere.

    A command may take the next one as its argument, so commands without anything between count as levels too.
    """
    if len(latex) > LONGEST:
        return LONGEST
    depth = chain = 0
    for token in TOKEN.finditer(latex):
        text = token[0]
        chain = chain + 1 if text.startswith("\\") and text[1:].isalpha() or text in "^_" else 0
        depth += (text in ("{", "\\begin", "\\left")) - (text in ("}", "\\end", "\\right"))
        if depth > DEEPEST or chain > DEEPEST:
            return token.start()
    return None


def left_open(latex: str) -> int | None:
    """Where a formula has more brackets that nothing closes than it may; None where nowhere.

    The converter takes twice as long for each of them. A bracket is closed by any other way round in the same group.
    """
    groups: list[list[int]] = [[]]  # where brackets were opened, in each group
    left, is_taken = [], False
    for token in TOKEN.finditer(latex):
        text = token[0]
        if is_taken:  # the delimiter of \\left, which has a partner of its own
            is_taken = False
        elif text in ("\\left", "\\middle", "\\right"):
            is_taken = True
        elif text == "{":
            groups.append([])
        elif text == "}":
            left += groups.pop()
            groups = groups or [[]]
        elif text in OPENING or unicodedata.category(text[-1]) == "Ps":
            groups[-1].append(token.start())
        elif groups[-1] and (text in CLOSING or unicodedata.category(text[-1]) == "Pe"):
            groups[-1].pop()
    left = sorted([*left, *(place for group in groups for place in group)])
    return left[LEFT_OPEN] if len(left) > LEFT_OPEN else None


def find_math(markdown: str) -> list[Formula]:
    """Every formula of a Markdown text, outside code: [(offset of its LaTeX in the text, latex, display)] in order."""
    return scan(markdown)[0]


def check_math(markdown: str) -> list[tuple[int, str]]:
    """What is wrong with the formulas of a Markdown text: [(offset in the text, message)], empty if all is well."""
    formulas, strays = scan(markdown)
    faults = [(offset, "$$ … $$ has to stand alone, with an empty line above and below") for offset in strays[::2]]
    for offset, latex, display in formulas:
        try:
            to_mathml(latex, display)
        except MathError as error:
            faults.append((offset + error.position, error.message))
    return sorted(faults)


def scan(markdown: str) -> tuple[list[Formula], list[int]]:
    """The formulas as find_math gives them, and the offsets of each $$ that belongs to none."""
    if "$" not in markdown:
        return [], []
    text = mask_code(markdown)
    formulas: list[Formula] = []

    def take(pattern: re.Pattern[str], display: bool) -> None:
        nonlocal text
        for match in pattern.finditer(text):
            if not display or alone(text, match):
                formulas.append((match.start("latex"), markdown[slice(*match.span("latex"))], display))
                text = text[: match.start()] + blank(match[0]) + text[match.end() :]

    take(DISPLAY, True)
    strays = [match.start() for match in re.finditer(r"(?<!\\)\$\$", text)]
    text = text.replace("$$", "  ")
    take(INLINE, False)
    return sorted(formulas), strays


def blank(text: str) -> str:
    """Spaces in place of every character but line ends."""
    return re.sub(r"[^\n]", " ", text)


def mask_code(markdown: str) -> str:
    """The text with code fences and code spans blanked, every character still at its place."""
    for pattern in (FENCE, CODE_SPAN) if "`" in markdown or "~" in markdown else ():
        markdown = pattern.sub(lambda match: blank(match[0]), markdown)
    return markdown


def alone(text: str, match: re.Match[str]) -> bool:
    """Whether the match is a block by itself: empty lines, or nothing, above and below."""
    around = [*text[: match.start()].split("\n")[-2:], *text[match.end() :].split("\n")[:2]]  # beside it is nothing
    return not "".join(around).strip()
