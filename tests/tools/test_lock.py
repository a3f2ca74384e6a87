"""The pins in requirements/: what tools/lock.py makes of pyproject.toml."""

import importlib.metadata
import re
import tomllib

import lock
import real_vit
import setup_env
from packaging.specifiers import SpecifierSet
from packaging.version import Version


def pins(root, name):
    text = (root / "requirements" / f"{name}.txt").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*", line) for line in lines)
    return dict(line.split("==") for line in lines)


def test_pins(root):
    everything = pins(root, "test")
    for kind in setup_env.ENVIRONMENTS:
        assert pins(root, kind).items() <= everything.items(), "all environments have the same versions"
        assert ("torch" in pins(root, kind)) == (kind in ("run", "test"))


def test_weights_are_one_package_whose_content_is_pinned(root):
    lines = (root / "requirements" / "weights.txt").read_text().splitlines()
    [line] = [line for line in lines if not line.startswith("#")]
    assert re.fullmatch(r"([a-z0-9.-]+==[0-9.]+) --hash=sha256:[0-9a-f]{64}", line)[1] == real_vit.PACKAGE


def test_every_requirement_is_pinned(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for extra in setup_env.ENVIRONMENTS:
        names = {re.split(r"[\[<>=!~ ]", line)[0].lower().replace("_", "-") for line in lock.wanted(project, extra)}
        assert names <= pins(root, extra).keys(), "run `make lock`"


def test_pins_run_on_debian_12(root):
    """Its Python is 3.11.2, and some packages ask for a later 3.11."""
    for name, version in pins(root, "test").items():
        metadata = importlib.metadata.metadata(name)
        assert metadata["Version"].split("+")[0] == version, f"{name}: this environment is not the pinned one"
        assert Version(lock.OLDEST) in SpecifierSet(metadata["Requires-Python"] or ""), name
