"""What can be known of the snippets without running them: cells, imports, definitions, data files, digest.

Lessons lie in snippets/ itself and helpers below it: `lib.figure` is the name of `lib/figure.py`. Data files lie in
snippets/data/, and code that calls `data_path("weights.bin")` depends on that file.
"""

import ast
import functools
import hashlib
import io
import re
import tokenize
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from mundap.project.files import read_bytes, reason

DATA = "data"  # the folder of data files
DATA_PATH = {"data_path"}  # the first argument of this names one of them, or a folder
FINDERS = {"find_spec", "import_module", "__import__"}  # the first argument of these names a module
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)  # what Python's parser raises


@dataclass(frozen=True)
class Needs:
    """What running some code takes, sorted.

    imports: names of snippets; data: files, by their path below snippets/; modules: top-level names of all other
    modules.
    """

    imports: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


@dataclass
class Snippet:
    """A Python file of snippets/. runs: it is a lesson, with cells, so it gets a record; else others import it.

    needs: what a run of it takes; when_imported: the same for those who import it, whom its
    `if __name__ == "__main__":` blocks do not concern. places: where it imports each of needs.imports. error: line,
    column and message of what keeps Python from reading it.
    """

    name: str
    path: Path
    source: str
    title: str
    runs: bool
    needs: Needs = Needs()
    when_imported: Needs = Needs()
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)  # name -> source text
    evidence_bound: bool = False
    error: tuple[int, int, str] | None = None

    @property
    def file(self) -> str:
        """Its path below snippets/: "lib/figure.py"."""
        return self.name.replace(".", "/") + ".py"


@dataclass(frozen=True)
class _Shelf:
    """What a folder of snippets holds. files: name -> path of a snippet; data: what data_path() is called with -> the files meant."""

    files: dict[str, Path]
    data: dict[str, list[str]]


def load(folder: Path) -> dict[str, Snippet]:
    """All snippets of a folder -> {name: Snippet}, sorted by name."""
    shelf = _Shelf(_code_files(folder), _data_files(folder))
    return {name: _read(name, path, shelf, lesson=path.parent == folder) for name, path in shelf.files.items()}


def _code_files(folder: Path) -> dict[str, Path]:
    paths = {path.relative_to(folder).with_suffix("").parts: path for path in folder.rglob("*.py")}
    return {".".join(parts): path for parts, path in sorted(paths.items()) if not any(map(_is_hidden, parts))}


def _data_files(folder: Path) -> dict[str, list[str]]:
    """A file or a folder, by its path below data/ -> the files that it stands for, by their paths below snippets/."""
    files: dict[str, list[str]] = {}
    for path in sorted((folder / DATA).rglob("*")):
        below = path.relative_to(folder / DATA)
        if path.is_file() and not _is_hidden(path.name):
            for part in (below, *below.parents[:-1]):
                files.setdefault(part.as_posix(), []).append(path.relative_to(folder).as_posix())
    return files


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _read(name: str, path: Path, shelf: _Shelf, lesson: bool) -> Snippet:
    try:
        source = read_bytes(path).decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        return Snippet(name, path, "", name, lesson, error=(1, 1, reason(error)))
    except UnicodeDecodeError:
        return Snippet(name, path, "", name, lesson, error=(1, 1, "UTF-8로 적은 글이 아니에요"))
    heading, cell = re.search(r"^# # (.+)$", source, re.MULTILINE), re.search(r"^# %%", source, re.MULTILINE)
    snippet = Snippet(name, path, source, heading[1].strip() if heading else name, lesson and bool(cell))
    try:
        code = _parse(source)
    except UNREADABLE as error:
        syntax = (error.lineno or 1, error.offset or 1, error.msg) if isinstance(error, SyntaxError) else None
        snippet.error = syntax or (1, 1, str(error) or "너무 깊어요")
        return snippet
    snippet.needs, snippet.places = _needs(name, [*code.outside, *code.guarded], shelf)
    snippet.when_imported, _ = _needs(name, code.outside, shelf)
    snippet.definitions = code.definitions
    snippet.evidence_bound = code.evidence_bound
    return snippet


@dataclass(frozen=True)
class _Code:
    """What a source says, whatever its name and its neighbours.

    outside, guarded: the nodes that may import something or name a file, apart for what an import does not run.
    """

    outside: list[ast.stmt | ast.expr]
    guarded: list[ast.stmt | ast.expr]
    definitions: dict[str, str]
    evidence_bound: bool


@functools.lru_cache(maxsize=1024)  # the live server reads all snippets at each save
def _parse(source: str) -> _Code:
    """Raises UNREADABLE."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    parts: tuple[list[ast.stmt | ast.expr], list[ast.stmt | ast.expr]] = [], []
    for statement in tree.body:
        nodes = (node for node in ast.walk(statement) if isinstance(node, ast.Import | ast.ImportFrom | ast.Call))
        parts[is_main_guard(statement)].extend(nodes)
    return _Code(*parts, _definitions(tree, source), _binds(tree, "evidence"))


def _definitions(tree: ast.Module, source: str) -> dict[str, str]:
    """The functions and classes of a module, by name, as they are written, decorators included."""
    lines, definitions = source.split("\n"), {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            definitions[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return definitions


def _binds(tree: ast.Module, name: str) -> bool:
    """Whether a statement anywhere in a module binds that name."""
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name)
    return any(isinstance(node.ctx, ast.Store) for node in names)


def _needs(name: str, nodes: Iterable[ast.stmt | ast.expr], shelf: _Shelf) -> tuple[Needs, dict[str, tuple[int, int]]]:
    """What nodes of the snippet of that name need, and where they import other snippets."""
    places: dict[str, tuple[int, int]] = {}
    data: set[str] = set()
    modules: set[str] = set()
    own = {file.partition(".")[0] for file in shelf.files}
    for node in nodes:
        for module in _imported_modules(node, name.split(".")[:-1]):
            modules.add(module.partition(".")[0])
            for file in _files_of(module, shelf) - {name}:
                place = (node.lineno, node.col_offset + 1)
                places[file] = min(place, places.get(file, place))
        data.update(shelf.data.get(_first_argument(node, DATA_PATH), ()))
    return Needs(tuple(sorted(places)), tuple(sorted(data)), tuple(sorted(modules - own))), places


def _imported_modules(node: ast.AST, package: list[str]) -> list[str]:
    """Dotted names of what a node imports, some of which may be names inside of a module. package: the folder's."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else []
        base = ".".join([*above, node.module] if node.module else above)
        return [base, *(f"{base}.{alias.name}" for alias in node.names)] if base else []
    called = _first_argument(node, FINDERS)
    return [called] if called else []


def _files_of(module: str, shelf: _Shelf) -> set[str]:
    """The snippets that an import of a module runs: itself, and the `__init__` of each folder above."""
    parts = module.split(".")
    names = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return (names | {f"{name}.__init__" for name in names}) & shelf.files.keys()


def _first_argument(node: ast.AST, functions: set[str]) -> str:
    """The text that one of these functions is called with; "" of any other node."""
    if not isinstance(node, ast.Call) or not node.args:
        return ""
    word, function = node.args[0], getattr(node.func, "attr", getattr(node.func, "id", ""))
    return (
        word.value if function in functions and isinstance(word, ast.Constant) and isinstance(word.value, str) else ""
    )


def closure(snippets: Mapping[str, Snippet], name: str) -> list[str]:
    """Names of the snippets that a run of a snippet imports, directly or not, itself left out."""
    seen: set[str] = set()
    todo = list(snippets[name].needs.imports)
    while todo:
        other = todo.pop()
        if other not in seen and other != name:
            seen.add(other)
            todo += snippets[other].when_imported.imports
    return sorted(seen)


def all_needs(snippets: Mapping[str, Snippet], name: str) -> Needs:
    """What a run of a snippet takes, together with all that its imports take."""
    imports = closure(snippets, name)
    needs = [snippets[name].needs, *(snippets[other].when_imported for other in imports)]
    data, modules = (
        {item for each in needs for item in part(each)} for part in (lambda n: n.data, lambda n: n.modules)
    )
    return Needs(tuple(imports), tuple(sorted(data)), tuple(sorted(modules)))


def order(snippets: Mapping[str, Snippet], names: Iterable[str]) -> list[str]:
    """Names sorted so that each comes after those that it imports."""
    done: dict[str, None] = {}

    def visit(name: str, above: frozenset[str]) -> None:
        if name in done or name in above:
            return
        for other in snippets[name].needs.imports:
            visit(other, above | {name})
        done[name] = None

    for name in sorted(snippets):
        visit(name, frozenset())
    wanted = set(names)
    return [name for name in done if name in wanted]


def circles(snippets: Mapping[str, Snippet]) -> list[tuple[str, int, int, list[str]]]:
    """Snippets that import each other -> [(file below snippets/, line, column, names)], each snippet once at most.

    names: the first one's first, each importing the next and the last one the first; the place is where the first
    imports the second.
    """
    found, told = [], set()
    for name in sorted(snippets):
        way = [] if name in told else _way_back(snippets, name)
        if way:
            told.update(way)
            found.append((snippets[name].file, *snippets[name].places[[*way, name][1]], way))
    return found


def _way_back(snippets: Mapping[str, Snippet], name: str) -> list[str]:
    """The shortest chain of imports from a snippet to itself, named once; [] where there is none."""
    ways, seen = [[name]], set()
    for way in ways:
        for other in snippets[way[-1]].needs.imports:
            if other == name:
                return way
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []


def sources(snippets: Mapping[str, Snippet], name: str) -> dict[str, str]:
    """Hashes of all that a record of a snippet depends on -> {path below snippets/: hash}.

    Its own file counts in full, as the record shows it; of an imported one only what an import runs counts.
    """
    own, needs = snippets[name], all_needs(snippets, name)
    hashes = {own.file: _hash(own.source.encode())}
    for other in needs.imports:
        hashes[snippets[other].file] = _hash(_imported_part(snippets[other].source).encode())
    folder = own.path.parents[own.name.count(".")]
    return hashes | {file: _hash((folder / file).read_bytes()) for file in needs.data}


def digest(hashes: Mapping[str, str]) -> str:
    """One digest of the hashes that sources() returns."""
    return _hash("\n".join(f"{file} {value}" for file, value in sorted(hashes.items())).encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:16]


@functools.cache
def _imported_part(source: str) -> str:
    """The source without what an import ignores: comments, blank lines, docstrings and `if __name__ == "__main__"`.

    Made of the source's own lines, as what Python's unparser writes differs between its versions.
    """
    try:
        tree = ast.parse(source)
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (*UNREADABLE, tokenize.TokenError):
        return source
    comments = {token.start[0]: token.start[1] for token in tokens if token.type == tokenize.COMMENT}
    lines, drop, strings = source.split("\n"), set(), set()
    for node in ast.walk(tree):
        if is_main_guard(node):
            drop.update(_lines(node))
        elif isinstance(node, ast.Constant | ast.JoinedStr):
            strings.update(_lines(node)[:-1])  # these lines end inside the string
        elif (text := _docstring(node)) and not lines[text.lineno - 1][: text.col_offset].strip():
            drop.update(_lines(text))  # else a definition stands on the same line
    kept = []
    for number, line in enumerate(lines, 1):
        if number not in drop:
            line = line[: comments.get(number)]
            kept += [line] if number in strings else [line.rstrip()] if line.strip() else []
    return "\n".join(kept)


def _lines(node: ast.expr | ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _docstring(node: ast.AST) -> ast.stmt | None:
    """The statement that is the docstring of a module, class or function."""
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    return None if ast.get_docstring(node, clean=False) is None else node.body[0]


def is_main_guard(node: ast.AST) -> TypeGuard[ast.If]:
    """Whether a statement is `if __name__ == "__main__":` without an else."""
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
        and isinstance(node.test.ops[0], ast.Eq)
        and isinstance(node.test.comparators[0], ast.Constant)
        and node.test.comparators[0].value == "__main__"
    )
