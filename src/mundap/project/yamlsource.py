"""YAML with positions: every scalar is text, and every value knows its line and column.

Reading all scalars as text leaves no room for YAML 1.1's surprises (`no`, `12:30:45`, `1.10`). Aliases and tags are
refused, so that no document can grow when it is read and none can name a Python object.
"""

import re
from dataclasses import dataclass, field

import yaml

from mundap.problems import Problem

MAX_BYTES = 1 << 18
SLOW = 1 << 16  # characters that the pure Python parser reads in a second or so
MAX_DEPTH = 20
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

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
INVISIBLE = re.compile("[\x85\u2028\u2029\ufeff]")  # YAML takes some for line ends, most editors do not
CHARACTERS = {  # what stands in the file for one character of the text, white space left out
    "'": re.compile(r"''|\S"),
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|.|$)|\S"),
    "": re.compile(r"\S"),
}


@dataclass
class Document:
    """A parsed file. value: dict, list and str only; positions are keyed by the path of keys and indices."""

    path: str
    value: object = None
    lines: list = field(default_factory=list)
    values: dict = field(default_factory=dict)  # path -> (line, column) of the value
    keys: dict = field(default_factory=dict)  # path -> (line, column) of the key
    styles: dict = field(default_factory=dict)  # path of a scalar -> (style, line of the last character)

    def where(self, path=(), key=False):
        """(line, column) of the value (or of its key) at a path, or of the nearest ancestor that stands in the file."""
        path = tuple(path)
        while True:
            for table in (self.keys, self.values) if key else (self.values, self.keys):
                if path in table:
                    return table[path]
            if not path:
                return 1, 1
            path = path[:-1]

    def inside(self, path, offset):
        """(line, column) of the character at an offset of a scalar's text.

        Folding changes white space alone, so the characters between are counted, in the text and in the file.
        """
        path = tuple(path)
        line, column = self.where(path)
        if path not in self.styles:
            return line, column
        style, last = self.styles[path]
        left = len("".join(self.get(path)[:offset].split()))
        row, place = (line, 0) if style in ("|", ">") else (line - 1, column - 1 + len(style))
        after = line, column
        for number in range(row, min(last, len(self.lines))):
            for match in CHARACTERS.get(style, CHARACTERS[""]).finditer(self.lines[number], place):
                if style == '"' and _is_space(match[0]):
                    continue
                if left == 0:
                    return number + 1, match.start() + 1
                left -= 1
                after = number + 1, match.end() + 1
            place = 0
        return after

    def get(self, path):
        """The value at a path."""
        value = self.value
        for part in path:
            value = value[part]
        return value

    def problem(self, path, what, todo, key=False, offset=None):
        """A Problem at the value (or key, or character) of a path."""
        line, column = self.inside(path, offset) if offset is not None else self.where(path, key)
        return Problem(self.path, line, column, what, todo)


def _is_space(written):
    """Whether what stands in a file for one character of a text gives white space, or nothing at the end of a line."""
    if written == "\\":
        return True
    return written.startswith("\\") and len(written) > 1 and yaml.safe_load(f'"{written}"').isspace()


def read(file, name):
    """Read a YAML file -> (Document, [Problem]); the document's value is None where the file cannot be read as YAML."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reasons = {
            FileNotFoundError: "파일이 없어요",
            IsADirectoryError: "파일이 아니라 폴더예요",
            PermissionError: "읽을 권한이 없어요",
        }
        reason = reasons.get(type(error), f"{error.strerror}")
        return Document(name), [
            Problem(name, 1, 1, f"파일을 읽을 수 없어요({reason}).", "경로와 권한을 확인해 주세요.")
        ]
    if len(data) > MAX_BYTES:
        return Document(name), [
            Problem(name, 1, 1, f"파일이 {MAX_BYTES >> 10} KiB보다 커요.", "내용을 여러 파일로 나눠 주세요.")
        ]
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return parse(data.decode(), name)
    except UnicodeDecodeError as error:
        line, column = place(data[: error.start].decode())
        return Document(name), [
            Problem(name, line, column, "UTF-8이 아닌 글자가 있어요.", "편집기에서 파일을 UTF-8로 저장해 주세요.")
        ]


def parse(text, name="<yaml>"):
    """Parse YAML text -> (Document, [Problem])."""
    document = Document(name, lines=text.splitlines())
    if found := INVISIBLE.search(text):
        what = f"보이지 않는 글자(U+{ord(found[0]):04X})가 있어요."
        return document, [Problem(name, *place(text[: found.start()]), what, "그 글자를 지우고 다시 적어 주세요.")]
    builder = _Builder(document, yaml.parse(text, Loader=LOADER))
    try:
        document.value = builder.build()
        return document, builder.problems
    except _Stop as stop:
        problem = stop.problem
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # escapes such as \UFFFFFFFF overflow
        problem = _syntax_problem(text, name, error)
    return Document(name, lines=document.lines), [*builder.problems, problem]


def place(before):
    """(line, column) of the character after a text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _line(error):
    mark = getattr(error, "problem_mark", None)
    return mark.line if mark else 0


def _syntax_problem(text, name, error):
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


class _Stop(Exception):
    def __init__(self, problem):
        self.problem = problem


class _Builder:
    """Turns parse events into dict, list and str, and notes where each stands."""

    def __init__(self, document, events):
        self.document, self.events, self.problems = document, events, []

    def build(self):
        value = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent) and value is not None:
                self.stop(event, "한 파일에 문서가 둘 있어요(`---`).", "문답 하나에 파일 하나로 나눠 주세요.")
            if isinstance(event, yaml.NodeEvent):
                value = self.node(event, ())
        return value

    def stop(self, event, what, todo):
        mark = event.start_mark
        raise _Stop(Problem(self.document.path, mark.line + 1, mark.column + 1, what, todo))

    def refuse(self, event, path):
        """Stop at an anchor, an alias, a tag, or too deep a nesting."""
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self.stop(
                event,
                "YAML 앵커와 별칭(&, *)은 쓸 수 없어요.",
                "같은 글이라도 그대로 적거나, `&`나 `*`로 시작하는 글이면 따옴표로 감싸 주세요.",
            )
        if event.tag not in (None, "!"):
            self.stop(
                event, "YAML 태그(!)는 쓸 수 없어요.", "태그를 지우거나, `!`로 시작하는 글이면 따옴표로 감싸 주세요."
            )
        if len(path) > MAX_DEPTH:
            self.stop(event, f"{MAX_DEPTH}겹보다 깊이 들어갔어요.", "괄호나 들여쓰기를 확인해 주세요.")

    def node(self, event, path):
        self.refuse(event, path)
        self.document.values[path] = (event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.ScalarEvent):
            end = event.end_mark.line + (1 if event.end_mark.column else 0)
            self.document.styles[path] = (event.style or "", end)
            return event.value
        return self.sequence(path) if isinstance(event, yaml.SequenceStartEvent) else self.mapping(path)

    def sequence(self, path):
        values = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self.node(event, (*path, len(values))))
        return values

    def mapping(self, path):
        values = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            self.refuse(event, path)
            if not isinstance(event, yaml.ScalarEvent):
                self.stop(
                    event,
                    "키 자리에는 글만 올 수 있어요.",
                    "`키: 값` 모양인지 확인하고, `{{`로 시작하는 글이면 전체를 따옴표로 감싸 주세요.",
                )
            position = (event.start_mark.line + 1, event.start_mark.column + 1)
            if event.value in values:
                first = self.document.keys[*path, event.value][0]
                self.problems.append(
                    Problem(
                        self.document.path,
                        *position,
                        f"`{event.value}` 키가 두 번 나와요(첫 번째는 {first}번째 줄).",
                        "하나만 남겨 주세요. 둘 다 두면 하나가 소리 없이 사라져요.",
                    )
                )
                self.skip(next(self.events))
                continue
            self.document.keys[*path, event.value] = position
            values[event.value] = self.node(next(self.events), (*path, event.value))
        return values

    def skip(self, event):
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            event = next(self.events)
