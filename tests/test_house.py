"""What keeps the house in order: which room imports which, how long a module is, files that every parser reads alike."""

import ast
import shutil
import subprocess
import sys
import zipfile
from graphlib import TopologicalSorter

import pytest
import yaml
from importlinter.application import use_cases
from importlinter.configuration import configure

from mundap.project import snippets

LONGEST_MODULE, LONGEST_CLASS = 350, 150  # lines
PYTHON = ["make.py", "src/**/*.py", "snippets/**/*.py", "tools/*.py"]
SCRIPTS = ["docs/assets/js/**/*.js", "docs/assets/css/**/*.css", "src/**/*.js", "src/**/*.css", "web/src/*.js"]


def committed(root, *patterns):
    """The files of the repository that match, as paths below its root; all of them without a pattern."""
    listed = subprocess.run(
        [
            "git",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
            *(f":(glob){p}" for p in patterns),
        ],
        cwd=root,
        capture_output=True,
    )
    if listed.returncode:
        pytest.skip("not a git clone")
    return sorted(name for name in listed.stdout.decode().split("\0") if name and (root / name).is_file())


def test_imports_run_down(root, monkeypatch, capsys):
    """The contracts in pyproject.toml: the order of the rooms, what project/ does without, no circle."""
    configure()
    monkeypatch.chdir(root)
    kept = use_cases.lint_imports(cache_dir=None, is_debug_mode=True)
    assert kept, capsys.readouterr().out


def test_no_snippet_imports_in_a_circle(root):
    assert snippets.circles(snippets.load(root / "snippets")) == []


def test_no_tool_imports_in_a_circle(root):
    tools = {path.stem: path for path in (root / "tools").glob("*.py")}

    def imports(path):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module

    TopologicalSorter({name: tools.keys() & set(imports(path)) for name, path in tools.items()}).prepare()


def test_lessons_do_without_the_benchmark(root):
    """Only the lesson that shows its records reads them with it; its command is no lesson."""
    lessons = snippets.load(root / "snippets")
    users = {name for name, each in lessons.items() if any(i.split(".")[0] == "bench" for i in each.needs.imports)}
    assert {name for name in users if not name.startswith("bench")} <= {"gpu_benchmark", "benchmark_results"}


def is_lesson(name):
    """A lesson is as long as what it teaches."""
    return name.startswith("snippets/") and name.count("/") == 1


def test_no_module_is_long(root):
    names = [name for name in committed(root, *PYTHON, *SCRIPTS) if not is_lesson(name)]
    lines = {name: len((root / name).read_text(encoding="utf-8").splitlines()) for name in names}
    assert {name: count for name, count in lines.items() if count > LONGEST_MODULE} == {}


def test_no_class_is_long(root):
    lines = {
        f"{name}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name in committed(root, *PYTHON)
        for node in ast.walk(ast.parse((root / name).read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert {name: count for name, count in lines.items() if count > LONGEST_CLASS} == {}


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="there is but one parser")
def test_both_yaml_parsers_read_every_file_alike(root):
    """PyYAML comes without its C parser on some systems."""

    def events(text, loader):
        # Marks differ: the C parser counts the end of a file as a line of its own.
        return [
            (type(event), *(getattr(event, name, None) for name in ("anchor", "tag", "value", "implicit")))
            for event in yaml.parse(text, loader)
        ]

    names = committed(root, "**/*.yaml", "**/*.yml")
    assert "qa_index.yaml" in names
    for name in names:
        text = (root / name).read_text(encoding="utf-8")
        assert events(text, yaml.SafeLoader) == events(text, yaml.CSafeLoader), name


def test_an_installed_engine_has_all_its_files(root, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(root / "src" / "mundap", source / "src" / "mundap", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "LICENSE-CONTENT"):
        shutil.copy(root / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, source]
    subprocess.run(pip, check=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("mundap/")}
    src = source / "src"
    assert packed == {path.relative_to(src).as_posix() for path in (src / "mundap").rglob("*") if path.is_file()}
