"""One run of a program on core 0, and what the kernel says of it."""
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "lib"))
import container  # noqa: E402
from sfproc import BIN, parse_line  # noqa: E402

CACHE = pathlib.Path(os.environ.get("SF_CACHE_DIR", ROOT / "tests" / ".cache"))
BENCH = BIN.parent / "bench"


def peak_rss_mib(pid):
    """VmHWM; ru_maxrss of a child would begin with the memory of this Python, which it was before exec."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0  # it has ended


class Measured:
    """One run of a program on core 0; @stop is asked now and then whether to end it by SIGTERM."""

    def __init__(self, args, env, folder, stop=None):
        self.log = folder / f"measured-{time.monotonic_ns()}.log"
        full = {"PATH": os.environ["PATH"], **{k: str(v) for k, v in env.items()}}
        with open(self.log, "wb") as log:
            began = time.monotonic()
            proc = subprocess.Popen(["taskset", "-c", "0", *map(str, args)], env=full, stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=log)
            self.rss_mib = 0
            while True:
                self.rss_mib = peak_rss_mib(proc.pid) or self.rss_mib
                pid, status, usage = os.wait4(proc.pid, os.WNOHANG)
                if pid:
                    break
                if stop and stop():
                    proc.terminate()
                    stop = None
                time.sleep(0.005)
            self.wall_s = time.monotonic() - began
        proc.returncode = os.waitstatus_to_exitcode(status)
        assert proc.returncode in (0, 143), self.log.read_text()[-2000:]
        self.cpu_s = usage.ru_utime + usage.ru_stime

    def event(self, name):
        for line in self.log.read_text(errors="replace").splitlines():
            fields = parse_line(line)
            if fields.get("event") == name:
                return fields
        return {}


def row(what, n, m):
    return (what, f"{n:,}", f"{n / m.wall_s:,.0f}/s", f"{n / m.cpu_s:,.0f}/s", f"{m.cpu_s / n * 1e6:.2f}",
            f"{m.rss_mib:.1f}")


def table(rows):
    return ["| what | records | wall | by CPU time | CPU-us/record | peak RSS MiB |", "|---|---|---|---|---|---|",
            *("| " + " | ".join(r) + " |" for r in rows)]


def others_on_core_1(*pids):
    for pid in pids:
        subprocess.run(["taskset", "-a", "-c", "-p", "1", str(pid)], check=True, stdout=subprocess.DEVNULL)


def programs_of_images(folder):
    """The programs as they are shipped: where they are, and what their images weigh."""
    engine = container.Engine()
    try:
        engine.base(os.environ.get("BASE_IMAGE", "debian:bookworm-slim"))
        env = {**engine.env, "IMAGE_TAG": "bench", "IMAGE_REGISTRY": "streamforge",
               "DOCKER_BUILD_FLAGS": "--network=host"}
        out = subprocess.run([ROOT / "images" / "build.sh"], env=env, text=True, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, check=True).stdout
        sizes = re.findall(r"^streamforge/(\S+):bench (\d+) bytes$", out, re.M)
        for name, _ in sizes:
            made = engine.docker("create", f"streamforge/{name}:bench").strip()
            engine.docker("cp", f"{made}:/{name}", str(folder / name))
            engine.docker("rm", made)
    finally:
        engine.stop()
    return folder, [f"{name} {int(size) / 1e6:.2f} MB" for name, size in sizes]
