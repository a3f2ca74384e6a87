"""Reading files that a stranger may have made: regular ones alone, and one normal form of Unicode."""

import errno
import os
import stat
import unicodedata
from pathlib import Path

REASONS = {
    errno.ENOENT: "파일이 없어요",
    errno.EISDIR: "파일이 아니라 폴더예요",
    errno.EACCES: "읽거나 쓸 권한이 없어요",
    errno.EPERM: "읽거나 쓸 권한이 없어요",
    errno.ENOSPC: "디스크가 가득 찼어요",
    errno.EFBIG: "쓸 수 있는 크기를 넘었어요",
    errno.EROFS: "읽기만 할 수 있는 디스크예요",
    errno.ELOOP: "링크가 돌고 돌아요",
    errno.ENAMETOOLONG: "이름이 너무 길어요",
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


def replace_text(path: Path, text: str) -> None:
    """Write a file in one step: whoever reads it finds the old text or the new one, whole. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def reason(error: OSError) -> str:
    """Why a file cannot be read or written, in Korean."""
    if isinstance(error, FileNotFoundError) and error.filename is None:  # from tempfile, which tries several places
        return "임시 파일을 둘 곳이 없어요"
    return REASONS.get(error.errno or 0) or error.strerror or type(error).__name__


def composed(text: str) -> str:
    """A text in Unicode's normal form C: files of macOS spell Hangul in pieces."""
    return unicodedata.normalize("NFC", text)
