"""make.py: what the make targets do."""

import re
import subprocess
import sys


def make(root, *arguments):
    return subprocess.run([sys.executable, "make.py", *arguments], cwd=root, capture_output=True, text=True, timeout=60)


def test_help_tells_every_target_of_the_makefile(root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: help (.*)$", makefile, re.M)[1].split()
    told = make(root, "help")
    assert told.returncode == 0
    assert sorted(re.findall(r"^make (\S+)", told.stdout, re.M)) == sorted(targets)
    assert make(root).stdout == told.stdout


def test_a_target_that_is_none(root):
    told = make(root, "serv")
    assert told.returncode == 2 and "make serve" in told.stdout


def test_a_check_that_is_none(root):
    told = make(root, "check", "lint", "everything")
    assert told.returncode == 2 and "lint" in told.stderr
