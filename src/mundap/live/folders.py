"""The server's own temporary folder, and what servers that were killed have left of theirs."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import psutil

from mundap.live.processes import end_marked

NAME = re.compile(r"mundap-(\d+)-\w+")


def private_folder() -> tempfile.TemporaryDirectory:
    """A folder that only this user can read, which says whose it is: removed with it, or by `sweep`."""
    return tempfile.TemporaryDirectory(prefix=f"mundap-{os.getpid()}-", ignore_cleanup_errors=True)


def sweep() -> None:
    """Remove the folders of servers that are no more, and end what their kernels have left running."""
    for path in Path(tempfile.gettempdir()).glob("mundap-*"):
        if is_left(path):
            end_marked(path)
            shutil.rmtree(path, ignore_errors=True)


def is_left(path: Path) -> bool:
    """Whether a path is such a folder, of this user, whose process is no more."""
    name = NAME.fullmatch(path.name)
    try:
        status = path.lstat()
        if not name or not path.is_dir() or path.is_symlink() or hasattr(os, "getuid") and status.st_uid != os.getuid():
            return False
        # A process that began after the folder was last written to has only inherited the number.
        return psutil.Process(int(name[1])).create_time() > status.st_mtime + 1
    except psutil.NoSuchProcess:
        return True
    except (OSError, psutil.Error, OverflowError):
        return False


def private_page(folder: Path, address: str) -> Path:
    """A page that leads to an address, in a file that only this user can read -> its path."""
    path = folder / "open.html"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(
            '<!doctype html><html lang="ko"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0;url={address}"><title>문답</title><a href="{address}">문답 열기</a>'
        )
    return path
