"""Write the pages as plain Markdown for any other generator."""

import json
import posixpath
import re

from mundap.pages.collect import pages
from mundap.pages.markers import fill
from mundap.pages.marks import PLAIN
from mundap.problems import Failure

SCRIPTED = re.compile(r"\A---\n(?:(?!---\n).*\n)*?scripts:")  # a page that does nothing without scripts of this site
PAGE_LINK = re.compile(r"\[((?:[^\[\]\\]|\\.)*)\]\(([^)\s?#]+\.md)[^)\s]*\)")
MARKER = ".mundap-export"  # lists what an export wrote, so that the next one takes away that and nothing else


def export(project, folder):
    """Write every page, figure, notebook and snippet below a folder -> number of pages.

    Left out are pages that do nothing without this site's scripts; links to them become plain words.
    Raises Failure, changing nothing, where the folder holds something that an earlier export did not write, or a block
    of code fails.
    """
    docs = project.root / "docs"
    written = _written(folder)
    files = {name: text.encode() for name, text in pages(project, PLAIN).items()}
    left_out = set()
    for path in sorted(docs.rglob("*.md")):
        name, text = path.relative_to(docs).as_posix(), path.read_text(encoding="utf-8")
        if SCRIPTED.match(text):
            left_out.add(name)
        else:
            files[name] = fill(project, text, name, PLAIN).encode()
    for name in [name for name in files if name.endswith(".md")]:
        files[name] = without_links(files[name].decode(), name, left_out).encode()
    for pattern in ("notebooks/*.ipynb", "assets/images/**/*"):
        for path in sorted(docs.glob(pattern)):
            if path.is_file():
                files[path.relative_to(docs).as_posix()] = path.read_bytes()
    for name in written - files.keys():
        (folder / name).unlink(missing_ok=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / MARKER).write_text(json.dumps(sorted(files), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    return sum(name.endswith(".md") for name in files)


def without_links(text, page, gone):
    """Markdown whose links to the pages in `gone` are plain words."""

    def plain(match):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), match[2]))
        return match[1] if target in gone else match[0]

    return PAGE_LINK.sub(plain, text)


def _written(folder):
    """Names of the files that an earlier export wrote there; raises Failure where there are others."""
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
        raise Failure(
            f"`{folder}` 폴더에 다른 파일이 있어요({foreign[0]}{more}). 빈 폴더나 전에 내보낸 폴더를 골라 주세요."
        )
    return written
