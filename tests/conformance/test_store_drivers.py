"""ArangoDB's official drivers, at their newest versions, do their normal work against sf-store.

One small program for each language in drivers/; each test runs one part of one of them. A part
prints how many things it compared; the first that differs ends it with exit code 1.
"""

import os
import re
import subprocess

import pytest

import drivers

PARTS = ("connect", "databases", "collections", "documents", "arrays", "revisions", "imports", "indexes",
         "users", "cursors")


@pytest.fixture(scope="session")
def programs():
    """(command, environment) by language, each made once."""
    return {}


def program(programs, language):
    if language not in programs:
        try:
            programs[language] = drivers.make(language)
        except drivers.Unavailable as why:
            programs[language] = why
    if isinstance(programs[language], drivers.Unavailable):
        pytest.skip(f"no driver for {language}: {programs[language]}")
    return programs[language]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", drivers.MAKERS)
def test_driver(store, programs, language, part):
    command, env = program(programs, language)
    done = subprocess.run(
        [*command, part], text=True, timeout=120, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False,
        env={**os.environ, **env, "STORE_URL": store.url, "STORE_PASSWORD": store.password})
    assert done.returncode == 0, f"{language} {part}:\n{done.stdout}"
    checks = re.search(r"^(\d+) checks$", done.stdout, re.M)
    assert checks and int(checks[1]) > 0, done.stdout
