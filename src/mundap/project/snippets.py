"""What can be known of the snippets without running them: cells, imports, definitions, data files, digest."""

import ast
import functools
import hashlib
import io
import re
import tokenize
import warnings
from dataclasses import dataclass, field
from pathlib import Path

FINDERS = {"find_spec", "import_module", "__import__"}  # the first argument of these names a module
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Snippet:
    """A Python file of snippets/. runs: it has cells, so it gets a record; else it is a helper that others import.

    imports, data, modules: the snippets that its run imports, the data files that it names (a folder's name stands for
    all that is in it) and the top-level names of the other modules that it imports; when_imported: the same three lists
    for those who import it, whom its `if __name__ == "__main__":` blocks do not concern.
    """

    name: str
    path: Path
    source: str
    title: str
    runs: bool
    imports: list = field(default_factory=list)
    data: list = field(default_factory=list)
    modules: list = field(default_factory=list)
    when_imported: tuple = ((), (), ())
    definitions: dict = field(default_factory=dict)  # name -> source text
    evidence_bound: bool = False
    error: tuple = None  # (line, column, message) of what keeps Python from reading it


def load(folder):
    """All snippets of a folder -> {name: Snippet}, sorted by name."""
    files = {path.stem: path for path in sorted(folder.glob("*.py"))}
    data = {}  # the name of a file, or of a folder -> the files that it stands for
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".py", ".pyc") and path.is_file() and not path.name.startswith("."):
            below = path.relative_to(folder)
            data.setdefault(path.name, []).append(below.as_posix())
            for above in below.parents[:-1]:
                data.setdefault(above.name, []).append(below.as_posix())
    return {name: _read(name, path, files, data) for name, path in files.items()}


def _read(name, path, files, data):
    try:
        source = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return Snippet(name, path, "", name, True, error=(1, 1, "UTF-8로 적은 글이 아니에요"))
    heading, cell = re.search(r"^# # (.+)$", source, re.MULTILINE), re.search(r"^# %%", source, re.MULTILINE)
    snippet = Snippet(name, path, source, heading[1].strip() if heading else name, bool(cell))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except SyntaxError as error:
        snippet.error = (error.lineno or 1, error.offset or 1, error.msg)
        return snippet
    except (ValueError, RecursionError, MemoryError) as error:
        snippet.error = (1, 1, str(error) or "너무 깊어요")
        return snippet
    lines = source.split("\n")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            snippet.definitions[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    named = {node: _named(node) for node in tree.body}
    for_importers = [words for node, words in named.items() if not is_main_guard(node)]

    def pick(words):
        imports, texts = (set().union(*part) for part in zip((set(), set()), *words, strict=True))
        others = {module.partition(".")[0] for module in imports} - files.keys() - {""}  # "" is `from . import`
        return (
            sorted(imports & files.keys() - {name}),
            sorted({file for text in texts & data.keys() for file in data[text]}),
            sorted(others),
        )

    snippet.imports, snippet.data, snippet.modules = pick(named.values())
    snippet.when_imported = pick(for_importers)
    snippet.evidence_bound = any(
        isinstance(target, ast.Name) and target.id == "evidence"
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
    )
    return snippet


def _named(statement):
    """The modules that a statement imports, and the last parts of the paths that its texts may be."""
    imports, texts = set(), set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            imports.add(node.module or "")
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in FINDERS:
            imports.update(
                word.value for word in node.args[:1] if isinstance(word, ast.Constant) and isinstance(word.value, str)
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value.rpartition("/")[2])
    return imports, texts


def closure(snippets, name):
    """Names of the snippets that a run of a snippet imports, directly or not, itself left out."""
    seen, todo = set(), list(snippets[name].imports)
    while todo:
        other = todo.pop()
        if other not in seen and other != name:
            seen.add(other)
            todo += snippets[other].when_imported[0]
    return sorted(seen)


def order(snippets, names):
    """Names sorted so that each comes after those that it imports."""
    done, result = set(), []

    def visit(name, above):
        if name in done or name in above:
            return
        for other in snippets[name].imports:
            visit(other, above | {name})
        done.add(name)
        result.append(name)

    for name in sorted(snippets):
        visit(name, frozenset())
    return [name for name in result if name in set(names)]


def sources(snippets, name):
    """Hashes of all that a record of a snippet depends on -> {file name: hash}.

    Its own file counts in full, as the record shows it; of an imported one only what an import runs counts.
    """
    own = snippets[name]
    hashes = {own.path.name: _hash(own.source.encode())}
    data = set(own.data)
    for other in closure(snippets, name):
        hashes[snippets[other].path.name] = _hash(_imported_part(snippets[other].source).encode())
        data |= set(snippets[other].when_imported[1])
    for file in sorted(data):
        hashes[file] = _hash((own.path.parent / file).read_bytes())
    return hashes


def digest(hashes):
    """One digest of the hashes that sources() returns."""
    return _hash("\n".join(f"{file} {value}" for file, value in sorted(hashes.items())).encode())


def _hash(data):
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()[:16]


@functools.cache
def _imported_part(source):
    """The source without what an import ignores: comments, blank lines, docstrings and `if __name__ == "__main__"`.

    Made of the source's own lines, as what Python's unparser writes differs between its versions.
    """
    try:
        tree = ast.parse(source)
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return source
    comments = {token.start[0]: token.start[1] for token in tokens if token.type == tokenize.COMMENT}
    lines, drop, strings = source.split("\n"), set(), set()
    for node in ast.walk(tree):
        if is_main_guard(node):
            drop.update(range(node.lineno, node.end_lineno + 1))
        elif isinstance(node, ast.Constant | ast.JoinedStr):
            strings.update(range(node.lineno, node.end_lineno))  # these lines end inside the string
        elif isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            if not lines[text.lineno - 1][: text.col_offset].strip():  # else a definition stands on the same line
                drop.update(range(text.lineno, text.end_lineno + 1))
    kept = []
    for number, line in enumerate(lines, 1):
        if number not in drop:
            line = line[: comments.get(number)]
            kept += [line] if number in strings else [line.rstrip()] if line.strip() else []
    return "\n".join(kept)


def is_main_guard(node):
    """Whether a statement is `if __name__ == "__main__":` without an else."""
    test = getattr(node, "test", None)
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == "__main__"
    )
