"""Files that are none, names that are odd, links that lead out: one message each, at once."""

import os
import subprocess
import sys
import threading
import unicodedata

import pytest
from engine import FILES, make_project, put

from mundap.pages.collect import pages
from mundap.problems import Failure
from mundap.project import new
from mundap.project.check import examine
from mundap.project.files import composed, read_bytes, read_text

posix = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
PIPES = [
    "docs/qa/basics/first.yaml", "docs/qa/basics/stranger.yaml", "docs/glossary.yaml", "docs/index.md", "docs/stranger.md", "docs/blocks/tokens.py",
    "docs/notebooks/measure.ipynb", "docs/notebooks/stranger.ipynb", "snippets/measure.py", "snippets/stranger.py", "schema/thread.json", "docs/assets/images/x.png",
]  # fmt: skip


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "project")


def said(project):
    """What `mundap check` says, in a process of its own that may not hang."""
    done = subprocess.run(
        [sys.executable, "-m", "mundap", "check"], cwd=project, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines()


@posix
def test_pipes_hang_nobody(project):
    for name in PIPES:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).unlink(missing_ok=True)
        os.mkfifo(project / name)
    told = {line.partition(":")[0] for line in said(project)}
    assert told >= {name for name in PIPES if name != "docs/blocks/tokens.py"}


@posix
@pytest.mark.parametrize("name", ["docs/blocks/tokens.py", "docs/glossary.yaml", "docs/index.md", "snippets/helper.py"])
def test_a_pipe_is_told_by_its_name(project, name):
    (project / name).unlink()
    os.mkfifo(project / name)
    assert any(line.startswith(f"{name}:1:1: ") for line in said(project))


def test_links(project, tmp_path):
    put(tmp_path / "secret", "비밀")
    links = {
        "docs/loop": project / "docs",
        "docs/qa/basics/round": project / "docs/qa/basics/round",
        "docs/assets/secret.png": tmp_path / "secret",
        "docs/stranger.md": tmp_path / "secret",
        "snippets/device.py": "/dev/zero",
        "docs/inside.md": project / "docs/index.md",
    }
    for name, target in links.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).symlink_to(target)
    told = {problem.path: problem.what for problem in examine(project)[1] if not problem.minor}
    assert told.pop("docs/loop") == "폴더를 가리키는 링크예요."
    assert told.pop("docs/qa/basics/round") == "따라갈 수 없는 링크예요."
    assert told.pop("docs/assets/secret.png") == told.pop("docs/stranger.md") == "프로젝트 밖을 가리키는 링크예요."
    assert told.pop("snippets/device.py") in ("프로젝트 밖을 가리키는 링크예요.", "파일도 폴더도 아닌 것이 있어요.")
    assert told == {}


@posix
def test_names_that_are_not_utf_8(project):
    try:
        (project / "docs" / os.fsdecode(b"\xff.md")).write_text("글")
    except OSError:
        pytest.skip("no such name on this system")
    assert any("\\udcff.md:1:1: 파일 이름이 UTF-8이 아니에요." in line for line in said(project))


@pytest.mark.parametrize(
    "name", ["tags.md", "glossary.md", "sources.md", "qa/index.md", "figures/a.md", "snippets/a.md", "download/a.md"]
)
def test_pages_that_stand_where_the_engine_makes_one(project, name):
    put(project / "docs" / name, "# 글\n")
    assert [(problem.path, problem.what) for problem in examine(project)[1]] == [
        (f"docs/{name}", "엔진이 만드는 쪽의 자리예요.")
    ]


def test_files_of_a_system_that_spells_hangul_in_pieces(project):
    """As macOS writes them: the same verdicts, tags, terms, anchors and pages."""
    made = pages(examine(project)[0])
    for name, text in FILES.items():
        put(project / name, unicodedata.normalize("NFD", text))
    found, problems = examine(project)
    assert [problem for problem in problems if not problem.minor] == []
    for name, text in pages(found).items():
        if name.endswith(".md"):
            stale = [line for line in text.splitlines() if "이 기록은 지금의 코드보다" in line]
            assert composed("\n".join(line for line in text.splitlines() if line and line not in stale)) == "\n".join(line for line in made[name].splitlines() if line)  # fmt: skip


def test_reading(tmp_path):
    put(tmp_path / "a", b"\xef\xbb\xbf\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab")
    assert read_text(tmp_path / "a") == "한" and len(read_bytes(tmp_path / "a", 4)) == 4
    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "b")


def test_several_commands_at_once_lose_no_line(project):
    names = [f"thread-{number}" for number in range(6)]
    threads = [threading.Thread(target=new.new, args=(project, "basics", name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = (project / "qa_index.yaml").read_text(encoding="utf-8")
    assert all(f"- {name}\n" in text for name in names)
    assert not (project / ".qa_index.yaml.lock").exists()


def test_a_lock_that_stays_is_told(project, monkeypatch):
    monkeypatch.setattr(new, "PATIENCE", 0.1)
    put(project / ".qa_index.yaml.lock", "")
    with pytest.raises(Failure, match=r"`\.qa_index\.yaml\.lock` 파일을 지워 주세요"):
        new.new(project, "basics", "fourth")
    assert (project / ".qa_index.yaml.lock").exists(), "another command's lock is left alone"


def test_names_that_are_too_long_for_a_file(project):
    put(project / "qa_index.yaml", FILES["qa_index.yaml"].replace("- second", f"- {'a' * 300}"))
    assert any("80자까지" in problem.todo for problem in examine(project)[1])
