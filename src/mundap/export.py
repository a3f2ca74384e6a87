"""Write the pages as plain Markdown for any other generator."""

import json

from mundap import render
from mundap.problems import Failure

MARKER = ".mundap-export"  # lists what an export wrote, so that the next one takes away that and nothing else


def export(project, folder):
    """Write every page, figure, notebook and snippet below a folder -> number of pages.

    Raises Failure, changing nothing, where the folder holds something that an earlier export did not write, or a block
    of code fails.
    """
    docs = project.root / "docs"
    written = _written(folder)
    files = {name: text.encode() for name, text in render.pages(project, "plain").items()}
    for path in sorted(docs.rglob("*.md")):
        name = path.relative_to(docs).as_posix()
        files[name] = render.to_plain(project, render.fill(project, path.read_text(encoding="utf-8"), name)).encode()
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


def _written(folder):
    """Names of the files that an earlier export wrote there; raises Failure where there are others."""
    if folder.exists() and not folder.is_dir():
        raise Failure(f"`{folder}`: 폴더가 아니라 파일이에요. 다른 이름을 골라 주세요.")
    try:
        written = set(json.loads((folder / MARKER).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        written = set()
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*")
             if not path.is_dir() or path.is_symlink()}
    foreign = sorted(there - written - {MARKER})
    if foreign:
        more = f" 외 {len(foreign) - 1}개" if len(foreign) > 1 else ""
        raise Failure(f"`{folder}` 폴더에 다른 파일이 있어요({foreign[0]}{more}). 빈 폴더나 전에 내보낸 폴더를 골라 주세요.")
    return written
