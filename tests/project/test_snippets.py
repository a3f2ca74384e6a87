import pytest

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

    print(open("aside.txt").read(), twice(3))
    evidence = {"value": 6}
'''
BOTTOM = "from pathlib import Path\n\nZERO = float((Path(__file__).parent / 'zero.txt').read_text())\n"
ASIDE = "ONE = 1\n"


@pytest.fixture
def folder(tmp_path):
    for name, text in {
        "top.py": TOP,
        "middle.py": MIDDLE,
        "bottom.py": BOTTOM,
        "aside.py": ASIDE,
        "zero.txt": "0",
        "aside.txt": "1",
        "unnamed.txt": "2",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
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
    assert list(found) == ["aside", "bottom", "middle", "top"]
    assert top.title == "맨 위의 실행" and middle.title == "middle"
    assert (top.runs, middle.runs, bottom.runs) == (True, True, False)
    assert (top.evidence_bound, bottom.evidence_bound) == (True, False)
    assert top.imports == ["middle"] and middle.imports == ["aside", "bottom"]
    assert middle.data == ["aside.txt"] and bottom.data == ["zero.txt"]
    assert middle.when_imported == (["bottom"], [], [])
    assert top.modules == ["numpy"] and bottom.modules == ["pathlib"]
    assert snippets.closure(found, "top") == ["bottom", "middle"]
    assert top.definitions["Box"].startswith("class Box:\n") and top.definitions["Box"].endswith("return 1")
    assert sorted(snippets.sources(found, "top")) == ["bottom.py", "middle.py", "top.py", "zero.txt"]


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
    assert found.imports == ["other"]
    assert found.when_imported[2] == ["PIL", "importlib", "koreanize_matplotlib", "matplotlib", "sklearn", "torch"]
    assert found.modules == ["PIL", "importlib", "koreanize_matplotlib", "matplotlib", "pandas", "sklearn", "torch"]


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
        ("middle.py", "import bottom", "import numpy", ["bottom.py", "middle.py", "zero.txt"]),
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
        ("zero.txt", "0", "1", ["zero.txt"]),
        ("aside.txt", "1", "2", []),
        ("aside.py", "1", "2", []),
        ("unnamed.txt", "2", "3", []),
    ],
)
def test_digest_moves_with_what_a_run_depends_on_and_with_nothing_else(folder, file, old, new, expected):
    assert changed(folder, "top", file, old, new) == expected


def test_digest_of_the_one_that_runs_its_main_block(folder):
    assert changed(folder, "middle", "aside.py", "1", "2") == ["aside.py"]
    assert changed(folder, "middle", "aside.txt", "1", "2") == ["aside.txt"]
    assert changed(folder, "middle", "top.py", "1", "2") == []


def test_line_ends_and_a_byte_order_mark_do_not_matter(folder):
    before = snippets.sources(snippets.load(folder), "top")
    for path in folder.glob("*.py"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert snippets.sources(snippets.load(folder), "top") == before


def test_data_file_in_a_folder_and_one_that_goes(folder):
    (folder / "weights").mkdir()
    (folder / "weights" / "tiny.bin").write_bytes(b"\x00\xff")
    assert changed(folder, "top", "top.py", "twice(2)", "open('weights/tiny.bin') or twice(2)") == [
        "top.py",
        "weights/tiny.bin",
    ]
    before = snippets.sources(snippets.load(folder), "top")
    (folder / "weights" / "tiny.bin").unlink()
    assert before.keys() - snippets.sources(snippets.load(folder), "top").keys() == {"weights/tiny.bin"}


def test_the_name_of_a_folder_stands_for_all_that_is_in_it(folder):
    for name, text in {"one.json": "1", "deep/two.json": "2", ".hidden.part": "3"}.items():
        (folder / "results" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "results" / name).write_text(text)
    added = ["results/deep/two.json", "results/one.json", "top.py"]
    assert changed(folder, "top", "top.py", "twice(2)", "twice('results')") == added
    assert changed(folder, "top", "results/one.json", "1", "4") == ["results/one.json"]
    (folder / "results" / "new.json").write_text("5")
    assert "results/new.json" in snippets.sources(snippets.load(folder), "top")


def test_order_of_dependence():
    def made(**imports):
        return {
            name: snippets.Snippet(
                name, None, "", name, True, imports=list(others), when_imported=(list(others), (), ())
            )
            for name, others in imports.items()
        }

    found = made(a="cd", b="", c="e", d="b", e="")
    result = snippets.order(found, ["a", "b", "c", "d", "e"])
    assert all(result.index(other) < result.index(name) for name in found for other in found[name].imports)
    assert snippets.order(found, ["a", "e"]) == ["e", "a"]
    circle = made(a="b", b="c", c="a", d="c")
    assert sorted(snippets.order(circle, ["a", "b", "c", "d"])) == ["a", "b", "c", "d"]
    assert snippets.closure(circle, "a") == ["b", "c"] and snippets.closure(circle, "d") == ["a", "b", "c"]


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
