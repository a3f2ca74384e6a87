"""What a snippet binds twice: the number that a page prints has to be the number that was measured."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass

from mundap.project.snippets import is_main_guard

KEPT = ("evidence", "null")  # what a run leaves
WRAPPERS = {"float", "int", "bool", "round", "list", "item", "tolist"}  # calls that leave a number what it is


@dataclass(frozen=True)
class Twice:
    """A name, or a key of what is kept ("evidence", "null"; "" for a name), bound at a place and before at another."""

    kept: str
    name: str
    line: int
    column: int
    before: int


@functools.lru_cache(maxsize=1024)  # of all snippets, at each save
def bound_twice(source: str) -> tuple[Twice, ...]:
    """What of a script's evidence stands for two things; () where Python cannot read it."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    blocks = [node.body if is_main_guard(node) else [node] for node in tree.body]
    keys: dict[tuple[str, str], ast.expr] = {}
    names: dict[str, dict[int, int]] = {}  # of the script: the blocks that bind it, and the line where they do
    found = []
    for number, block in enumerate(blocks):
        for statement in _steps(block):
            for kept, key, value in kept_by(statement):
                if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                    continue
                if first := keys.get((kept, key.value)):
                    found.append(Twice(kept, key.value, key.lineno, key.col_offset + 1, first.lineno))
                keys.setdefault((kept, key.value), key)
                lines = names.get(_bare(value), {})
                if len(lines) > 1 and number not in lines:  # which of them it is, a reader cannot see
                    before, last = list(lines.values())[-2:]
                    found.append(Twice("", _bare(value), last, 1, before))
            for name, line in _assigned(statement):
                names.setdefault(name, {})[number] = line
    return tuple(found)


def _steps(block: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block, those of loops and `with` among them; of two branches only one is taken, so neither."""
    for statement in block:
        yield statement
        if isinstance(statement, ast.For | ast.While | ast.With):
            yield from _steps(statement.body)


def kept_by(statement: ast.stmt) -> Iterator[tuple[str, ast.expr, ast.expr]]:
    """(evidence or null, key, value) of every entry that a statement makes."""
    if isinstance(statement, ast.Assign):
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Subscript) and _is_kept(target.value):
            yield ast.unparse(target.value), target.slice, value
        if _is_kept(target):
            yield from _entries(ast.unparse(target), value)
    if isinstance(statement, ast.AugAssign) and _is_kept(statement.target):
        yield from _entries(ast.unparse(statement.target), statement.value)


def _entries(kept: str, value: ast.expr) -> Iterator[tuple[str, ast.expr, ast.expr]]:
    for part in [value.left, value.right] if isinstance(value, ast.BinOp) else [value]:
        if isinstance(part, ast.Dict):
            yield from ((kept, key, item) for key, item in zip(part.keys, part.values) if key)


def _is_kept(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in KEPT


def _bare(node: ast.expr) -> str:
    """The name that a value is nothing but, "" where it is more."""
    while isinstance(node, ast.Call):
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in WRAPPERS:
            node = function.value
        elif isinstance(function, ast.Name) and function.id in WRAPPERS and node.args:
            node = node.args[0]
        else:
            return ""
    return node.id if isinstance(node, ast.Name) else ""


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    """(name, line) of what a statement binds anew."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.For):
        targets = [statement.target]
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id, node.lineno
