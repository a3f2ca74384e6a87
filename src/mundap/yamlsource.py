"""YAML with positions: every scalar is text, and every value knows its line and column.

Reading all scalars as text leaves no room for YAML 1.1's surprises (`no`, `12:30:45`, `1.10`). Aliases and tags are
refused, so that no document can grow when it is read and none can name a Python object.
"""

from dataclasses import dataclass, field

import yaml

from mundap.problems import Problem

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

SYNTAX = [  # PyYAML's words -> what to tell the author
    ("mapping values are not allowed", "여기에는 `키: 값`이 올 수 없어요.",
     "글 안에 `: `가 있다면 글 전체를 따옴표로 감싸고, 아니면 들여쓰기를 윗줄과 맞춰 주세요."),
    ("could not find expected ':'", "`키: 값`에서 콜론이 빠진 것 같아요.",
     "윗줄에 `: `를 넣거나, 여러 줄 글이면 `|`와 들여쓰기를 확인해 주세요."),
    ("cannot start any token", "이 글자로는 값을 시작할 수 없어요.",
     "탭은 공백으로 바꾸고, `@`나 `` ` ``나 `%`로 시작하는 글은 따옴표로 감싸 주세요."),
    ("expected <block end>", "들여쓰기나 목록 표시(-)가 위와 맞지 않아요.", "이 줄의 들여쓰기를 같은 층의 다른 줄과 맞춰 주세요."),
    ("found unexpected end of stream", "따옴표가 닫히지 않았어요.", "여는 따옴표와 같은 따옴표로 닫아 주세요."),
    ("expected ',' or", "`[ ]`나 `{ }`가 닫히지 않았거나 쉼표가 빠졌어요.", "괄호를 닫고 항목 사이에 쉼표를 넣어 주세요."),
    ("found unknown escape character", "큰따옴표 안에서 쓸 수 없는 `\\` 표현이에요.", "작은따옴표로 감싸거나 `\\\\`로 적어 주세요."),
    ("special characters are not allowed", "YAML에 쓸 수 없는 제어 문자가 있어요.", "그 글자를 지워 주세요."),
]


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
        """(line, column) of the character at an offset of a scalar's text; its start where that cannot be told."""
        line, column = self.where(path)
        style, last = self.styles.get(tuple(path), ("", line))
        text = self.get(path)
        before = text[:offset]
        if style == "|":
            body = line + before.count("\n")  # `line` is the indicator's, counted from 1: the text starts one below
            first = next((row for row in self.lines[line:last] if row.strip()), "")
            indent = len(first) - len(first.lstrip(" "))
            return body + 1, indent + offset - (before.rfind("\n") + 1) + 1
        if style in ("", "'", '"') and last == line and "\\" not in before and "'" not in before:
            return line, column + offset + (1 if style else 0)
        return line, column

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


def read(file, name):
    """Read a YAML file -> (Document, [Problem]); the document's value is None where the file cannot be read as YAML."""
    try:
        data = file.read_bytes()
    except OSError as error:
        return Document(name), [Problem(name, 1, 1, f"파일을 읽을 수 없어요({error.strerror}).", "파일이 있는지, 읽을 권한이 있는지 확인해 주세요.")]
    if len(data) > MAX_BYTES:
        return Document(name), [Problem(name, 1, 1, "파일이 1 MiB보다 커요.", "내용을 여러 문답으로 나눠 주세요.")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return Document(name), [Problem(name, line, 1, "UTF-8이 아닌 글자가 있어요.", "편집기에서 파일을 UTF-8로 저장해 주세요.")]
    return parse(text, name)


def parse(text, name="<yaml>"):
    """Parse YAML text -> (Document, [Problem])."""
    document = Document(name, lines=text.splitlines())
    try:
        builder = _Builder(document, yaml.parse(text, Loader=LOADER))
        document.value = builder.build()
        return document, builder.problems
    except _Stop as stop:
        return Document(name, lines=document.lines), [stop.problem]
    except yaml.YAMLError:
        return Document(name, lines=document.lines), [_syntax_problem(text, name)]


def _syntax_problem(text, name):
    """The first syntax error, told by the pure Python parser: its words and marks are the same on every machine."""
    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        words = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        if mark is None:  # a ReaderError counts characters
            before = text[: getattr(error, "position", 0)]
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        else:
            line, column = mark.line + 1, mark.column + 1
        for pattern, what, todo in SYNTAX:
            if pattern in words:
                return Problem(name, line, column, what, todo)
        return Problem(name, line, column, f"YAML 문법에 맞지 않아요({words}).", "이 줄과 바로 윗줄의 들여쓰기와 기호를 확인해 주세요.")
    return Problem(name, 1, 1, "YAML 문법에 맞지 않아요.", "파일을 다시 확인해 주세요.")


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

    def node(self, event, path):
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self.stop(event, "YAML 앵커와 별칭(&, *)은 쓸 수 없어요.", "같은 글이라도 그대로 적거나, `&`나 `*`로 시작하는 글이면 따옴표로 감싸 주세요.")
        if event.tag not in (None, "!"):
            self.stop(event, "YAML 태그(!)는 쓸 수 없어요.", "태그를 지우거나, `!`로 시작하는 글이면 따옴표로 감싸 주세요.")
        if len(path) > MAX_DEPTH:
            self.stop(event, f"{MAX_DEPTH}겹보다 깊이 들어갔어요.", "괄호나 들여쓰기를 확인해 주세요.")
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
            if not isinstance(event, yaml.ScalarEvent):
                self.stop(event, "키 자리에는 글만 올 수 있어요.", "`키: 값` 모양인지 확인해 주세요.")
            position = (event.start_mark.line + 1, event.start_mark.column + 1)
            if event.value in values:
                first = self.document.keys[*path, event.value][0]
                self.problems.append(Problem(
                    self.document.path, *position, f"키 `{event.value}`가 두 번 나와요(첫 번째는 {first}번째 줄).",
                    "하나만 남겨 주세요. 둘 다 두면 하나가 소리 없이 사라져요."))
                self.skip(next(self.events))
                continue
            key = event.value
            self.node(event, (*path, key))  # the same refusals hold for a key
            self.document.keys[*path, key] = position
            values[key] = self.node(next(self.events), (*path, key))
        return values

    def skip(self, event):
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            event = next(self.events)
