"""`mundap check` reads: nothing that a project holds runs."""

import subprocess
import sys
from pathlib import Path

from engine import make_project, put

HURT = "open({path!r}, 'w').close()\n"


def test_check_executes_nothing_of_a_project(tmp_path):
    """Blocks, snippets, configuration, templates, tests, and files that Python itself would run at its start."""
    project, trace = make_project(tmp_path / "project"), tmp_path / "ran"
    code = HURT.format(path=str(trace))
    for name in (
        "docs/blocks/tokens.py",
        "snippets/helper.py",
        "snippets/sitecustomize.py",
        "sitecustomize.py",
        "usercustomize.py",
        "conftest.py",
        "mundap.py",
        "yaml.py",
        "src/mundap/__init__.py",
        "tools/setup_env.py",
        "hooks.py",
    ):
        put(project / name, code)
    evil = f"!!python/object/apply:os.system ['touch {trace}']"
    put(project / "mkdocs.yml", f"site_name: {evil}\nhooks: [hooks.py]\nplugins: []\n")
    put(project / "docs/more.md", f'# 글\n\n```python exec="1"\n{code}```\n\n{{{{ config }}}}\n')
    with (project / "docs/glossary.yaml").open("a") as file:
        file.write(f"- term: {evil}\n  definition: 글\n")
    command = [Path(sys.executable).with_name("mundap"), "check"]  # `python -m` would look for modules in the folder
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in result.stderr and result.returncode == 1, result.stderr
    assert "docs/glossary.yaml" in result.stdout and not trace.exists()
