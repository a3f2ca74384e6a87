"""The notebook that a reader downloads: a record, and before it all that it needs to run in an empty folder."""

import base64
import functools
import hashlib
import json
import re
import sys
import unicodedata
import zlib

from mundap.project.snippets import all_needs

BRANCH = "gh-pages"  # holds the built site, as Colab opens only what is in a repository
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "yaml": "PyYAML",
}  # where pip's name is not the module's
IN_EVERY_KERNEL = {"IPython", "ipykernel"}
CONTROL = {"Cc", "Cf", "Cn", "Co", "Zl", "Zp"}  # characters that no one sees: CR, BOM, marks that turn lines around
HIDDEN = {"cellView": "form", "jupyter": {"source_hidden": True}}  # for Colab and for Jupyter
FOLDER = """\
import sys
from pathlib import Path

FOLDER = Path("mundap").absolute()  # 함께 쓰는 파일을 여기에 두고, import도 여기서 먼저 찾아요
FOLDER.mkdir(exist_ok=True)
sys.path.insert(0, str(FOLDER))"""
UNPACK = """\
    data = zlib.decompress(base64.b64decode(text))
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"{name}: 자료가 상했어요. 노트북을 다시 내려받아 주세요.")
    (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_bytes(data)"""


def path(name):
    """Where the notebook of a snippet is below docs/, and in the site."""
    return f"download/{name}.ipynb"


def colab_url(repository, name):
    """Where Colab opens the notebook. Raises ValueError unless repository is OWNER/NAME of GitHub."""
    if not isinstance(repository, str) or not REPOSITORY.fullmatch(repository):
        raise ValueError(f"`{repository}`: GitHub 저장소를 `소유자/이름`으로 적어 주세요")
    return f"https://colab.research.google.com/github/{repository}/blob/{BRANCH}/{path(name)}"


def of_project(project, name):
    """The notebook of a snippet that has a record, as the text of its file."""
    snippets, own = project.snippets, project.snippets[name]
    needs = all_needs(snippets, name)
    files = [*(snippets[other].file for other in needs.imports), *needs.data]
    return make(
        name,
        project.records[name].path.read_text(encoding="utf-8"),
        tuple(distributions(needs.modules)),
        tuple((file, (own.path.parent / file).read_bytes()) for file in files),
    )


@functools.lru_cache(maxsize=128)  # of the live server's builds most change none
def make(name, record, packages, files):
    """The text of a notebook that stands alone: the same for the same input.

    record: text of an executed notebook; packages: what pip has to install for it; files: ((name, bytes), ...) of what
    it needs beside it, Python files first.
    """
    notebook = json.loads(record)
    code = [(file, content) for file, content in files if file.endswith(".py")]
    data = [(file, content) for file, content in files if not file.endswith(".py")]
    versions = notebook["metadata"].pop("mundap", {}).get("versions", {})
    cells = [
        {
            "cell_type": "markdown",
            "id": "about",
            "metadata": {},
            "source": about(name, packages, [file for file, _ in files], versions),
        }
    ]
    setup = [f"%pip install -q {' '.join(packages)}"] if packages else []
    setup += [FOLDER] if files else []
    if setup:
        cells.append(code_cell("setup", "\n\n".join(setup)))
    for number, (file, content) in enumerate(code):
        cells.append(code_cell(f"code-{number}", write_cell(file, content), HIDDEN))
    if data:
        cells.append(code_cell("data", data_cell(data), HIDDEN))
    notebook["cells"] = cells + notebook["cells"]
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"


def distributions(modules):
    """What pip has to install for these modules, sorted."""
    found = set(modules) - sys.stdlib_module_names - IN_EVERY_KERNEL
    return sorted({DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in found}, key=str.lower)


def about(name, packages, files, versions):
    """What the notebook is and needs, in Markdown."""
    lines = [
        f"**문답의 스니펫 `{name}.py`를 돌린 기록이에요.** 이 파일 하나만 있으면 빈 폴더에서도 돌아가요. "
        "위에서부터 차례로 실행해 보세요.",
        "",
    ]
    if packages:
        lines.append(
            f"- 필요한 꾸러미: {', '.join(packages)}. 아래 셀이 없는 것만 설치하고, 이미 있는 것은 그대로 둬요."
        )
    if files:
        names = ", ".join(f"`{file}`" for file in files)
        lines.append(f"- 함께 쓰는 파일: {names}. 접어 둔 셀이 `mundap` 폴더에 만들어요.")
    used = {"python": "Python", **{package: package for package in packages}}
    shown = ", ".join(f"{label} {versions[key]}" for key, label in used.items() if key in versions)
    lines.append(
        f"- 셀 아래에 있는 출력은 기록할 때의 것이에요{f'({shown})' if shown else ''}. "
        "다시 실행하면 조금 달라질 수 있어요."
    )
    return "\n".join(lines)


def code_cell(identifier, source, metadata=None):
    """A code cell that has not been run."""
    return {
        "cell_type": "code",
        "id": identifier,
        "metadata": metadata or {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def write_cell(name, content):
    """The source of a cell that writes a Python file, byte for byte, and that people can read."""
    folder = name.rpartition("/")[0]
    make_folder = f"(FOLDER / {quoted(folder)}).mkdir(parents=True, exist_ok=True)\n" if folder else ""
    write = f"(FOLDER / {quoted(name)}).write_bytes({literal(content.decode())}.encode());"
    return f"#@title 함께 쓰는 코드: {name}\n{make_folder}{write}"


def literal(text):
    """A text as Python code: as it stands, if neither Python nor an editor nor IPython would change it there.

    Not %%writefile: IPython takes `>>>` away from the lines of a cell and ends its last line, and Colab wants a title
    as the first line of a cell that it folds.
    """
    hidden = [char for char in text if unicodedata.category(char) in CONTROL and char not in "\n\t"]
    prompt = re.search(r"^\s*>>>", text, re.M)  # IPython takes it away in some strings too
    if not hidden and not prompt and "'''" not in text and text.endswith("\n"):
        return f"r'''{text}'''"
    lines = re.findall(r"[^\n]*\n|[^\n]+", text) or [""]
    return "\n".join(["(", *(f"    {line!r}" for line in lines), ")"])


def quoted(text):
    """A text as a Python literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def data_cell(files):
    """The source of a cell that writes data files and tells where one was damaged on its way."""
    parts = [
        f'({quoted(name)}, {quoted(hashlib.sha256(content).hexdigest())}, """\n{packed(content)}\n"""),'
        for name, content in files
    ]
    return "\n".join(
        [
            f"#@title 함께 쓰는 자료: {', '.join(name for name, _ in files)}",
            "import base64",
            "import hashlib",
            "import zlib",
            "",
            "for name, digest, text in [",
            *parts,
            "]:",
            UNPACK,
        ]
    )


@functools.lru_cache(maxsize=32)
def packed(content):
    """Bytes as compressed base64, in lines that an editor can hold."""
    text = base64.b64encode(zlib.compress(content, 9)).decode()
    return "\n".join(text[start : start + 120] for start in range(0, len(text), 120))
