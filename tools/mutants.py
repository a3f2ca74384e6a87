"""Do the tests bite? Change one comparison, constant, condition or sign at a time, and see whether a module's own tests fail.

    python tools/mutants.py --count 120 --seed 1

Works on a copy of the repository. Tells of every mutant that lives, by file, line and change; not run by CI.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

pytest = importlib.import_module("pytest")  # of the test environment; `make check` looks at this file without it

for name in (
    "hypothesis yaml jsonschema bs4 markdown pymdownx nh3 filelock matplotlib.figure pygments.lexers math_core".split()
):
    importlib.import_module(name)  # once, not in every copy of this process

PATIENCE = 300  # seconds for a file of tests
ROOT = Path(__file__).resolve().parents[1]
PROJECT = ["tests/project/test_properties.py", "tests/project/test_check.py"]
PAGES = ["tests/pages/test_thread.py", "tests/pages/test_properties.py"]
MODULES = {  # module below src/mundap/ -> its tests, the quickest first
    "project/expression": [
        "tests/project/test_expression.py",
        "tests/project/test_expression_of_lists.py",
        "tests/project/test_judge.py",
        *PROJECT,
    ],
    "project/texts": ["tests/project/test_texts.py", *PROJECT],
    "project/math": ["tests/project/test_math.py", *PROJECT],
    "project/schema": ["tests/project/test_schema.py", *PROJECT],
    "project/fit": ["tests/project/test_schema.py", *PROJECT],
    "project/yamlsource": ["tests/project/test_yamlsource.py", *PROJECT],
    "project/records": ["tests/project/test_records.py", *PROJECT],
    "project/judge": ["tests/project/test_judge.py", *PROJECT],
    "pages/svg": ["tests/pages/test_svg.py", "tests/pages/test_outputs.py", *PAGES],
    "pages/links": ["tests/pages/test_links.py", *PAGES],
    "pages/marks": ["tests/pages/test_marks.py", *PAGES],
}
COPIED = ["src", "tests", "snippets", "tools", "schema", "docs/glossary.yaml", "mkdocs.yml", "pyproject.toml", "make.py", "qa_index.yaml"]  # fmt: skip
OTHERS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot,
    ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def changes(tree: ast.AST) -> Iterator[tuple[ast.AST, str, object]]:
    """Every change of a module: (node, attribute, its other value)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield node, "ops", [OTHERS[type(node.ops[0])](), *node.ops[1:]]
        elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in OTHERS:
            yield node, "op", OTHERS[type(node.op)]()
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield node, "value", not node.value
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node, "value", 2 * node.value
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            yield node, "value", node.value + 1
            yield node, "value", node.value - 1
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            yield node, "test", ast.UnaryOp(ast.Not(), node.test)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node, "op", ast.UAdd()


def mutant(source: str, number: int) -> tuple[str, str]:
    """A module's source with its change of that number -> (source, what was changed)."""
    tree = ast.parse(source)
    node, name, other = list(changes(tree))[number]
    before = ast.unparse(node).splitlines()[0]
    setattr(node, name, other)
    after = ast.unparse(ast.fix_missing_locations(node)).splitlines()[0]
    return ast.unparse(
        ast.fix_missing_locations(tree)
    ), f"{getattr(node, 'lineno', 0)}: {before[:90]}  ->  {after[:90]}"


def lives(copy: Path, tests: list[str]) -> bool:
    """Whether all tests pass, each file in a copy of this process. One that hangs fails."""
    for test in tests:
        child = os.fork()
        if not child:
            passes(copy, test)
        deadline = time.monotonic() + PATIENCE
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return False
            time.sleep(0.02)
        if status:
            return False
    return True


def passes(copy: Path, test: str) -> NoReturn:
    """Run the tests of a file, say nothing, and end this process with their outcome."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.chdir(copy)
    os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", test])))


def main() -> None:
    """Try mutants, and tell which live."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("modules", nargs="*", help="such as project/math; all by default")
    options = parser.parse_args()
    modules = options.modules or list(MODULES)
    sources = {name: (ROOT / "src" / "mundap" / f"{name}.py").read_text(encoding="utf-8") for name in modules}
    every = [(name, number) for name in modules for number in range(len(list(changes(ast.parse(sources[name])))))]
    chosen = random.Random(options.seed).sample(every, min(options.count, len(every)))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(ROOT / name, target) if (ROOT / name).is_dir() else shutil.copy(ROOT / name, target)
        for test in dict.fromkeys(test for name in modules for test in MODULES[name]):
            if not lives(copy, [test]):
                sys.exit(f"{test} fails as it is: it would kill every mutant")
        alive = 0
        for count, (name, number) in enumerate(chosen, 1):
            file = copy / "src" / "mundap" / f"{name}.py"
            changed, words = mutant(sources[name], number)
            file.write_text(changed, encoding="utf-8")
            if lives(copy, MODULES[name]):
                alive += 1
                print(f"lives: {name}.py:{words}", flush=True)
            file.write_text(sources[name], encoding="utf-8")
            print(f"{count}/{len(chosen)}, {alive} alive", end="\r", file=sys.stderr, flush=True)
    print(f"{len(chosen) - alive} of {len(chosen)} killed ({(len(chosen) - alive) / max(1, len(chosen)):.1%})")


if __name__ == "__main__":
    main()
