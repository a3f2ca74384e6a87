"""make.py: what the make targets do, and what runs them elsewhere."""

import os
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


def test_no_address_of_a_registry(root):
    """Where packages come from is the user's setting, or pip's default."""
    for pattern in ("tools/setup_env.py", "tools/lock.py", "requirements/*", "make.py", "Makefile", ".ci/run"):
        for file in root.glob(pattern):
            assert "://" not in file.read_text(encoding="utf-8"), file
    for file in (root / ".github").rglob("*.yml"):
        addresses = re.findall(r"https?://(\S+)", file.read_text(encoding="utf-8"))
        assert all(address.startswith("x-access-token:") for address in addresses), file


def test_ci_checks_and_tests(root):
    script = root / ".ci" / "run"
    lines = script.read_text().splitlines()
    assert os.access(script, os.X_OK)
    assert lines[-2:] == ["make check", "make test"], "pytest's summary closes it"
