"""Containers as processes: `docker run` in the foreground, with what a cluster would allow.

Container has what sfproc.Proc has (log, events, exit code); an engine is reused or started
by docker_engine.sh, and without one there is Unavailable with the reason.
"""

import json
import os
import pathlib
import secrets
import subprocess

from sfproc import ROOT, Proc

HELPER = ROOT / "tests" / "lib" / "docker_engine.sh"
# Everything taken away that a program does not need; the network is the machine's own.
LOCKED = ["--network=host", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]


class Unavailable(Exception):
    """This machine can have no engine; the text says why."""


class Engine:
    """A Docker engine that lives at least as long as this process, or until stop()."""

    def __init__(self):
        done = subprocess.run([HELPER, "up", str(os.getpid())], text=True, timeout=180,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Unavailable(done.stderr.strip())
        self.env = {**os.environ, "DOCKER_HOST": done.stdout.strip()}

    def stop(self):
        subprocess.run([HELPER, "down", str(os.getpid())], timeout=120, check=True)

    def base(self, image="debian:bookworm-slim"):
        """Have the image that others are built from."""
        done = subprocess.run([HELPER, "base", image], env=self.env, text=True, timeout=600,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Unavailable(done.stderr.strip())

    def docker(self, *args, timeout=60):
        """One docker command that must succeed; what it printed."""
        done = subprocess.run(["docker", *args], env=self.env, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, f"docker {' '.join(args)}: {done.stderr}"
        return done.stdout

    def inspect(self, image):
        return json.loads(self.docker("image", "inspect", image))[0]


class Container(Proc):
    """One run of an image. @mounts: path on this machine -> path inside, read only."""

    def __init__(self, engine, image, env, folder, args=(), mounts=None, options=()):
        folder = pathlib.Path(folder)
        self.engine = engine
        self.container = f"sf-test-{secrets.token_hex(6)}"
        command = ["run", "--rm", "--name", self.container, *LOCKED, *options]
        for source, target in (mounts or {}).items():
            command += ["--mount", f"type=bind,source={source},target={target},readonly"]
        for key, value in env.items():
            command += ["--env", f"{key}={value}"]
        docker = pathlib.Path(subprocess.run(["which", "docker"], text=True, check=True,
                                             stdout=subprocess.PIPE).stdout.strip())
        super().__init__(docker.name, engine.env, folder, [*command, image, *args],
                         bin_dir=docker.parent)

    def kill(self):
        if self.popen.poll() is None:
            subprocess.run(["docker", "kill", self.container], env=self.engine.env, timeout=30,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return super().kill()
