"""The vendored files are what tools/web.py made of the locked packages, and nothing else lies beside them."""

import hashlib
import json
import re

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
