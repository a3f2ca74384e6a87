"""A small MkDocs project, and a copy of this repository's own, for tests that build and save."""

import re
import shutil
import time

from mundap.live.builds import WATCHED


def make_small_site(folder):
    """A MkDocs project of two pages that has nothing to do with threads -> its root."""
    root = folder / "작은 사이트"
    (root / "docs").mkdir(parents=True)
    (root / "mkdocs.yml").write_text("site_name: 시험\ntheme: {name: material, font: false}\nplugins: []\n")
    (root / "docs" / "index.md").write_text("# 첫 쪽\n\n처음 글\n")
    (root / "docs" / "other.md").write_text("# 다른 쪽\n")
    return root


def copy_of_the_site(root, folder):
    """A copy of all that the site is made of -> its root."""
    project = folder / "mundap"
    project.mkdir()
    for name in WATCHED:
        if (root / name).is_dir():
            shutil.copytree(root / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (root / name).exists():
            shutil.copy(root / name, project / name)
    return project


def save(path, text):
    """Write a file -> when, by time.monotonic()."""
    path.write_text(text, encoding="utf-8")
    return time.monotonic()


def conclude(text, word):
    """A thread's YAML with a word before its conclusion."""
    changed = re.sub(r"(?m)^(conclusion: \|\n +)", rf"\1{word} ", text)
    assert changed != text
    return changed
