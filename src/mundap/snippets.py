"""What can be known of the snippets without running them: cells, imports, definitions, data files, digest."""

import ast
import functools
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Snippet:
    """A Python file of snippets/. runs: it has cells, so it gets a record; else it is a helper that others import."""

    name: str
    path: Path
    source: str
    title: str
    runs: bool
    imports: list
    data: list
    definitions: dict = field(default_factory=dict)  # name -> source text
    evidence_bound: bool = False
    error: tuple = None  # (line, column, message) of a syntax error


def load(folder):
    """All snippets of a folder -> {name: Snippet}, sorted by name."""
    files = {path.stem: path for path in sorted(folder.glob("*.py"))}
    return {name: _read(name, path, files, folder) for name, path in files.items()}


def _read(name, path, files, folder):
    source = path.read_text(encoding="utf-8")
    heading = re.search(r"^# # (.+)$", source, re.MULTILINE)
    snippet = Snippet(name, path, source, heading[1].strip() if heading else name,
                      bool(re.search(r"^# %%", source, re.MULTILINE)), [], [])
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        snippet.error = (error.lineno or 1, error.offset or 1, error.msg)
        return snippet
    lines = source.splitlines()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            snippet.definitions[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            snippet.imports += [alias.name for alias in node.names if alias.name in files and alias.name != name]
        elif isinstance(node, ast.ImportFrom) and node.module in files and node.module != name:
            snippet.imports.append(node.module)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w-]+\.\w{2,12}", node.value):
            if (folder / node.value).is_file() and not node.value.endswith(".py"):
                snippet.data.append(node.value)
        elif isinstance(node, ast.Assign):
            snippet.evidence_bound |= any(isinstance(target, ast.Name) and target.id == "evidence" for target in node.targets)
    snippet.imports, snippet.data = sorted(set(snippet.imports)), sorted(set(snippet.data))
    return snippet


def closure(snippets, name):
    """Names of the snippets that a snippet imports, directly or not, itself left out."""
    seen, todo = set(), [name]
    while todo:
        for other in snippets[todo.pop()].imports:
            if other not in seen and other != name:
                seen.add(other)
                todo.append(other)
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
        data |= set(snippets[other].data)
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
    """The source without what an import ignores: comments, blank lines, docstrings and `if __name__ == "__main__"`."""
    lines = source.splitlines()
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    drop = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and is_main_guard(node) and not node.orelse:
            drop.update(range(node.lineno, node.end_lineno + 1))
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node, clean=False) is not None:
            drop.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    kept = [line.rstrip() for number, line in enumerate(lines, 1) if number not in drop]
    return "\n".join(line for line in kept if line and not line.lstrip().startswith("#"))


def is_main_guard(node):
    """Whether a statement is `if __name__ == "__main__":`."""
    test = node.test
    return (isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"
            and isinstance(test.ops[0], ast.Eq) and isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value == "__main__")
