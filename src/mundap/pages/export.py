"""Write the pages as plain Markdown for any other generator."""

import json
import posixpath
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from mundap.pages.collect import pages
from mundap.pages.markers import fill
from mundap.pages.marks import PLAIN
from mundap.problems import Failure
from mundap.project.model import Project

SCRIPTED = re.compile(r"\A---\n(?:(?!---\n).*\n)*?kind: lab\n")  # a page that does nothing without scripts of this site
PAGE_LINK = re.compile(r"\[((?:[^\[\]\\]|\\.)*)\]\(([^)\s?#]+\.md)[^)\s]*\)")
MARKER = ".mundap-export"  # lists what an export wrote, so that the next one takes away that and nothing else


def export(project: Project, folder: Path) -> int:
    """Write every page, figure, notebook and snippet below a folder -> number of pages.

    Left out are pages that do nothing without this site's scripts; links to them become plain words.
    Raises Failure, changing nothing, where the folder holds something that an earlier export did not write, or a block
    of code fails.
    """
    earlier, files = written_earlier(folder), exported(project)
    folder.mkdir(parents=True, exist_ok=True)
    _note(folder, earlier | files.keys())  # first: an export that fails half-way can be done again
    for name in earlier - files.keys():
        (folder / name).unlink(missing_ok=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    _note(folder, files.keys())
    return sum(name.endswith(".md") for name in files)


def exported(project: Project) -> dict[str, bytes]:
    """{path below the folder: content} of all that an export holds."""
    docs = project.root / "docs"
    files = {name: text.encode() for name, text in pages(project, PLAIN).items()}
    hand_written = {file.removeprefix("docs/"): text or "" for file, text in project.files.pages.items()}
    scripted = {name for name, text in hand_written.items() if SCRIPTED.match(text)}
    for name in hand_written.keys() - scripted:
        files[name] = fill(project, hand_written[name], name, PLAIN).encode()
    for name in [name for name in files if name.endswith(".md")]:
        files[name] = without_links(files[name].decode(), name, scripted).encode()
    for pattern in ("notebooks/*.ipynb", "assets/images/**/*"):
        for path in docs.glob(pattern):
            if path.is_file():
                files[path.relative_to(docs).as_posix()] = path.read_bytes()
    return dict(sorted(files.items()))


def without_links(text: str, page: str, gone: Collection[str]) -> str:
    """Markdown whose links to the pages in `gone` are plain words."""

    def plain(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), match[2]))
        return match[1] if target in gone else match[0]

    return PAGE_LINK.sub(plain, text)


def written_earlier(folder: Path) -> set[str]:
    """Names of the files that an earlier export wrote there. Raises Failure where there are others."""
    if folder.exists() and not folder.is_dir():
        raise Failure(f"`{folder}`: 폴더가 아니라 파일이에요. 다른 이름을 골라 주세요.")
    try:
        written = set(json.loads((folder / MARKER).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        written = set()
    there = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()
    }
    foreign = sorted(there - written - {MARKER})
    if foreign:
        more = f" 외 {len(foreign) - 1}개" if len(foreign) > 1 else ""
        what = f"`{folder}` 폴더에 다른 파일이 있어요({foreign[0]}{more})."
        raise Failure(f"{what} 빈 폴더나 전에 내보낸 폴더를 골라 주세요.")
    return written


def _note(folder: Path, names: Iterable[str]) -> None:
    """Note which files an export writes."""
    (folder / MARKER).write_text(json.dumps(sorted(names), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
