"""ArangoDB's official drivers for tests, fetched once from PyPI, npm and the Go proxy.

    command, env = drivers.make("js")     # env: what it needs beside the environment
    subprocess.run([*command, "documents"], env={**os.environ, **env, "STORE_URL": ...})

The versions stand in tests/conformance/drivers/<language>/. What is fetched lies in the cache
under a name made of those files, so that a new version is a new folder.
"""

import fcntl
import hashlib
import os
import pathlib
import platform
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "conformance" / "drivers"
CACHE = pathlib.Path(os.environ.get("SF_CACHE_DIR", ROOT / "tests" / ".cache")) / "drivers"
FETCH_TIMEOUT_S = 600

# Debian 12 has node 18 and Go 1.19, too old for the drivers: arangojs 10 wants node 20, go-driver
# 2.4 wants Go 1.25. Both registries have these tools as packages.
NODE_MIN, NODE_PACKAGE_VERSION = 20, "22.20.0"
GO_MIN, GO_TOOLCHAIN = (1, 25), "go1.25.13"


class Unavailable(Exception):
    """This machine cannot have the driver; the text says what is missing."""


def run(*command, cwd=None, env=None):
    """Its output; Unavailable when it fails."""
    try:
        done = subprocess.run([str(c) for c in command], cwd=cwd, env={**os.environ, **(env or {})},
                              text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=FETCH_TIMEOUT_S, check=False)
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is missing (tools/deps test)") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} took more than {FETCH_TIMEOUT_S} s") from None
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(map(str, command))}: {done.stdout[-800:]}")
    return done.stdout


def cached(name, files, build):
    """Folder of the cache that build(folder) fills once; its name tells the content of @files."""
    digest = hashlib.sha256(b"\0".join(f.read_bytes() for f in files)).hexdigest()[:12]
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / f"{name}-{digest}"
    with open(CACHE / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            (folder / "complete").touch()
    return folder


def make_python():
    def build(folder):
        run("/usr/bin/python3", "-m", "venv", folder / "venv")
        run(folder / "venv" / "bin" / "pip", "install", "-q", "-r", wanted)

    wanted = SOURCES / "python" / "requirements.txt"
    folder = cached("python", [wanted], build)
    return [str(folder / "venv" / "bin" / "python3"), str(SOURCES / "python" / "main.py")], {}


def node():
    """A node that is new enough: the machine's, or the one npm has as a package."""
    have = re.match(r"v(\d+)", run("node", "--version"))
    if have and int(have[1]) >= NODE_MIN:
        return "node"
    package = "node-linux-" + {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]

    def build(folder):
        run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder,
            f"{package}@{NODE_PACKAGE_VERSION}", cwd=folder)

    return str(cached(f"{package}-{NODE_PACKAGE_VERSION}", [], build) / "node_modules" / package / "bin" / "node")


def make_js():
    def build(folder):
        for name in wanted:
            shutil.copy(name, folder)
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)

    wanted = [SOURCES / "js" / "package.json", SOURCES / "js" / "package-lock.json"]
    command = [node(), str(SOURCES / "js" / "main.js")]
    return command, {"NODE_PATH": str(cached("js", wanted, build) / "node_modules")}


def go():
    """(go command, environment) of a Go that is new enough: the machine's, or the one that the
    module proxy has as golang.org/toolchain. Newer releases of Go do this by themselves, 1.19 not."""
    have = re.search(r"go(\d+)\.(\d+)", run("go", "version"))
    if have and (int(have[1]), int(have[2])) >= GO_MIN:
        return "go", {"GOTOOLCHAIN": "local"}
    system = run("go", "env", "GOOS", "GOARCH").split()
    version = f"v0.0.1-{GO_TOOLCHAIN}.{'-'.join(system)}"

    def build(folder):
        run("go", "mod", "download", f"golang.org/toolchain@{version}", cwd=folder,
            env={"GOMODCACHE": str(folder / "mod"), "GOFLAGS": "-modcacherw"})
        root = folder / "mod" / "golang.org" / f"toolchain@{version}"
        for tool in (*root.glob("bin/*"), *root.glob("pkg/tool/*/*")):
            tool.chmod(0o755)  # a module's files have no execute bit
        (root / "src" / "_go.mod").rename(root / "src" / "go.mod")  # and none may be named go.mod

    root = cached(GO_TOOLCHAIN, [], build) / "mod" / "golang.org" / f"toolchain@{version}"
    return root / "bin" / "go", {"GOTOOLCHAIN": "local", "GOROOT": str(root)}


def make_go():
    def build(folder):
        command, env = go()
        run(command, "build", "-buildvcs=false", "-o", folder / "main", ".", cwd=SOURCES / "go", env=env)

    wanted = sorted((SOURCES / "go").glob("*.go")) + [SOURCES / "go" / "go.mod", SOURCES / "go" / "go.sum"]
    return [str(cached("go", wanted, build) / "main")], {}


MAKERS = {"python": make_python, "js": make_js, "go": make_go}


def make(language):
    """(command, environment) of the program in drivers/<language>."""
    return MAKERS[language]()
