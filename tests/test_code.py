"""The code as a whole: what pyproject.toml asks of it."""

import subprocess
import sys


def test_ruff_finds_nothing(root):
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", root], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
