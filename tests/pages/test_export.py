import posixpath
import re
from pathlib import Path

import pytest
from engine import FILES, make_project, put, snapshot
from pages import anchors, links

from mundap.cli import main
from mundap.pages.collect import pages
from mundap.pages.export import export
from mundap.project.check import examine


@pytest.fixture
def project(tmp_path, monkeypatch):
    make_project(tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def test_export(project, tmp_path, capsys):
    put(project / "docs" / "assets" / "images" / "a.png", b"\x89PNG")
    assert main(["export", "../out"]) == 0
    assert capsys.readouterr().out == "../out에 10쪽을 썼어요.\n"
    there = snapshot(tmp_path / "out")
    assert set(there) - {".mundap-export"} == {
        *pages(examine(project)[0]),
        "index.md",
        "notebooks/count.ipynb",
        "notebooks/measure.ipynb",
        "assets/images/a.png",
    }
    assert there["notebooks/count.ipynb"] == (project / "docs/notebooks/count.ipynb").read_bytes()
    home = there["index.md"].decode()
    assert "지금까지 주장 <strong>5</strong>개" in home and "<!-- mundap" not in home


def check_links(folder):
    """Every relative link of the exported Markdown leads to an exported file, and every anchor to a place in it."""
    pages = {name: data.decode() for name, data in snapshot(folder).items() if name.endswith(".md")}
    for path, text in pages.items():
        for target, anchor in links(text):
            whole = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else path
            assert (folder / whole).is_file(), f"{path}: {target}"
            if anchor and whole in pages:
                headings = [
                    re.sub(r"[^\w]+", "-", title.lower()).strip("-")
                    for title in re.findall(r"(?m)^#+ (.+)$", pages[whole])
                ]
                assert anchor in anchors(pages[whole]) + headings, f"{path}: {target}#{anchor}"
    return pages


def test_links_of_the_export(project, tmp_path):
    export(examine(project)[0], tmp_path / "out")
    assert len(check_links(tmp_path / "out")) == 10


def test_second_export_takes_away_what_is_no_longer_made(project, tmp_path):
    out = tmp_path / "out"
    export(examine(project)[0], out)
    put(project / "docs/qa/more/fourth.yaml", FILES["docs/qa/more/third.yaml"].replace("id: third", "id: fourth"))
    put(project / "qa_index.yaml", FILES["qa_index.yaml"].replace("      - third\n", "      - fourth\n"))
    (project / "docs/qa/more/third.yaml").unlink()
    export(examine(project)[0], out)
    assert (out / "qa/more/fourth.md").is_file() and not (out / "qa/more/third.md").exists()
    before = snapshot(out)
    export(examine(project)[0], out)
    assert snapshot(out) == before


@pytest.mark.parametrize("name", ["mine.txt", "qa/more/mine.md", ".git/config"])
@pytest.mark.parametrize("exported", [False, True])
def test_folder_with_other_files_is_left_alone(project, tmp_path, capsys, name, exported):
    if exported:
        assert main(["export", str(tmp_path / "out")]) == 0
    put(tmp_path / "out" / name, "mine")
    before = snapshot(tmp_path / "out")
    assert main(["export", str(tmp_path / "out")]) == 1
    assert f"폴더에 다른 파일이 있어요({name})" in capsys.readouterr().err
    assert snapshot(tmp_path / "out") == before


@pytest.mark.parametrize("folder", [".", "..", "docs", "qa_index.yaml"])
def test_places_that_are_taken(project, folder, capsys):
    before = snapshot(project)
    assert main(["export", folder]) == 1
    assert snapshot(project) == before and "Traceback" not in capsys.readouterr().err


def test_failed_block_changes_nothing(project, tmp_path, capsys):
    assert main(["export", "../out"]) == 0
    before = snapshot(tmp_path / "out")
    put(project / "docs/blocks/tokens.py", "1 / 0\n")
    assert main(["export", "../out"]) == 1
    assert "docs/blocks/tokens.py:1:1: 블록이 오류로 멈췄어요" in capsys.readouterr().err
    assert snapshot(tmp_path / "out") == before


def test_mistakes_are_told_and_old_records_are_used(project, tmp_path, capsys):
    put(project / "snippets/helper.py", FILES["snippets/helper.py"].replace("x / 2", "0.5 * x"))
    assert main(["export", "../out"]) == 0
    assert "실행 기록이 낡았어요" in capsys.readouterr().err
    put(project / "qa_index.yaml", FILES["qa_index.yaml"].replace("- second", "- secnod"))
    assert main(["export", "../other"]) == 1
    err = capsys.readouterr().err
    assert "qa_index.yaml:8:9: `docs/qa/basics/secnod.yaml` 파일이 없어요." in err and "고칠 곳이" in err
    assert not (tmp_path / "other").exists()


def test_pages_that_need_the_site_s_scripts_are_left_out(project, tmp_path):
    put(project / "docs/lab.md", "---\ntitle: 실험실\nkind: lab\nscripts: [lab.js]\n---\n\n# 실험실\n")
    put(project / "docs/table.md", "---\ntitle: 표\nscripts: [table.js]\n---\n\n# 표\n")
    text = "# 쪽\n\n[실험실](lab.md?a=1&b=2)과 [지도](qa/index.md), [밖](https://lab.md)\n"
    put(project / "docs/plain.md", f"---\ntitle: lab\n---\n\nkind: lab\n{text}")
    assert main(["export", "../out"]) == 0
    assert not (tmp_path / "out/lab.md").exists()
    assert (tmp_path / "out/table.md").exists(), "which is read without its script, too"
    assert (tmp_path / "out/plain.md").read_text().endswith("실험실과 [지도](qa/index.md), [밖](https://lab.md)\n")


def test_real_project_exports_the_pages_that_the_site_has(root, site, tmp_path):
    found, problems = examine(root)
    assert [problem for problem in problems if not problem.minor] == []
    export(found, tmp_path / "out")
    pages = check_links(tmp_path / "out")
    built = {
        path.relative_to(site).parent.as_posix()
        for path in Path(site).rglob("index.html")
        if "<article" in path.read_text(encoding="utf-8")  # not one that only leads on
    }
    exported = {re.sub(r"(^|/)index$", "", name.removesuffix(".md")) or "." for name in pages}
    notebooks = {f"notebooks/{name}" for name in found.records}
    assert exported | notebooks | {"lab", "photo-lab"} == built, "what needs the site's own scripts is left out"
    for name, text in pages.items():
        prose = re.sub(r"(?ms)^(`{3,}).*?^\1$|`[^`\n]+`", "", text)
        assert not re.search(r'markdown="1"|\{#|<!-- mundap|\)\{[.:]', prose), name
        assert "{{" not in re.sub(r"\$[^$]+\$", "", prose), name
