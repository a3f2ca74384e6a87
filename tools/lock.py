"""Make requirements/*.txt anew from pyproject.toml's extras: every package, with what it needs in turn, at one version.

Run by `make lock`. The test set is resolved first; the other sets take the same versions. Versions stay as they are
where they can; `make lock ARGS=--update` takes the newest of everything.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = "3.11.2"  # Debian 12's Python: some packages ask for a later 3.11
HEADER = "# {extra}: made by `make lock` from pyproject.toml; change that file, not this one.\n"
DRY_RUN = "-m pip install -qq --dry-run --ignore-installed --no-user --only-binary :all: --report -".split()


def wanted(project: dict, extra: str) -> list[str]:
    """The requirements of the package with an extra, with extras of the package itself unfolded."""
    requirements = list(project["dependencies"])
    for requirement in project["optional-dependencies"][extra]:
        own = re.fullmatch(re.escape(project["name"]) + r"\[(.+)\]", requirement)
        requirements += [line for name in own[1].split(",") for line in wanted(project, name)] if own else [requirement]
    return list(dict.fromkeys(requirements))


def resolve(requirements: list[str], *options: str) -> list[str]:
    """`name==version` lines, sorted, of everything that pip would install on the oldest Python."""
    command = [sys.executable, *DRY_RUN, "--python-version", OLDEST, *options, *requirements]
    report = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    packages = [item["metadata"] for item in json.loads(report)["install"]]
    # A local version (2.13.0+cpu) names one build of a release; the lock names the release.
    return sorted(f"{p['name'].lower().replace('_', '-')}=={p['version'].split('+')[0]}" for p in packages)


def main(arguments: list[str]) -> None:
    """The command."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    everything = ROOT / "requirements" / "test.txt"
    constraint = ["--constraint", str(everything)]
    for extra in ("test", "site", "run", "check"):
        lines = resolve(wanted(project, extra), *([] if extra == "test" and "--update" in arguments else constraint))
        path = everything.with_name(f"{extra}.txt")
        path.write_text(HEADER.format(extra=extra) + "\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        print(f"{path.relative_to(ROOT)}: {len(lines)}")


if __name__ == "__main__":
    main(sys.argv[1:])
