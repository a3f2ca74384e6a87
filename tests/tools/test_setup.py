"""The set-up script: what is missing, cut short, changed or already there."""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import lock
import pytest
import setup_env
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from setup_env import STAMP, UNFINISHED, SetupError


@pytest.fixture
def project(tmp_path):
    """A project to set up, at a path with spaces."""
    root = tmp_path / "내 공부 방"
    (root / "requirements").mkdir(parents=True)
    (root / "requirements" / "site.txt").write_text("# pins\nalpha==1.0\nbeta==2.0\n")
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    return root


@pytest.fixture
def installs(monkeypatch):
    """The calls of pip install, which here do nothing; what stands for pip answers to `--version`."""
    calls = []

    def make_venv(env, python):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", env], check=True)
        [packages] = (env / "lib").glob("python*/site-packages")
        (packages / "pip").mkdir()
        (packages / "pip" / "__main__.py").write_text("print('pip')\n")

    monkeypatch.setattr(setup_env, "make_venv", make_venv)
    monkeypatch.setattr(setup_env, "pip_install", lambda python, *arguments, total=0: calls.append(arguments))
    return calls


def requirements_installed(calls):
    return [call for call in calls if "-r" in call]


def test_first_call_makes_it_and_the_second_starts_at_once(project, installs, monkeypatch, capsys):
    python = setup_env.set_up(project, "site")
    assert python == project / ".venv-site" / "bin" / "python" and python.exists()
    assert (python.parents[1] / STAMP).read_text() == setup_env.digest(project, "site")
    assert requirements_installed(installs) == [("--progress-bar", "raw", "-r", project / "requirements" / "site.txt")]
    assert installs[-1][-2:] == ("--editable", project)
    assert "패키지 2개" in capsys.readouterr().out

    def refuse(*arguments, **options):
        raise AssertionError("a second call starts no process")

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    start = time.perf_counter()
    assert setup_env.set_up(project, "site") == python
    assert time.perf_counter() - start < 0.1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["requirements/site.txt", "pyproject.toml"])
def test_a_change_of_the_pins_installs_into_what_is_there(project, installs, name):
    python = setup_env.set_up(project, "site")
    kept = python.parents[1] / "kept"
    kept.touch()
    with open(project / name, "a") as file:
        file.write("# changed\n")
    setup_env.set_up(project, "site")
    assert kept.exists() and len(requirements_installed(installs)) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SetupError, OSError])
def test_what_was_cut_short_is_made_anew(project, installs, monkeypatch, error):
    def cut(python, *arguments, total=0):
        (python.parents[1] / "half").touch()
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(setup_env, "pip_install", cut)
        with pytest.raises(error):
            setup_env.set_up(project, "site")
    half = project / ".venv-site" / "half"
    assert half.exists() and (project / ".venv-site" / STAMP).read_text() == UNFINISHED
    setup_env.set_up(project, "site")
    assert not half.exists() and (project / ".venv-site" / STAMP).read_text() == setup_env.digest(project, "site")


def test_a_kill_while_it_installs(project, installs):
    """A process that is killed runs no cleaning up: the stamp has to have been there before."""
    code = f"""
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(Path(setup_env.__file__).parent)!r})
import setup_env
setup_env.make_venv = lambda env, python: None
setup_env.pip_install = lambda *arguments, **options: os.kill(os.getpid(), signal.SIGKILL)
setup_env.set_up(Path({str(project)!r}), "site")
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert (project / ".venv-site" / STAMP).read_text() == UNFINISHED
    assert setup_env.set_up(project, "site").exists(), "the lock went with the process"


def test_an_environment_made_by_hand_is_kept(project, installs):
    env = project / ".venv-site"
    setup_env.make_venv(env, env / "bin" / "python")
    (env / "mine").touch()
    setup_env.set_up(project, "site")
    assert (env / "mine").exists() and requirements_installed(installs)


def test_an_environment_whose_python_is_gone(project, installs):
    python = setup_env.set_up(project, "site")
    (python.parents[1] / "old").touch()
    for path in python.parent.glob("python*"):
        path.unlink()
    setup_env.set_up(project, "site")
    assert python.exists() and not (python.parents[1] / "old").exists()


def test_a_moved_clone_is_set_up_again(project, installs):
    setup_env.set_up(project, "site")
    moved = project.rename(project.with_name("다른 방"))
    setup_env.set_up(moved, "site")
    assert len(requirements_installed(installs)) == 2


def test_two_first_calls_take_turns(project, installs, monkeypatch, capsys):
    entered, release = threading.Event(), threading.Event()
    record = setup_env.pip_install

    def slow(python, *arguments, total=0):
        entered.set()
        release.wait(10)
        record(python, *arguments, total=total)

    monkeypatch.setattr(setup_env, "pip_install", slow)
    threads = [threading.Thread(target=setup_env.set_up, args=[project, "site"]) for _ in range(2)]
    threads[0].start()
    assert entered.wait(10)
    threads[1].start()
    deadline = time.monotonic() + 10
    while "다른 터미널" not in (said := capsys.readouterr().out) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "다른 터미널" in said
    release.set()
    for thread in threads:
        thread.join(20)
    assert len(requirements_installed(installs)) == 1


# Making an environment where Python comes without ensurepip, as Debian's does


@pytest.fixture
def no_ensurepip(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else real(name))
    asked = []
    monkeypatch.setattr(setup_env, "apt_install", lambda *packages: asked.append(packages))
    return asked


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """This environment's pip as a wheel, at the address that the script fetches pip from."""
    distribution = importlib.metadata.distribution("pip")
    path = tmp_path / f"pip-{distribution.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in distribution.files:
            if not file.as_posix().startswith("..") and file.suffix != ".pyc":
                archive.write(distribution.locate_file(file), file.as_posix())
    monkeypatch.setattr(setup_env, "PIP_WHEEL", path.as_uri())
    monkeypatch.setattr(setup_env, "PIP_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def test_pip_comes_from_its_wheel(tmp_path, no_ensurepip, wheel):
    env = tmp_path / "빈 환경"
    python = env / "bin" / "python"
    env.mkdir()
    setup_env.make_venv(env, python)
    answer = subprocess.run([python, "-I", "-m", "pip", "--version"], capture_output=True, text=True, check=True).stdout
    assert str(env) in answer
    assert no_ensurepip == [], "nothing of the system is touched"


def test_a_changed_wheel_is_refused(tmp_path, no_ensurepip, wheel, monkeypatch):
    monkeypatch.setattr(setup_env, "PIP_SHA256", "0" * 64)
    env = tmp_path / "env"
    env.mkdir()
    with pytest.raises(SetupError, match="알려진 것과 달라"):
        setup_env.make_venv(env, env / "bin" / "python")
    assert not list(env.glob("*.whl"))


def test_without_a_connection_it_asks_debian_and_then_the_user(tmp_path, no_ensurepip, monkeypatch, capsys):
    monkeypatch.setattr(setup_env, "PIP_WHEEL", (tmp_path / "none.whl").as_uri())
    env = tmp_path / "env"
    with pytest.raises(SetupError, match="sudo apt-get install python3-venv"):
        setup_env.make_venv(env, env / "bin" / "python")
    assert no_ensurepip == [("python3-venv",)]
    assert "pip을 내려받지 못했어요" in capsys.readouterr().out


def test_python_without_venv(tmp_path, no_ensurepip, monkeypatch):
    """Debian's python3-minimal: only the package helps."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError):
        setup_env.make_venv(tmp_path / "env", tmp_path / "env" / "bin" / "python")
    assert no_ensurepip == [("python3-venv",)]


@pytest.mark.parametrize("user, sudo, prefix", [(0, False, []), (1000, True, ["sudo", "-n"]), (1000, False, None)])
def test_apt_only_where_it_takes_no_password(monkeypatch, user, sudo, prefix):
    ran = []

    def succeeds(*command):
        ran.append(list(command))
        return command[:2] != ("sudo", "-n") or sudo

    monkeypatch.setattr(setup_env.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(setup_env, "succeeds", succeeds)
    assert setup_env.apt_install("chromium") is (prefix is not None)
    apt = [command for command in ran if "apt-get" in command]
    if prefix is None:
        assert apt == []
    else:
        assert all(command[: len(prefix)] == prefix for command in apt)
        assert apt[0][-1] == "update" and apt[1][-1] == "chromium" and "-y" in apt[1]


def test_no_apt_elsewhere(monkeypatch):
    monkeypatch.setattr(setup_env.shutil, "which", lambda name: None)
    assert setup_env.apt_install("chromium") is False


# The browser


CHROMIUM, DRIVER = "apt chromium fonts-nanum", "apt libatomic1"


@pytest.mark.parametrize(
    "found, drives, apt, playwright, steps",
    [
        ([True], [True], False, [], []),
        ([False, True], [True], True, [], [CHROMIUM]),
        (
            [True, True],
            [False, True],
            True,
            [],
            [DRIVER],
        ),  # Debian's smallest system lacks what Playwright's node needs
        ([False, True], [False, True], True, [], [f"{CHROMIUM} libatomic1"]),
        ([False], [True], False, ["install", "launch"], [CHROMIUM, "install", "launch"]),
        ([False], [True], False, ["install"], [CHROMIUM, "install", "launch", "error"]),  # its libraries are missing
        ([False], [True], False, [], [CHROMIUM, "install", "error"]),
    ],
)
def test_browser(monkeypatch, found, drives, apt, playwright, steps):
    done, answers, driving = [], iter(found), iter(drives)
    monkeypatch.setattr(setup_env, "find_browser", lambda: "/usr/bin/chromium" if next(answers) else None)
    monkeypatch.setattr(setup_env, "apt_install", lambda *packages: done.append(" ".join(["apt", *packages])) or apt)

    def succeeds(python, *arguments):
        if arguments[-1].endswith("pass"):
            return next(driving)
        step = "launch" if "-c" in arguments else "install"
        done.append(step)
        return step in playwright

    monkeypatch.setattr(setup_env, "succeeds", succeeds)
    try:
        setup_env.set_up_browser(Path("python"))
    except SetupError:
        done.append("error")
    assert done == steps


# What pip says


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
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    setup_env.pip_install(python, "-r", "x", total=3)
    said = capsys.readouterr().out
    assert "[1/3] torch 200 MB 중 50%" in said and "풀고 있어요" in said
    assert said.endswith("\r"), "the line is left empty"


def test_quiet_in_a_log(tmp_path, capsys):
    setup_env.pip_install(stand_in(tmp_path, "echo Collecting torch; echo Progress 1 of 2"), total=3)
    assert capsys.readouterr().out == ""


def test_failure_tells_what_pip_said(tmp_path):
    error = "ERROR: No matching distribution found for torch==0"
    python = stand_in(tmp_path, f"echo Collecting torch; echo '{error}'; exit 1")
    with pytest.raises(SetupError) as caught:
        setup_env.pip_install(python)
    assert str(caught.value).startswith(error) and "다시 실행해 주세요" in str(caught.value)


@pytest.mark.parametrize(
    "arguments, outcome, status, says",
    [
        (["site"], None, 0, ""),
        ([], None, 2, "쓰는 법"),
        (["none"], None, 2, "쓰는 법"),
        (["site"], SetupError("안 돼요"), 1, "안 돼요"),
        (["site"], KeyboardInterrupt(), 130, "다시 실행하면"),
    ],
)
def test_exit_status(monkeypatch, capsys, arguments, outcome, status, says):
    def set_up(root, kind):
        if outcome:
            raise outcome

    monkeypatch.setattr(setup_env, "set_up", set_up)
    assert setup_env.main(arguments) == status
    assert says in capsys.readouterr().err


def test_an_older_python_is_told(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    assert setup_env.main(["test"]) == 1
    assert "3.11" in capsys.readouterr().err


# The pins


def pins(root, name):
    text = (root / "requirements" / f"{name}.txt").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*", line) for line in lines)
    return dict(line.split("==") for line in lines)


def test_pins(root):
    site, everything = pins(root, "site"), pins(root, "test")
    assert site.items() <= everything.items(), "both environments have the same versions"
    assert "torch" in everything and "torch" not in site


def test_every_requirement_is_pinned(root):
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for extra in ("site", "test"):
        names = {re.split(r"[\[<>=!~ ]", line)[0].lower().replace("_", "-") for line in lock.wanted(project, extra)}
        assert names <= pins(root, extra).keys(), "run `make lock`"


def test_pins_run_on_debian_12(root):
    """Its Python is 3.11.2, and some packages ask for a later 3.11."""
    for name, version in pins(root, "test").items():
        metadata = importlib.metadata.metadata(name)
        assert metadata["Version"].split("+")[0] == version, f"{name}: this environment is not the pinned one"
        assert Version(lock.OLDEST) in SpecifierSet(metadata["Requires-Python"] or ""), name


def test_ci_is_make_test(root):
    script = root / ".ci" / "run"
    assert os.access(script, os.X_OK) and script.read_text().rstrip().endswith("make test")
