"""YAML with positions: every scalar is text, and every value knows its line and column.

Reading all scalars as text leaves no room for YAML 1.1's surprises (`no`, `12:30:45`, `1.10`). Aliases and tags are
refused, so that no document can grow when it is read and none can name a Python object.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from mundap.problems import Problem, place
from mundap.project.files import composed, read_bytes, reason
from mundap.project.yamlerrors import syntax_problem

Place = tuple[str | int, ...]  # of keys and indices: where a value stands in a document

MAX_BYTES = 1 << 18
MAX_DEPTH = 20
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

LINE_ENDS = re.compile("[\x85\u2028\u2029\ufeff]")  # YAML takes some for line ends, most editors do not
INVISIBLE = re.compile(  # controls, other line ends, marks that turn or join lines, halves of pairs, no characters
    "[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0d\ufeff"
    "\ud800-\udfff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
CHARACTERS = {  # what stands in the file for one character of the text, white space left out
    "'": re.compile(r"''|\S"),
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|.|$)|\S", re.M),
    "": re.compile(r"\S"),
}


@dataclass
class Document:
    """A parsed file. value: dict, list and str only; positions are keyed by the path of keys and indices."""

    path: str
    value: Any = None
    lines: list[str] = field(default_factory=list)
    values: dict[Place, tuple[int, int]] = field(default_factory=dict)  # path -> (line, column) of the value
    keys: dict[Place, tuple[int, int]] = field(default_factory=dict)  # path -> (line, column) of the key
    styles: dict[Place, tuple[str, int]] = field(
        default_factory=dict
    )  # path of a scalar -> (style, line of the last character)

    def where(self, path: Sequence[str | int] = (), key: bool = False) -> tuple[int, int]:
        """(line, column) of the value (or of its key) at a path, or of the nearest ancestor that stands in the file."""
        path = tuple(path)
        while True:
            for table in (self.keys, self.values) if key else (self.values, self.keys):
                if path in table:
                    return table[path]
            if not path:
                return 1, 1
            path = path[:-1]

    def inside(self, path: Sequence[str | int], offset: int) -> tuple[int, int]:
        """(line, column) of the character at an offset of a scalar's text.

        Folding changes white space alone, so the characters between are counted, in the text and in the file.
        """
        path = tuple(path)
        line, column = self.where(path)
        if path not in self.styles:
            return line, column
        style, last = self.styles[path]
        left = len("".join(self.get(path)[:offset].split()))
        text, end = "\n".join(self.lines[:last]), None
        if style in ("|", ">"):
            start = len("\n".join(self.lines[:line]))
        else:
            start = len("\n".join([*self.lines[: line - 1], ""])) + column - 1 + len(style)
        for match in CHARACTERS.get(style, CHARACTERS[""]).finditer(text, start):
            if style == '"' and _is_space(match[0]):
                continue
            if left == 0:
                return place(text[: match.start()])
            left -= 1
            end = match.end()
        return place(text[:end]) if end else (line, column)

    def get(self, path: Sequence[str | int]) -> Any:
        """The value at a path."""
        value = self.value
        for part in path:
            value = value[part]
        return value

    def problem(
        self, path: Sequence[str | int], what: str, todo: str, key: bool = False, offset: int | None = None
    ) -> Problem:
        """A Problem at the value (or key, or character) of a path."""
        line, column = self.inside(path, offset) if offset is not None else self.where(path, key)
        return Problem(self.path, line, column, what, todo)


def _is_space(written: str) -> bool:
    """Whether what stands in a file for one character of a text gives white space, or nothing at the end of a line."""
    if written == "\\":
        return True
    return written.startswith("\\") and yaml.safe_load(f'"{written}"').isspace()


def read(file: Path, name: str) -> tuple[Document, list[Problem]]:
    """Read a YAML file -> (Document, [Problem]); the document's value is None where the file cannot be read as YAML."""
    try:
        data = read_bytes(file, MAX_BYTES + 1)
    except OSError as error:
        what = f"파일을 읽을 수 없어요({reason(error)})."
        return Document(name), [Problem(name, 1, 1, what, "경로와 권한을 확인해 주세요.")]
    return of_bytes(data, name)


def of_bytes(data: bytes, name: str) -> tuple[Document, list[Problem]]:
    """As read(), of what stands in the file."""
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


def parse(text: str, name: str = "<yaml>") -> tuple[Document, list[Problem]]:
    """Parse YAML text -> (Document, [Problem])."""
    text = composed(text)
    document = Document(name, lines=text.splitlines())
    if match := LINE_ENDS.search(text):
        return document, [Problem(name, *place(text[: match.start()]), *_unseen(match[0]))]
    builder = _Builder(document, yaml.parse(text, Loader=LOADER))
    try:
        document.value = builder.build()
        return document, [*builder.problems, *_unseen_characters(document)]
    except _Stop as stop:
        problem = stop.problem
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # escapes such as \UFFFFFFFF overflow
        problem = syntax_problem(text, name, error)
    return Document(name, lines=document.lines), [*builder.problems, problem]


def _unseen_characters(document: Document) -> Iterator[Problem]:
    """Characters that nobody sees, in texts and keys as they are read: escapes may have made them."""
    for path in document.styles:
        if match := INVISIBLE.search(document.get(path)):
            yield document.problem(path, *_unseen(match[0]), offset=match.start())
    for path in document.keys:
        if match := INVISIBLE.search(str(path[-1])):
            yield document.problem(path, *_unseen(match[0]), key=True)


def _unseen(character: str) -> tuple[str, str]:
    return f"보이지 않는 글자(U+{ord(character):04X})가 있어요.", "그 글자를 지우고 다시 적어 주세요."


def _start(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    assert mark is not None  # of a parsed text each event has one
    return mark.line + 1, mark.column + 1


class _Stop(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class _Builder:
    """Turns parse events into dict, list and str, and notes where each stands."""

    def __init__(self, document: Document, events: Iterator[yaml.NodeEvent]) -> None:
        self.document, self.events = document, events
        self.problems: list[Problem] = []

    def build(self) -> Any:
        value = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent) and value is not None:
                self.stop(event, "한 파일에 문서가 둘 있어요(`---`).", "문답 하나에 파일 하나로 나눠 주세요.")
            if isinstance(event, yaml.NodeEvent):
                value = self.node(event, ())
        return value

    def stop(self, event: yaml.Event, what: str, todo: str) -> NoReturn:
        raise _Stop(Problem(self.document.path, *_start(event), what, todo))

    def refuse(self, event: yaml.NodeEvent, path: Place) -> None:
        """Stop at an anchor, an alias, a tag, or too deep a nesting."""
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self.stop(
                event,
                "YAML 앵커와 별칭(&, *)은 쓸 수 없어요.",
                "같은 글이라도 그대로 적거나, `&`나 `*`로 시작하는 글이면 따옴표로 감싸 주세요.",
            )
        if getattr(event, "tag", None) not in (None, "!"):
            self.stop(
                event, "YAML 태그(!)는 쓸 수 없어요.", "태그를 지우거나, `!`로 시작하는 글이면 따옴표로 감싸 주세요."
            )
        if len(path) > MAX_DEPTH:
            self.stop(event, f"{MAX_DEPTH}겹보다 깊이 들어갔어요.", "괄호나 들여쓰기를 확인해 주세요.")

    def node(self, event: yaml.NodeEvent, path: Place) -> Any:
        self.refuse(event, path)
        self.document.values[path] = _start(event)
        if isinstance(event, yaml.ScalarEvent):
            end = event.end_mark
            assert end is not None
            self.document.styles[path] = (event.style or "", end.line + (1 if end.column else 0))
            return event.value
        return self.sequence(path) if isinstance(event, yaml.SequenceStartEvent) else self.mapping(path)

    def sequence(self, path: Place) -> list[Any]:
        values = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self.node(event, (*path, len(values))))
        return values

    def mapping(self, path: Place) -> dict[str, Any]:
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
            position = _start(event)
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

    def skip(self, event: yaml.NodeEvent) -> None:
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            event = next(self.events)
