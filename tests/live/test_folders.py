"""The server's own folder: private, and swept by the next server where a killed one has left it."""

import os
import stat
import subprocess
import sys
import tempfile

import psutil
import pytest

from mundap.live import folders
from mundap.live.processes import MARK


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """The folder of temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def gone():
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_a_killed_server_left_is_swept(shelf, gone):
    """Its files, and what its kernels have left running; nothing of others."""
    left = shelf / f"mundap-{gone}-abc"
    kept = [shelf / name for name in ("mundap-xyz", "mundap-notes-1", f"other-{gone}-abc", f"mundap-{os.getpid()}-abc")]
    for folder in (left, *kept):
        (folder / "k" / "1").mkdir(parents=True)
    stranger = shelf / f"mundap-{gone}-link"
    stranger.symlink_to(kept[0])
    sleep = ["sleep", "1000"]
    children = [
        subprocess.Popen(sleep, env={**os.environ, MARK: str(folder / "k" / "1")}, start_new_session=True)
        for folder in (left, kept[3])
    ]
    folders.sweep()
    assert not left.exists() and all((folder / "k" / "1").is_dir() for folder in kept) and stranger.is_symlink()
    assert children[0].wait(10) != 0 and children[1].poll() is None
    children[1].kill()
    children[1].wait()


def test_a_number_that_another_process_has_now(shelf):
    """The folder was last written before the process of that number began."""
    path = shelf / f"mundap-{os.getppid()}-abc"
    path.mkdir()
    began = psutil.Process(os.getppid()).create_time()
    os.utime(path, (began - 100, began - 100))
    assert folders.is_left(path)
    os.utime(path, (began + 100, began + 100))
    assert not folders.is_left(path)


def test_a_server_s_own_folder(shelf):
    with folders.private_folder() as folder:
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        folders.sweep()
        assert os.path.isdir(folder)
    assert list(shelf.iterdir()) == []


def test_a_page_that_only_this_user_can_read(tmp_path):
    """The browser is started with it: no command line holds the token."""
    address = "http://127.0.0.1:8000/_live/enter?token=SECRET"
    path = folders.private_page(tmp_path, address)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"url={address}" in path.read_text() and "SECRET" not in path.as_uri()
