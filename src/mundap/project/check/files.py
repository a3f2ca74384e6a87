"""Files as such: that none hangs who reads them, goes round in a circle, or stands where a page is made."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mundap.problems import Problem
from mundap.project.model import Project

FOLDERS = ("docs", "snippets", "overrides")
GENERATED = ("glossary.md", "tags.md", "sources.md", "qa", "figures", "download", "snippets")  # below docs/


def odd_files(project: Project) -> Iterator[Problem]:
    """Links to folders, which may go round in a circle, and out of the project; pipes and devices; names not in UTF-8."""
    for name in FOLDERS:
        for folder, folders, files in os.walk(project.root / name):
            for entry in sorted([*folders, *files]):
                if what := _oddity(Path(folder, entry), project.root):
                    path = Path(folder, entry).relative_to(project.root).as_posix()
                    shown = path.encode("utf-8", "backslashreplace").decode()
                    yield Problem(shown, 1, 1, f"{what}.", "지우거나 보통 파일로 바꿔 주세요.")


def _oddity(path: Path, root: Path) -> str | None:
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return "파일 이름이 UTF-8이 아니에요"
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                return "폴더를 가리키는 링크예요"
            if not path.resolve().is_relative_to(root.resolve()):  # the site would hold it
                return "프로젝트 밖을 가리키는 링크예요"
        return _kind(mode)
    except FileNotFoundError:  # gone meanwhile, or a link to nothing, which reading tells
        return None
    except OSError:
        return "따라갈 수 없는 링크예요"


def _kind(mode: int) -> str | None:
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "파일도 폴더도 아닌 것이 있어요"


def hidden_pages(project: Project) -> Iterator[Problem]:
    """Hand-written pages that stand where the engine makes one."""
    for file in project.files.pages:
        below = file.removeprefix("docs/")
        if below.split("/")[0] in GENERATED:
            yield Problem(file, 1, 1, "엔진이 만드는 쪽의 자리예요.", "다른 이름이나 폴더로 옮겨 주세요.")
