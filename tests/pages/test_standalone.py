"""The notebooks that readers download: whole, the same each time, and run in an empty folder with nothing beside them.

Every notebook writes its files here, as a reader would run it, and all that it imports and defines is tried; three run
to their end. test_runs runs all of them as scripts.
"""

import ast
import json
import os
import random
import re
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from engine import make_project, put, snapshot
from IPython.core.inputtransformer2 import TransformerManager
from mkdocs.config import load_config
from mkdocs_jupyter.convert import nb2html
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from runs import LIMIT, disagreement, environment, own_project

from mundap.pages import standalone
from mundap.problems import Failure
from mundap.project import snippets
from mundap.project.check import examine
from mundap.running.record import read_evidence
from mundap.site import build

PROJECT, _ = own_project()
REPOSITORY = "someone/some.where"
TRAPS = {
    "plain": "X = 1\n",
    "empty": "",
    "no line at the end": "X = 1",
    "many lines at the end": "X = 1\n\n\n",
    "CRLF": "X = 1\r\nY = '''\r\n'''\r\n",
    "lone CR": "X = 1\n# a\rb\n",
    "BOM": "\ufeffX = 1\n",
    "single triple quotes": "X = '''\n'''\n",
    "double triple quotes": '"""A module\'s text."""\nX = """\n"""\n',
    "both triple quotes": "X = '''\n'''\nY = \"\"\"\n\"\"\"\n",
    "quotes at the end": "X = ''",
    "quote before the end": "X = ''\n",
    "backslashes": "X = '\\n\\\\'\nY = r'\\'\\\n'\n",
    "backslash at the end": "X = 1\\\n",
    "only a backslash": "\\",
    "cell magic": "%%writefile x.py\n",
    "line magic": "%matplotlib inline\n!ls\n?print\nprint?\nX = !ls\n%%bash\n",
    "prompts": ">>> f(1)\n... 2\nIn [1]: 3\nOut[1]: 3\n",
    "doctest": 'def f():\n    """Text.\n\n    >>> f()\n    ... + 1\n    """\n',
    "ellipsis first": "...\n... \n",
    "indented first": "    X = 1\n",
    "Korean and others": "X = '한글 ✓ 𝑥 é e\u0301'\n",
    "invisible": "X = '\u200b\u202e\u2028\x0c\x00\x7f\x85'\n",
    "braces": "X = f'{X!r:{Y}}' + '%s {name}'\n",
    "jinja and HTML": "X = '{{ x }} </script> <!-- mundap:path -->'\n",
}


def cells(name, folder):
    """The cells of the notebook of a snippet of the engine's small project -> {id: cell}."""
    project, problems = examine(folder)
    assert not [problem for problem in problems if problem.path.startswith("snippets/") and not problem.minor]
    made = json.loads(standalone.of_project(project, name))
    return {cell["id"]: cell for cell in made["cells"]}


def execute(source, names):
    """Run the source of a cell as IPython would."""
    exec(compile(TransformerManager().transform_cell(source), "cell", "exec"), names)


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "project")


# Texts as cells


@pytest.mark.parametrize("text", TRAPS.values(), ids=TRAPS.keys())
def test_file_is_written_byte_for_byte(text, tmp_path):
    execute(standalone.write_cell("sibling.py", text.encode()), {"FOLDER": tmp_path})
    assert (tmp_path / "sibling.py").read_bytes() == text.encode()


def test_files_of_all_kinds_are_written_byte_for_byte(tmp_path):
    chance = random.Random(0)
    pieces = [
        "'",
        "'''",
        '"',
        '"""',
        "\\",
        "\n",
        "\r",
        "\r\n",
        "%",
        "%%x",
        "!",
        "?",
        ">>> ",
        "... ",
        "#",
        " ",
        "\t",
        "x = 1",
        "한",
        "\x00",
        "\u2028",
        "{",
        "}",
        "In [1]: ",
        "r'''",
        "\\N{DASH}",
    ]
    for _ in range(1500):
        text = "".join(chance.choices(pieces, k=chance.randrange(12)))
        execute(standalone.write_cell("sibling.py", text.encode()), {"FOLDER": tmp_path})
        assert (tmp_path / "sibling.py").read_bytes() == text.encode(), text


def test_ordinary_code_can_be_read_as_it_stands():
    """What survives everything, a literal for each line, is for what needs it."""
    for name in ("lib.figure", "vit", "train_vit"):
        snippet = PROJECT.snippets[name]
        content = snippet.path.read_bytes()
        assert content.decode() in standalone.write_cell(snippet.file, content), name
    assert standalone.write_cell("a.py", "X = 'Y 한글'\r\n".encode()).splitlines()[1:] == [
        '(FOLDER / "a.py").write_bytes((',
        r"""    "X = 'Y 한글'\r\n" """.rstrip(),
        ").encode());",
    ]


def test_data_survives_and_damage_is_told(tmp_path):
    files = [("weights.bin", random.Random(0).randbytes(50_000)), ("below/empty.bin", b"")]
    source = standalone.data_cell(files)
    execute(source, {"FOLDER": tmp_path})
    assert [(name, (tmp_path / name).read_bytes()) for name, _ in files] == files
    assert max(map(len, source.splitlines())) < 200, "editors are slow with long lines"
    damaged = source.replace('"weights.bin", "', '"weights.bin", "0')
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ValueError, match="weights.bin: 자료가 상했어요"):
        execute(damaged, {"FOLDER": tmp_path})
    assert not (tmp_path / "weights.bin").exists()


@pytest.mark.parametrize(
    "modules, expected",
    [
        (
            ["sklearn", "torch", "koreanize_matplotlib", "PIL"],
            ["koreanize-matplotlib", "pillow", "scikit-learn", "torch"],
        ),
        (["os", "IPython", "importlib", "__future__"], []),
    ],
)
def test_what_pip_calls_modules(modules, expected):
    assert standalone.distributions(modules) == expected


# Notebooks


def test_notebook_of_the_small_project(project):
    put(project / "snippets" / "helper.py", "import sklearn.svm\nSTEPS = 3\n\n\ndef half(x):\n    return x / 2\n")
    put(project / "snippets" / "measure.py", "# %%\nimport matplotlib\nfrom helper import half\nevidence = {}\n")
    made = cells("measure", project)
    record = json.loads((project / "docs" / "notebooks" / "measure.ipynb").read_text(encoding="utf-8"))
    assert list(made)[:3] == ["about", "setup", "code-0"]
    assert list(made.values())[3:] == record["cells"], "the record with its outputs"
    about, setup = made["about"]["source"], made["setup"]["source"]
    assert all(word in about for word in ["`measure.py`", "matplotlib, scikit-learn", "`helper.py`", "Python 3.11"])
    assert setup.startswith("%pip install -q matplotlib scikit-learn\n") and "sys.path.insert" in setup
    helper = made["code-0"]
    assert helper["source"].startswith("#@title 함께 쓰는 코드: helper.py\n")
    assert helper["metadata"] == {"cellView": "form", "jupyter": {"source_hidden": True}}
    assert setup.count("helper") == 0 and made["setup"]["metadata"] == {}


def test_notebook_that_needs_nothing(project):
    put(project / "snippets" / "count.py", "# %%\nimport os\nevidence = {}\n")
    made = cells("count", project)
    assert [name for name in made if not name.startswith("cell-")] == ["about"]
    assert "꾸러미" not in made["about"]["source"] and "폴더에 만들어요" not in made["about"]["source"]


def test_siblings_of_siblings_and_their_data(project, tmp_path):
    put(project / "snippets" / "measure.py", "# %%\nfrom helper import half\nevidence = {}\n")
    put(
        project / "snippets" / "helper.py",
        """\
from lib.deeper import STEPS, VALUE, data_path
if __name__ == "__main__":
    import aside, pandas
    data_path("aside.bin")
def half(x):
    return x / 2 + float(data_path("sub/half.txt").read_text())
""",
    )
    put(
        project / "snippets" / "lib" / "deeper.py",
        """\
from pathlib import Path
STEPS, VALUE = 3, '''
>>> \\\\'''
def data_path(name):
    return Path(__file__).parents[1] / "data" / name
""",
    )
    put(project / "snippets" / "aside.py", "")
    put(project / "snippets" / "data" / "aside.bin", b"0")
    put(project / "snippets" / "data" / "sub" / "half.txt", "0.5")
    made = cells("measure", project)
    titles = [cell["source"].splitlines()[0] for cell in made.values() if cell["source"].startswith("#@title")]
    assert titles == [
        "#@title 함께 쓰는 코드: helper.py",
        "#@title 함께 쓰는 코드: lib/deeper.py",
        "#@title 함께 쓰는 자료: data/sub/half.txt",
    ]
    assert made["setup"]["source"] == standalone.FOLDER, "nothing to install"
    there = tmp_path / "empty"
    there.mkdir()
    code = "\n".join(made[name]["source"] for name in ("setup", "code-0", "code-1", "data"))
    tried = [
        f"exec({TransformerManager().transform_cell(code)!r})",
        "import helper",
        "print(helper.half(1), ascii(helper.VALUE), helper.__file__)",
    ]
    said = subprocess.run(
        [sys.executable, "-I", "-c", "\n".join(tried)],
        cwd=there,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert said == f"1.0 {ascii(chr(10) + '>>> ' + chr(92))} {there / 'mundap' / 'helper.py'}\n"
    for file in ("lib/deeper.py", "helper.py", "data/sub/half.txt"):
        assert (there / "mundap" / file).read_bytes() == (project / "snippets" / file).read_bytes()
    assert [path.name for path in there.iterdir()] == ["mundap"], "a reader's own files are left alone"


def test_notebooks_are_the_same_each_time():
    code = (
        "import hashlib\nfrom pathlib import Path\nfrom mundap.project.check import examine\nfrom mundap.pages import standalone\n"
        f"project, _ = examine(Path({str(PROJECT.root)!r}))\nfor name in project.records:\n"
        "    print(hashlib.sha256(standalone.of_project(project, name).encode()).hexdigest())"
    )
    made = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            timeout=120,
        ).stdout
        for seed in ("1", "2")
    ]
    assert made[0] == made[1] and len(made[0].split()) == len(PROJECT.records)


@pytest.mark.parametrize("name", PROJECT.records)
def test_notebook_is_valid_and_whole(name):
    made = nbformat.reads(standalone.of_project(PROJECT, name), as_version=4)
    nbformat.validate(made)
    assert len({cell.id for cell in made.cells}) == len(made.cells)
    record = nbformat.read(PROJECT.records[name].path, as_version=4)
    assert made.cells[-len(record.cells) :] == record.cells
    titles = [cell.source.splitlines()[0] for cell in made.cells if cell.metadata.get("cellView") == "form"]
    assert needed_files(name) == set(re.findall(r"[\w/-]+\.\w+", " ".join(titles)))


# Links


@pytest.mark.parametrize(
    "repository, links",
    [
        ("", {"노트북 내려받기": "../../download/qkv_mistake.ipynb", "전체 코드": "../../snippets/qkv_mistake.py"}),
        (
            REPOSITORY,
            {
                "노트북 내려받기": "../../download/qkv_mistake.ipynb",
                "Colab에서 열기": f"https://colab.research.google.com/github/{REPOSITORY}/blob/gh-pages/download/"
                "qkv_mistake.ipynb",
                "전체 코드": "../../snippets/qkv_mistake.py",
            },
        ),
    ],
)
def test_colab_where_the_site_knows_its_repository(root, monkeypatch, repository, links):
    monkeypatch.setenv("REPOSITORY", repository)
    config = load_config(str(root / "mkdocs.yml"))
    plugin = config.plugins["mundap"]
    plugin.on_config(config)
    path = root / "docs" / "notebooks" / "qkv_mistake.ipynb"
    text = path.read_text(encoding="utf-8")
    file = SimpleNamespace(src_uri="notebooks/qkv_mistake.ipynb", content_string=text, generated_by=None)
    content = plugin.on_page_content(nb2html(str(path)), SimpleNamespace(file=file, meta={}, title="글"), config, None)
    assert {a.text: a["href"] for a in BeautifulSoup(content, "html.parser").select(".run-links a")} == links


@pytest.mark.parametrize(
    "repository",
    [
        "someone",
        "someone/",
        "/name",
        "a/b/c",
        "https://github.com/someone/name",
        "some one/name",
        "someone/na me",
        "-a/name",
        "a" * 40 + "/name",
        "someone/..",
        "someone/name?x",
        'someone/"><script>',
        "5",
        "true",
        "[a/b]",
    ],
)
def test_bad_repository_is_one_clear_mistake(root, tmp_path, monkeypatch, repository):
    monkeypatch.setenv("REPOSITORY", repository)
    with pytest.raises(Failure) as caught:
        build.run_mkdocs(root, tmp_path / "out")
    said = str(caught.value)
    assert said.startswith("mkdocs.yml의 `extra.repository`(환경 변수 `REPOSITORY`)") and "`소유자/이름`" in said
    assert "\n" not in said and "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_workflow_publishes_the_branch_that_colab_opens(root, tmp_path):
    """Its own commands, with a folder for GitHub: the branch holds the site and no history."""
    workflow = (root / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(workflow)["jobs"]["publish"]
    assert job["permissions"]["contents"] == "write"
    [made] = [step for step in job["steps"] if step.get("run") == "python make.py site"]
    assert made["env"].keys() == {"SITE_URL", "REPOSITORY"} and made["env"]["REPOSITORY"] == "${{ github.repository }}"
    [pushed] = [step for step in job["steps"] if "git" in step.get("run", "")]
    remote, work = tmp_path / "remote.git", tmp_path / "work"
    git = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}

    def run(command, folder):
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command],
            cwd=folder,
            check=True,
            timeout=60,
            text=True,
            capture_output=True,
            env={**git, "REMOTE": str(remote), "GITHUB_SHA": "0123abc"},
        ).stdout

    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True, env=git)
    for text in ("one", "two"):
        put(work / "site" / "download" / "a.ipynb", text)
        put(work / "site" / ".hidden" / "b", text)
        put(work / "site" / ".gitignore", "download/\n")
        run(pushed["run"], work)
        assert run(f"git show {standalone.BRANCH}:{standalone.path('a')}", remote) == text
    assert run(f"git log --format=%s {standalone.BRANCH}", remote).count("\n") == 1
    assert ".nojekyll" in run(f"git ls-tree -r --name-only {standalone.BRANCH}", remote).split()
    assert not (work / "site" / ".git").exists()


# Runs


def run_alone(notebook, folder):
    """Run a notebook as a reader would, in a folder where nothing of this project can be imported -> what it left."""
    settings = folder.with_name(f"{folder.name}-settings")
    changed = {
        "IPYTHONDIR": str(settings),
        "JUPYTER_RUNTIME_DIR": str(settings),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    env = {key: value for key, value in environment().items() if key != "PYTHONPATH"} | changed
    client = NotebookClient(
        notebook, timeout=LIMIT, startup_timeout=120, kernel_name="python3", store_widget_state=False
    )
    with client.setup_kernel(env=env, cwd=str(folder)):
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        return read_evidence(client)


def test_record_by_itself_does_not_run_there(tmp_path):
    """So whatever the others find there, they brought."""
    record = nbformat.read(PROJECT.records["multihead"].path, as_version=4)
    with pytest.raises(CellExecutionError, match="No module named 'lib'"):
        run_alone(record, tmp_path)


# One with weights, one with data files, one with neither.
@pytest.mark.parametrize("name", ["attention_distance", "benchmark_results", "multihead"])
def test_notebook_runs_in_an_empty_folder(name, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    made = nbformat.reads(standalone.of_project(PROJECT, name), as_version=4)
    found = run_alone(made, folder)
    setup = next(cell for cell in made.cells if cell.id == "setup")
    said = "".join(output.get("text", "") for output in setup.outputs)
    assert setup.source.startswith("%pip install -q ") and "error" not in said.lower(), said
    record = PROJECT.records[name]
    assert disagreement(record.evidence, found["evidence"], found["tolerance"]) == ""
    check_files(name, folder)


ALL_IMPORTS = """
import json, os, sys, traceback
from pathlib import Path
start, path, own, faults = Path.cwd(), list(sys.path), set(sys.argv[1:]), {}
for name, code in json.load(sys.stdin).items():
    (start / name).mkdir()
    os.chdir(start / name)
    try:
        exec(compile(code, name, "exec"), {"__name__": "notebook"})
    except Exception:
        faults[name] = traceback.format_exc()
    sys.path[:] = path
    for module in [module for module in sys.modules if module.partition(".")[0] in own]:
        del sys.modules[module]
print(json.dumps(faults))
"""


def test_every_notebook_brings_all_that_it_imports(tmp_path):
    """Each in an empty folder: its own cells write the files, then all its imports and definitions run.

    The files are those that its digest counts, byte for byte, so a data file is there if it is asked for by its name
    (see the next test).
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALL_IMPORTS, *{name.partition(".")[0] for name in PROJECT.snippets}],
        input=json.dumps({name: code_without_the_run(name) for name in PROJECT.records}),
        cwd=tmp_path,
        env={**environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {}
    for name in PROJECT.records:
        check_files(name, tmp_path / name)


def code_without_the_run(name):
    """What the notebook of a snippet writes, imports (anywhere in its code) and defines, as one program."""
    made = nbformat.reads(standalone.of_project(PROJECT, name), as_version=4)
    first = [cell.source for cell in made.cells if cell.id in ("setup", "data") or cell.id.startswith("code-")]
    first = "\n".join(first).replace("%pip", "# %pip")
    source = PROJECT.snippets[name].source  # a fresh record has the same code, its main blocks laid open
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = snippets.closure(PROJECT.snippets, name)
    lines = [*(f"import {module}" for module in modules), *map(ast.unparse, imports), source]
    return "\n".join([TransformerManager().transform_cell(first), *lines])


def test_data_is_asked_for_by_its_name_alone():
    """So no run finds a file that its notebook does not bring: a path of its own is what only lib/paths.py has."""
    for name, snippet in PROJECT.snippets.items():
        nodes = list(ast.walk(ast.parse(snippet.source)))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        assert "__file__" not in names or name in ("lib.paths", "bench.device"), name
        for node in nodes:
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "data_path":
                [argument] = node.args
                assert isinstance(argument, ast.Constant), f"{name}: {ast.unparse(node)}"
                assert (PROJECT.root / "snippets" / "data" / argument.value).exists()


def needed_files(name):
    """The files that a run of a snippet needs beside its own, by their paths below snippets/: set."""
    return snippets.sources(PROJECT.snippets, name).keys() - {f"{name}.py"}


def check_files(name, folder):
    """The notebook has written all that the snippet needs, and nothing else, byte for byte."""
    written = snapshot(folder)
    assert written.keys() == {f"mundap/{file}" for file in needed_files(name)}
    for file, content in written.items():
        assert content == (PROJECT.root / "snippets" / file.removeprefix("mundap/")).read_bytes()
