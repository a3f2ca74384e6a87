"""The set-up script: how far it says it is, and what it says has failed."""

import errno
import json
import os
import sqlite3
import sys
from pathlib import Path

import pytest
import setup_env
from setup_env import SetupError


def stand_in(tmp_path, script):
    """A program in the place of an environment's python."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_progress_on_a_terminal(tmp_path, monkeypatch, capsys):
    python = stand_in(
        tmp_path,
        "echo 'Collecting torch==2.13.0 (from -r x)'; echo 'Progress 0 of 200000000'; "
        "echo 'Progress 100000000 of 200000000'; echo 'Installing collected packages: torch'",
    )
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    setup_env.pip_install(python, "-r", "x", total=3)
    heard = capsys.readouterr()
    assert "[1/3] torch 200 MB 중 50%" in heard.err and "풀고 있어요" in heard.err and heard.out == ""
    assert heard.err.endswith("\r\033[K"), "the line is left empty"


def test_quiet_in_a_log(tmp_path, capsys):
    setup_env.pip_install(stand_in(tmp_path, "echo Collecting torch; echo Progress 1 of 2"), total=3)
    assert capsys.readouterr() == ("", "")


def test_progress_in_a_log(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(setup_env, "PLAIN_PAUSE", -1)
    setup_env.pip_install(stand_in(tmp_path, "echo Collecting torch; echo Progress 5000000 of 10000000"), total=3)
    assert capsys.readouterr() == ("", "[준비] [1/3] torch\n[준비] [1/3] torch 10 MB 중 50%\n")


# What failed


def cause_of(*arguments):
    """What set-up says of a real failure of this environment's pip."""
    with pytest.raises(SetupError) as caught:
        setup_env.pip_install(Path(sys.executable), "--dry-run", *arguments)
    return str(caught.value)


def test_no_connection(monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    text = cause_of("--index-url", "http://127.0.0.1:9/simple", "--retries", "1", "none-such==1")
    assert text.startswith("ERROR: ") and "인터넷에 연결하지 못했어요" in text


def test_no_package_for_this_python(wheels):
    text = cause_of("pip==0.0.1")
    assert "from versions: " in text and text.endswith(setup_env.NO_PACKAGE)


RETRY = "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by "


@pytest.mark.parametrize(
    "words, meaning",
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "디스크"),
        ("ERROR: Could not install packages due to an OSError: [WinError 112] There is not enough space", "디스크"),
        ("OSError: [Errno 122] Disk quota exceeded: '/home/x'", "디스크"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'", "권한"),
        ("ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied: 'x'", "권한"),
        ("OSError: [Errno 30] Read-only file system: '/x'", "권한"),
        ("[WinError 32] The process cannot access the file", "다른 프로그램"),
        (f"{RETRY}'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))'", "인증서"),
        (f"{RETRY}'NameResolutionError(\"Failed to resolve 'x' ([Errno -2] Name or service not known)\")'", "인터넷"),
        (f"{RETRY}'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 403'))'", "인터넷"),
        (f"{RETRY}'ReadTimeoutError(\"Read timed out. (read timeout=15)\")'\n(from versions: none)", "인터넷"),
        ("pip._vendor.urllib3.exceptions.ProtocolError: ('Connection aborted.', ConnectionResetError(104))", "인터넷"),
        (f"{RETRY}'ReadTimeoutError()'\nERROR: No matching distribution (from versions: 1.0, 2.0)", "맞는 패키지"),
        ("ERROR: No matching distribution found for torch==2.13.0 (from versions: none)", "맞는 패키지"),
        ("ERROR: torch-2-cp311-cp311-win_amd64.whl is not a supported wheel on this platform.", "맞는 패키지"),
        ("ERROR: Package 'x' requires a different Python: 3.15.0 not in '<3.15'", "맞는 패키지"),
        ("error: subprocess-exited-with-error\nERROR: Failed building wheel for x", "맞는 패키지"),
        ("ERROR: something that nobody has seen yet", None),
    ],
)
def test_cause(words, meaning):
    assert (meaning or "없음") in (setup_env.cause(words) or "없음")


def test_failure_tells_what_pip_said(tmp_path):
    error = "ERROR: something that nobody has seen yet"
    python = stand_in(tmp_path, f"echo Collecting torch; echo '{error}'; exit 1")
    with pytest.raises(SetupError) as caught:
        setup_env.pip_install(python)
    assert str(caught.value).startswith(error) and "pip이 남긴 말" in str(caught.value)


def status_of(arguments):
    """The command's exit status."""
    try:
        return setup_env.main(arguments)
    except SystemExit as end:
        return end.code


@pytest.mark.parametrize(
    "arguments, outcome, status, says",
    [
        (["site"], None, 0, ""),
        ([], None, 2, "쓰는 법"),
        (["none"], None, 2, "쓰는 법"),
        (["site"], SetupError("안 돼요"), 1, "안 돼요"),
        (["site"], OSError(errno.ENOSPC, "No space left on device"), 1, "디스크 공간"),
        (["site"], sqlite3.OperationalError("unable to open database file"), 1, "권한"),
        (["site"], OSError(errno.EIO, "Input/output error"), 1, "Input/output error"),
        (["site"], KeyboardInterrupt(), 130, "다시 실행하면"),
    ],
)
def test_exit_status(monkeypatch, capsys, arguments, outcome, status, says):
    def set_up(root, kind):
        if outcome:
            raise outcome
        return Path("환경") / "python"

    monkeypatch.setattr(setup_env, "set_up", set_up)
    assert status_of(arguments) == status
    heard = capsys.readouterr()
    assert says in heard.err
    assert heard.out == ("" if status else json.dumps({"python": str(Path("환경") / "python")}) + "\n")


def test_an_older_python_is_told(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    assert status_of(["test"]) == 1
    assert "3.11" in capsys.readouterr().err


def test_the_lock_may_not_be_written(tmp_path, monkeypatch, capsys):
    (tmp_path / ".cache" / "setup.db").mkdir(parents=True)  # what nobody can write, root neither
    monkeypatch.setattr(setup_env, "ROOT", tmp_path)
    monkeypatch.setattr(setup_env, "ready", lambda root, kind: None)
    assert status_of(["site"]) == 1
    assert "권한" in capsys.readouterr().err


def test_a_traceback_is_not_shown_where_pip_says_what_it_is():
    words = "Processing x\nERROR: [Errno 28] No space left on device\nTraceback (most recent call last):\n  File x"
    assert setup_env.essence(words) == "ERROR: [Errno 28] No space left on device"
    assert setup_env.essence("\n".join(map(str, range(99)))).splitlines()[0] == "84", "else the end"
