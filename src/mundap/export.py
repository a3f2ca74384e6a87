"""Write the pages as plain Markdown for any other generator."""

import shutil

from mundap import render
from mundap.problems import Failure

def export(project, folder):
    """Write every page, figure, notebook and snippet below a folder -> number of pages.

    Raises Failure where the folder holds something that an earlier export did not write.
    """
    marker = folder / ".mundap-export"
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise Failure(f"`{folder}`에 다른 파일이 있어요. 빈 폴더를 골라 주세요.")
    if folder.exists():
        shutil.rmtree(folder)
    docs = project.root / "docs"
    texts = render.pages(project, "plain")
    for path in sorted(docs.glob("*.md")):
        name = path.relative_to(docs).as_posix()
        texts[name] = render.to_plain(project, render.fill(project, path.read_text(encoding="utf-8"), name))
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for pattern in ("notebooks/*.ipynb", "assets/images/*"):
        for path in docs.glob(pattern):
            target = folder / path.relative_to(docs)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    marker.write_text("mundap export\n", encoding="utf-8")
    return sum(name.endswith(".md") for name in texts)
