import pytest
from engine import put

from mundap.project import snippets

TOP = '''\
# %% [markdown]
# # 맨 위의 실행
# 설명

# %%
import numpy
from middle import twice


class Box:
    """A box."""

    @property
    def size(self):
        return 1


# %%
if __name__ == "__main__":
    evidence = {"value": twice(2)}
    evidence
'''
MIDDLE = '''\
"""A module."""
# %%
import bottom  # the one below


def twice(x):
    """Twice x."""
    # so it is
    text = """first
# second

last"""
    return x * 2 + bottom.ZERO * len(text)


class Wrong(Exception): """No more than this."""


# %%
if __name__ == "__main__":
    import aside

    from lib import paths

    print(paths.data_path("aside.txt").read_text(), twice(3))
    evidence = {"value": 6}
'''
BOTTOM = "from lib.paths import data_path\n\nZERO = float(data_path('zero.txt').read_text())\n"
PATHS = "from pathlib import Path\n\n\ndef data_path(name):\n    return Path(__file__).parents[1] / 'data' / name\n"
ASIDE = "ONE = 1\n"


@pytest.fixture
def folder(tmp_path):
    for name, text in {
        "top.py": TOP,
        "middle.py": MIDDLE,
        "bottom.py": BOTTOM,
        "aside.py": ASIDE,
        "lib/paths.py": PATHS,
        "data/zero.txt": "0",
        "data/aside.txt": "1",
        "data/unnamed.txt": "2",
    }.items():
        put(tmp_path / name, text)
    return tmp_path


def changed(folder, name, file, old, new):
    """The files whose part in the digest of a snippet a change moves."""
    before = snippets.sources(snippets.load(folder), name)
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    after = snippets.sources(snippets.load(folder), name)
    assert (snippets.digest(before) == snippets.digest(after)) == (before == after)
    return sorted(file for file in before | after if before.get(file) != after.get(file))


def test_what_is_known_without_running(folder):
    found = snippets.load(folder)
    top, middle, bottom = found["top"], found["middle"], found["bottom"]
    assert list(found) == ["aside", "bottom", "lib.paths", "middle", "top"]
    assert found["lib.paths"].file == "lib/paths.py" and top.file == "top.py"
    assert top.title == "맨 위의 실행" and middle.title == "middle"
    assert (top.runs, middle.runs, bottom.runs) == (True, True, False)
    assert (top.evidence_bound, bottom.evidence_bound) == (True, False)
    assert top.needs == snippets.Needs(imports=("middle",), modules=("numpy",))
    assert middle.needs == snippets.Needs(("aside", "bottom", "lib.paths"), ("data/aside.txt",))
    assert middle.when_imported == snippets.Needs(("bottom",))
    assert bottom.needs == snippets.Needs(("lib.paths",), ("data/zero.txt",))
    assert snippets.closure(found, "top") == ["bottom", "lib.paths", "middle"]
    everything = snippets.Needs(("bottom", "lib.paths", "middle"), ("data/zero.txt",), ("numpy", "pathlib"))
    assert snippets.all_needs(found, "top") == everything
    assert top.definitions["Box"].startswith("class Box:\n") and top.definitions["Box"].endswith("return 1")
    assert sorted(snippets.sources(found, "top")) == [
        "bottom.py",
        "data/zero.txt",
        "lib/paths.py",
        "middle.py",
        "top.py",
    ]


def test_modules_that_a_snippet_imports_in_whatever_way(tmp_path):
    (tmp_path / "other.py").write_text("")
    (tmp_path / "a.py").write_text("""\
import torch.nn.functional as F, other
from sklearn.datasets import load_digits
from . import sibling
from importlib import import_module as later, util


def draw(name="scipy"):
    import matplotlib.pyplot as plt
    util.find_spec("koreanize_matplotlib"), __import__("PIL.Image"), __import__(name), print("numpy")


if __name__ == "__main__":
    import pandas
""")
    found = snippets.load(tmp_path)["a"]
    assert found.needs.imports == ("other",)
    assert list(found.when_imported.modules) == [
        "PIL",
        "importlib",
        "koreanize_matplotlib",
        "matplotlib",
        "sklearn",
        "torch",
    ]
    assert list(found.needs.modules) == [
        "PIL",
        "importlib",
        "koreanize_matplotlib",
        "matplotlib",
        "pandas",
        "sklearn",
        "torch",
    ]


def test_definition_brings_its_decorators(tmp_path):
    f, g = "@functools.cache\n@staticmethod\ndef f():\n    return '''\n'''", "async def g(): pass"
    (tmp_path / "a.py").write_text(f"import functools\n\n\n{f}\n\n{g}\n")
    assert snippets.load(tmp_path)["a"].definitions == {"f": f, "g": g}


@pytest.mark.parametrize(
    "file, old, new, expected",
    [
        ("top.py", "# 설명", "# 고친 설명", ["top.py"]),  # the record shows its own comments
        ("top.py", '"""A box."""', '"""The box."""', ["top.py"]),
        ("top.py", "twice(2)", "twice(3)", ["top.py"]),
        ("middle.py", "x * 2", "x + x", ["middle.py"]),
        ("middle.py", "ZERO", "ONE", ["middle.py"]),
        ("middle.py", "import bottom", "import numpy", ["bottom.py", "data/zero.txt", "lib/paths.py", "middle.py"]),
        ("middle.py", "# second", "# zweite", ["middle.py"]),  # part of a string
        ("middle.py", "second\n\nlast", "second\nlast", ["middle.py"]),
        ("middle.py", '"""first', '"""first ', ["middle.py"]),
        ("middle.py", "(Exception)", "(ValueError)", ["middle.py"]),
        ("middle.py", '"""A module."""', '"""The module.\n\nAt length."""', []),
        ("middle.py", "# so it is", "# not so", []),
        ("middle.py", "# the one below", "# bottom", []),
        ("middle.py", "  # the one below", "", []),
        ("middle.py", '"""Twice x."""', '"""x, and x again."""', []),
        ("middle.py", "def twice", "\n\n# twice\n\ndef twice", []),
        ("middle.py", "twice(3))", "twice(4))", []),
        ("middle.py", "import aside", "import numpy", []),
        ("middle.py", "len(text)", "len(text)   ", []),
        ("bottom.py", "ZERO =", "ONE = 1\nZERO =", ["bottom.py"]),
        ("data/zero.txt", "0", "1", ["data/zero.txt"]),
        ("data/aside.txt", "1", "2", []),
        ("aside.py", "1", "2", []),
        ("data/unnamed.txt", "2", "3", []),
    ],
)
def test_digest_moves_with_what_a_run_depends_on_and_with_nothing_else(folder, file, old, new, expected):
    assert changed(folder, "top", file, old, new) == expected


def test_digest_of_the_one_that_runs_its_main_block(folder):
    assert changed(folder, "middle", "aside.py", "1", "2") == ["aside.py"]
    assert changed(folder, "middle", "data/aside.txt", "1", "2") == ["data/aside.txt"]
    assert changed(folder, "middle", "top.py", "1", "2") == []


def test_line_ends_and_a_byte_order_mark_do_not_matter(folder):
    before = snippets.sources(snippets.load(folder), "top")
    for path in folder.rglob("*.py"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert snippets.sources(snippets.load(folder), "top") == before


def test_data_file_in_a_folder_and_one_that_goes(folder):
    put(folder / "data" / "weights" / "tiny.bin", b"\x00\xff")
    assert changed(folder, "top", "top.py", "twice(2)", "twice(data_path('weights/tiny.bin'))") == [
        "data/weights/tiny.bin",
        "top.py",
    ]
    before = snippets.sources(snippets.load(folder), "top")
    (folder / "data" / "weights" / "tiny.bin").unlink()
    assert before.keys() - snippets.sources(snippets.load(folder), "top").keys() == {"data/weights/tiny.bin"}


def test_the_name_of_a_folder_stands_for_all_that_is_in_it(folder):
    for name, text in {"one.json": "1", "deep/two.json": "2", ".hidden.part": "3"}.items():
        put(folder / "data" / "results" / name, text)
    added = ["data/results/deep/two.json", "data/results/one.json", "top.py"]
    assert changed(folder, "top", "top.py", "twice(2)", "twice(data_path('results'))") == added
    assert changed(folder, "top", "data/results/one.json", "1", "4") == ["data/results/one.json"]
    put(folder / "data" / "results" / "new.json", "5")
    assert "data/results/new.json" in snippets.sources(snippets.load(folder), "top")


def test_a_text_that_happens_to_be_the_name_of_a_data_file_is_none(folder):
    assert changed(folder, "top", "top.py", "twice(2)", "print('unnamed.txt')") == ["top.py"]


@pytest.mark.parametrize(
    "statement",
    [
        "import lib.figure",
        "from lib.figure import show",
        "from lib import figure, none",
        "import numpy, lib.figure as f",
        "__import__('lib.figure')",
    ],
)
def test_ways_to_import_a_helper(tmp_path, statement):
    put(tmp_path / "lib" / "figure.py", "# %%\nfrom .deep import shades\n")
    put(tmp_path / "lib" / "deep" / "shades.py", "from ..colors import BLUE\n")
    put(tmp_path / "lib" / "colors.py", "BLUE = 1\n")
    put(tmp_path / "a.py", statement + "\n")
    found = snippets.load(tmp_path)
    assert list(found) == ["a", "lib.colors", "lib.deep.shades", "lib.figure"]
    assert not found["lib.figure"].runs, "a lesson lies in the folder itself"
    assert found["a"].needs.imports == ("lib.figure",) and "lib" not in found["a"].needs.modules
    assert sorted(snippets.sources(found, "a")) == ["a.py", "lib/colors.py", "lib/deep/shades.py", "lib/figure.py"]
    assert snippets.sources(found, "lib.deep.shades").keys() == {"lib/deep/shades.py", "lib/colors.py"}


def test_the_file_that_makes_a_folder_a_package_runs_too(tmp_path):
    put(tmp_path / "lib" / "__init__.py", "")
    put(tmp_path / "lib" / "figure.py", "")
    put(tmp_path / "a.py", "import lib.figure\n")
    found = snippets.load(tmp_path)
    assert found["a"].needs.imports == ("lib.__init__", "lib.figure")
    assert "lib/__init__.py" in snippets.sources(found, "a")


def test_hidden_folders_hold_no_snippets(tmp_path):
    put(tmp_path / ".ipynb_checkpoints" / "a-checkpoint.py", "")
    assert snippets.load(tmp_path) == {}


def made(**imports):
    """Snippets that import each other by these names: a="bc" is one that imports b and c."""
    return {
        name: snippets.Snippet(
            name,
            None,
            "",
            name,
            True,
            snippets.Needs(tuple(others)),
            snippets.Needs(tuple(others)),
            {other: (number, 1) for number, other in enumerate(others, 1)},
        )
        for name, others in imports.items()
    }


def test_order_of_dependence():
    found = made(a="cd", b="", c="e", d="b", e="")
    result = snippets.order(found, ["a", "b", "c", "d", "e"])
    assert all(result.index(other) < result.index(name) for name in found for other in found[name].needs.imports)
    assert snippets.order(found, ["a", "e"]) == ["e", "a"]
    assert snippets.circles(found) == []


def test_circles():
    circle = made(a="b", b="c", c="a", d="c")
    assert snippets.circles(circle) == [("a.py", 1, 1, ["a", "b", "c"])]
    assert sorted(snippets.order(circle, ["a", "b", "c", "d"])) == ["a", "b", "c", "d"]
    assert snippets.closure(circle, "a") == ["b", "c"] and snippets.closure(circle, "d") == ["a", "b", "c"]
    assert snippets.circles(made(a="cb", b="a", c="d", d="cb")) == [
        ("a.py", 2, 1, ["a", "b"]),
        ("c.py", 1, 1, ["c", "d"]),
    ]


def test_place_of_a_circle(tmp_path):
    put(tmp_path / "a.py", "import os\n\nif __name__ == '__main__':\n    from lib import b\n")
    put(tmp_path / "lib" / "b.py", "def f():\n    import a\n")
    assert snippets.circles(snippets.load(tmp_path)) == [("a.py", 4, 5, ["a", "lib.b"])]


@pytest.mark.parametrize(
    "data, place",
    [
        (b"# %%\nx = 1\ny = (\n", (3, 5)),
        (b"# %%\ndef f():\nreturn\n", (3, 1)),
        (b"\xff\xfe", (1, 1)),
        (b"x = 1\x00", (1, 1)),
        (b"-" * 60000 + b"1", (1, 1)),
    ],
)
def test_file_that_python_cannot_read(tmp_path, data, place):
    (tmp_path / "broken.py").write_bytes(data)
    (tmp_path / "user.py").write_text("import broken\n")
    found = snippets.load(tmp_path)
    line, column, message = found["broken"].error
    assert (line, column) == place and message
    assert "broken.py" in snippets.sources(found, "user")


def test_no_folder(tmp_path):
    assert snippets.load(tmp_path / "none") == {}
