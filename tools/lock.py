"""Make requirements/*.txt anew from pyproject.toml's extras: every package, with what it needs in turn, at one version.

Run by `make lock`. The test set is resolved first; the site's set takes the same versions.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = "# {extra}: made by `make lock` from pyproject.toml; change that file, not this one.\n"


def resolve(extra: str, *options: str) -> list[str]:
    """`name==version` lines, sorted, of everything that pip would install for an extra of this package."""
    report = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed", "--report", "-",
         *options, f".[{extra}]"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    packages = [item["metadata"] for item in json.loads(report)["install"]]
    # A local version (2.13.0+cpu) names one build of a release; the lock names the release.
    return sorted(f"{p['name'].lower().replace('_', '-')}=={p['version'].split('+')[0]}"
                  for p in packages if p["name"] != "mundap")


def main() -> None:
    everything = ROOT / "requirements" / "test.txt"
    for extra, options in [("test", []), ("site", ["--constraint", str(everything)])]:
        lines = resolve(extra, *options)
        path = ROOT / "requirements" / f"{extra}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEADER.format(extra=extra) + "\n".join(lines) + "\n", encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {len(lines)}")


if __name__ == "__main__":
    main()
