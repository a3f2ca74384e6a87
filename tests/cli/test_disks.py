"""A full disk, one that may only be read, and files larger than may be: one message each, and what was there stays."""

import os
import signal
import subprocess
import sys

import pytest
from engine import snapshot
from hostile import make_site_project

from mundap.project.files import reason

resource = pytest.importorskip("resource")  # POSIX
WRITING = [["site"], ["export", "out"], ["schema"], ["new", "basics", "fourth"]]


def mundap(folder, *arguments, limit=None):
    """A command in a process of its own, which may write files of `limit` bytes -> (status, what it says)."""

    def before():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-m", "mundap", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=None if limit is None else before,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def disk(root, tmp_path):
    """A small disk of its own with a project on it -> (project, what mounts it anew with options)."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options):
        return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], capture_output=True).returncode

    if os.geteuid() or mount("size=1m"):
        pytest.skip("needs to mount a disk")
    try:
        yield make_site_project(place / "project", root), mount
    finally:
        subprocess.run(["umount", place], check=True)


def fill(folder):
    """Write until there is no room."""
    with (folder / "filler").open("wb") as stream:
        try:
            while True:
                stream.write(b"x" * 4096)
                stream.flush()
        except OSError:
            pass


def test_full_disk(disk):
    project, _ = disk
    assert mundap(project, "export", "out")[0] == 0
    fill(project.parent)
    before = snapshot(project)
    for arguments in WRITING:
        status, words = mundap(project, *arguments)
        assert (status, "디스크가 가득 찼어요" in words) == (1, True) or arguments == ["schema"] and status == 0, words
        assert snapshot(project) == before, arguments
    assert mundap(project, "check")[0] == 0
    (project.parent / "filler").unlink()
    assert mundap(project, "export", "out")[0] == 0, "a failed export can be repeated"


def test_disk_that_may_only_be_read(disk):
    project, mount = disk
    before = snapshot(project)
    assert mount("remount,ro") == 0
    for arguments in WRITING:
        status, words = mundap(project, *arguments)
        assert status == 1 and "읽기만 할 수 있는 디스크예요" in words, words
    assert mundap(project, "check")[0] == 0 and snapshot(project) == before


@pytest.mark.parametrize(
    "arguments", [["site"], ["export", "out"], ["new", "basics", "fourth"]], ids=lambda words: words[0]
)
def test_files_that_may_not_grow(root, tmp_path, arguments):
    project = make_site_project(tmp_path, root)
    before = snapshot(project)
    status, words = mundap(project, *arguments, limit=0)
    assert status == 1 and "쓸 수 있는 크기를 넘었어요" in words
    assert {name: text for name, text in snapshot(project).items() if name in before} == before
    assert mundap(project, *arguments)[0] == 0


def test_a_folder_that_may_not_be_written(root, tmp_path):
    if not os.geteuid():
        pytest.skip("root may write everywhere")
    project = make_site_project(tmp_path / "project", root)
    project.chmod(0o500)
    try:
        for arguments in (["site"], ["export", "out"], ["new", "basics", "fourth"]):
            status, words = mundap(project, *arguments)
            assert status == 1 and "권한이 없어요" in words
    finally:
        project.chmod(0o700)


@pytest.mark.parametrize(
    "error, words",
    [
        (PermissionError(13, "Permission denied", "a"), "읽거나 쓸 권한이 없어요"),
        (FileNotFoundError(2, "No usable temporary directory found"), "임시 파일을 둘 곳이 없어요"),
        (FileNotFoundError(2, "x", "a"), "파일이 없어요"),
        (OSError(9999, "strange"), "strange"),
        (OSError(), "OSError"),
    ],
)
def test_reasons_are_told_in_korean(error, words):
    assert reason(error) == words
