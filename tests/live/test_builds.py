"""Builds that follow the files: what a save is, what it builds, what changed."""

import errno

import pytest
from smallsite import conclude, copy_of_the_site, make_small_site, save

from mundap.live import builds
from mundap.live.builds import Builds, differences, fill
from mundap.problems import Problem
from mundap.site.build import run_mkdocs


@pytest.fixture
def small(tmp_path):
    """A small MkDocs project that has nothing to do with threads."""
    return make_small_site(tmp_path)


def test_update_names_what_changed(small, tmp_path):
    problems = []
    live = Builds(small, tmp_path, lambda root: ("project", problems))
    first = live.update()
    assert first["problems"] == [] and "index.html" in first["pages"]
    (small / "docs" / "index.md").write_text("# 첫 쪽\n\n나중 글\n")
    second = live.update()
    assert (second["pages"], second["assets"], second["version"]) == (["index.html"], False, first["version"] + 1)
    problems.append(Problem("docs/qa/a.yaml", 3, 5, "틀렸어요.", "고쳐 주세요."))
    third = live.update()
    assert third["problems"] == [{"place": "docs/qa/a.yaml:3:5", "what": "틀렸어요.", "todo": "고쳐 주세요."}]
    assert third["version"] == second["version"] and "나중 글" in (live.pages / "index.html").read_text()
    problems[:] = [Problem("docs/qa/a.yaml", 3, 5, "낡았어요.", "다시 돌려 주세요.", minor=True)]
    (small / "docs" / "index.md").write_text("[없는 곳](none.md)\n")
    assert "none.md" in live.update()["problems"][0]["what"]
    assert "나중 글" in (live.pages / "index.html").read_text()


def test_update_survives_a_fault_of_its_own(small, tmp_path, capsys):
    live = Builds(small, tmp_path, lambda root: 1 / 0)
    assert "ZeroDivisionError" in live.update()["problems"][0]["what"]
    assert "Traceback" in capsys.readouterr().err, "the terminal says where"


def test_a_full_disk_is_told(small, tmp_path, monkeypatch, capsys):
    live = Builds(small, tmp_path, lambda root: ("project", []))
    live.update()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/x")

    monkeypatch.setattr(builds, "run_mkdocs", full)
    [problem] = live.update()["problems"]
    assert "디스크가 가득 찼어요" in problem["what"] and "남은 공간" in problem["todo"]
    assert live.pages.is_dir(), "the last good pages stay"
    assert capsys.readouterr().err == "", "it is no fault of ours"


def test_the_project_that_was_checked_is_the_one_that_is_built(small, tmp_path, monkeypatch):
    """It is read once for a save, not twice."""
    project, given = object(), []
    live = Builds(small, tmp_path, lambda root: (project, []))
    monkeypatch.setattr(builds, "run_mkdocs", lambda root, out, url, options, *_: given.append(options) or out.mkdir())
    live.update()
    assert given[0]["mundap"]["project"] is project


def test_what_a_save_builds_is_what_a_whole_build_makes(root, tmp_path):
    project = copy_of_the_site(root, tmp_path)
    live = Builds(project, tmp_path, url="http://127.0.0.1:8000/")
    assert live.update()["problems"] == []
    thread = sorted((project / "docs" / "qa").glob("*/*.yaml"))[0]
    text = thread.read_text(encoding="utf-8")
    save(thread, conclude(text, "저장한"))
    page = f"qa/{thread.parent.name}/{thread.stem}/index.html"
    state = live.update([thread.relative_to(project).as_posix()])
    assert page in state["pages"]
    quick = live.pages
    run_mkdocs(project, tmp_path / "whole", "http://127.0.0.1:8000/", {"mundap": {"search": False}})
    assert {name for name in differences(quick, tmp_path / "whole") if name.endswith(".html")} <= {"index.html"}
    assert "저장한" in (quick / page).read_text(encoding="utf-8")


def test_a_folder_is_filled_with_what_it_lacks(tmp_path, monkeypatch):
    """By links, and by copies where the file system has none."""
    old, new, other = tmp_path / "old", tmp_path / "new", tmp_path / "other"
    (old / "deep").mkdir(parents=True)
    (old / "deep" / "a.txt").write_text("a")
    (old / "b.txt").write_text("old")
    new.mkdir()
    (new / "b.txt").write_text("new")
    fill(new, old)
    assert (new / "deep" / "a.txt").samefile(old / "deep" / "a.txt")
    assert (new / "b.txt").read_text() == "new"

    def refuse(*_):
        raise OSError

    monkeypatch.setattr(builds.os, "link", refuse)
    fill(other, old)
    assert differences(other, old) == [] and not (other / "b.txt").samefile(old / "b.txt")


@pytest.mark.parametrize(
    "name, thread",
    [
        ("docs/qa/one/two.yaml", True),
        ("docs/qa/two.yaml", False),
        ("docs/qa/one/two/three.yaml", False),
        ("docs/glossary.yaml", False),
        ("docs/qa/one/two.md", False),
        ("qa_index.yaml", False),
    ],
)
def test_what_a_quick_build_can_show(name, thread):
    assert builds.is_thread(name) is thread
