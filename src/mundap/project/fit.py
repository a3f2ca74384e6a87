"""Whether a file fits the schema: what in it does not, in words for its author."""

import difflib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jsonschema

from mundap.problems import Problem
from mundap.project.forms import PATTERNS
from mundap.project.schema import OUTDATED, SCHEMAS
from mundap.project.yamlsource import Document

KIND_NAMES = {"object": "`키: 값` 묶음", "array": "목록(`- …`)", "string": "글"}


def problems(document: Document, name: str) -> list[Problem]:
    """What in a parsed document does not fit the schema of that name."""
    if document.value is None:
        todo = "다른 파일을 보고 같은 모양으로 채워 주세요. 새 문답의 틀은 `mundap new`가 만들어요."
        return [document.problem((), "파일이 비어 있어요.", todo)]
    errors = jsonschema.Draft7Validator(SCHEMAS[name]).iter_errors(document.value)
    return list(dict.fromkeys(problem for error in errors for problem in _explain(document, error)))


class Fault(NamedTuple):
    """A value that does not fit. rule: the schema's part; wanted: what the rule that it breaks says."""

    document: Document
    path: list[str | int]
    value: Any
    rule: dict[str, Any]
    wanted: Any

    @property
    def key(self) -> str | None:
        """The key that the value stands under, None in a list."""
        return self.path[-1] if self.path and isinstance(self.path[-1], str) else None

    @property
    def here(self) -> str:
        """Where it is, as the subject of a sentence."""
        return f"`{self.key}` 자리" if self.key is not None else "이 항목" if self.path else "이 파일"

    @property
    def meaning(self) -> str:
        """What should be there."""
        return f"여기에 올 것: {self.rule.get('description', '값').rstrip('.')}."

    def problem(self, what: str, todo: str, *below: str | int, key: bool = False) -> Problem:
        """A Problem at the value, or at a place below it."""
        return self.document.problem([*self.path, *below], what, todo, key=key)


def _explain(document: Document, error: jsonschema.ValidationError) -> Iterator[Problem]:
    rule = error.schema if isinstance(error.schema, dict) else {}
    fault = Fault(document, list(error.absolute_path), error.instance, rule, error.validator_value)
    is_blank = isinstance(fault.value, str) and not fault.value.strip()
    if is_blank:  # whatever it should be
        yield fault.problem(f"{f'`{fault.key}` 값' if fault.key else fault.here}이 비어 있어요.", fault.meaning)
    elif str(error.validator) in EXPLAIN:
        yield from EXPLAIN[str(error.validator)](fault)


def _unknown_keys(fault: Fault) -> Iterator[Problem]:
    known = list(fault.rule["properties"])
    for key in fault.value:
        if key not in known:
            near = next(iter(difflib.get_close_matches(key, known)), None)
            todo = f"혹시 `{near}`인가요?{_look_alike(key, near)}" if near else f"쓸 수 있는 키: {', '.join(known)}."
            if fault.value[key] == "" and " " in key:  # {a: b, c d}
                todo = "쉼표가 든 글이라면 글 전체를 따옴표로 감싸 주세요."
            yield fault.problem(f"`{key}` 키는 여기에 쓸 수 없어요.", todo, key, key=True)


def _look_alike(written: str, meant: str) -> str:
    """Names a letter that looks like another one and is none of the word that was meant; "" where there is none."""
    odd = [
        letter
        for letter in written
        if letter not in meant and letter.isalpha() and not (letter.isascii() or "가" <= letter <= "힣")
    ]
    return f" `{odd[0]}`(U+{ord(odd[0]):04X})는 비슷해 보이는 다른 글자예요." if odd else ""


def _missing_keys(fault: Fault) -> Iterator[Problem]:
    for key in fault.wanted:
        if key not in fault.value:
            description = fault.rule["properties"][key]["description"].rstrip(".")
            yield fault.problem(f"`{key}` 키가 없어요.", f"`{key}:` 줄을 더해 주세요({description}).")


def _none_of(fault: Fault) -> Iterator[Problem]:
    names = "나 ".join(f"`{name}`" for part in fault.wanted for name in part["required"])
    yield fault.problem(f"{names} 가운데 하나는 있어야 해요.", "하나를 적어 주세요.")


def _missing_beside(fault: Fault) -> Iterator[Problem]:
    for key, others in fault.wanted.items():
        for other in others:
            if key in fault.value and other not in fault.value:
                description = fault.rule["properties"][other]["description"].rstrip(".")
                todo = f"`{other}:` 줄을 더해 주세요({description})."
                yield fault.problem(f"`{key}` 옆에 `{other}` 키가 없어요.", todo, key, key=True)


def _other_kind(fault: Fault) -> Iterator[Problem]:
    kinds = {dict: "object", list: "array", str: "string"}
    wanted, actual = KIND_NAMES[fault.wanted], KIND_NAMES[kinds[type(fault.value)]]
    yield fault.problem(f"{fault.here}에는 {wanted}이 와야 하는데 {actual}이 있어요.", fault.meaning)


def _too_few(fault: Fault) -> Iterator[Problem]:
    if fault.value:
        yield fault.problem(f"`{fault.key}` 목록이 짧아요.", f"{fault.meaning} {fault.wanted}개는 있어야 해요.")
    else:
        yield fault.problem(f"`{fault.key}` 목록이 비어 있어요.", f"{fault.meaning} 하나는 있어야 해요.")


def _too_many(fault: Fault) -> Iterator[Problem]:
    yield fault.problem(
        f"`{fault.key}` 목록이 길어요.", f"{fault.meaning} {fault.wanted}개까지만 적어 주세요.", fault.wanted
    )


def _no_choice(fault: Fault) -> Iterator[Problem]:
    if isinstance(fault.value, str):  # else its kind is told
        near = next(iter(difflib.get_close_matches(fault.value, fault.wanted, cutoff=0.4)), None)
        moved = OUTDATED.get((fault.key or "", fault.value.strip()))
        todo = f"{f'{moved}. ' if moved else ''}{f'혹시 `{near}`인가요?{_look_alike(fault.value, near)} ' if near else ''}{', '.join(fault.wanted)} 가운데 하나를 적어 주세요."
        yield fault.problem(f"{fault.here}에 올 수 없는 값이에요: `{fault.value.splitlines()[0][:40]}`.", todo)


def _other_form(fault: Fault) -> Iterator[Problem]:
    what, todo = PATTERNS[fault.wanted]
    yield fault.problem(f"`{fault.value.strip().splitlines()[0][:40]}`: {what}.", todo)


def _twice(fault: Fault) -> Iterator[Problem]:
    for number, item in enumerate(fault.value):
        if item in fault.value[:number]:
            yield fault.problem(f"`{item}` 항목이 두 번 나와요.", "하나만 남겨 주세요.", number)


EXPLAIN: dict[str, Callable[[Fault], Iterator[Problem]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
    "anyOf": _none_of,
    "dependencies": _missing_beside,
    "type": _other_kind,
    "minItems": _too_few,
    "minProperties": _too_few,
    "maxItems": _too_many,
    "enum": _no_choice,
    "pattern": _other_form,
    "uniqueItems": _twice,
}
