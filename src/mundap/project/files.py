"""Reading files that a stranger may have made: regular ones alone, and one normal form of Unicode."""

import errno
import os
import stat
import unicodedata
from pathlib import Path

REASONS = {
    FileNotFoundError: "파일이 없어요",
    IsADirectoryError: "파일이 아니라 폴더예요",
    PermissionError: "읽을 권한이 없어요",
}


def read_bytes(path: Path, most: int = -1) -> bytes:
    """The first `most` bytes of a regular file, all by default. Raises OSError, of a pipe or device at once."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):  # opening it could wait for ever
        raise OSError(errno.EINVAL, "보통 파일이 아니에요", str(path))
    with path.open("rb") as stream:
        return stream.read(most)


def read_text(path: Path) -> str:
    """The text of a regular UTF-8 file, composed. Raises OSError, UnicodeDecodeError."""
    return composed(read_bytes(path).decode().removeprefix("\ufeff"))


def reason(error: OSError) -> str:
    """Why a file cannot be read, in Korean."""
    return REASONS.get(type(error)) or error.strerror or type(error).__name__


def composed(text: str) -> str:
    """A text in Unicode's normal form C: files of macOS spell Hangul in pieces."""
    return unicodedata.normalize("NFC", text)
