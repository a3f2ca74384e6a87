"""A small MkDocs project, and a copy of this repository's own, for tests that build and save."""

import re
import shutil
import time
from pathlib import Path

from mundap.live.saves import WATCHED

REPOSITORY = Path(__file__).resolve().parents[2]
PARTIALS = "overrides/partials/javascripts"  # let the theme keep to the policy
SCRIPTS = ("docs/assets/js/theme.js", "docs/assets/js/dom.js")  # of these, and of the live cells


def make_small_site(folder):
    """A MkDocs project of two pages that has nothing to do with threads -> its root."""
    root = folder / "작은 사이트"
    shutil.copytree(REPOSITORY / PARTIALS, root / PARTIALS)
    for name in SCRIPTS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, root / name)
    theme = "{name: material, font: false, custom_dir: overrides}"
    (root / "mkdocs.yml").write_text(f"site_name: 시험\ntheme: {theme}\nplugins: []\n")
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
