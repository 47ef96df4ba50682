"""Tests that are killed leave no server behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from annotation.alive import begin_of
from tests.conftest import ROOT

# What a test does with a server; the second starts something of its own, as gunicorn and PostgreSQL do.
TESTS = """
import os, subprocess, sys, time
from pathlib import Path
from annotation.server.processes import launch
from annotation.server.services import Service
from tests.annotation.studio import running_part

root = Path(sys.argv[1])

def service(name, code):
    log = root / f"{name}.log"
    command = [sys.executable, "-c", code, name]
    return Service(name, lambda: launch(command, os.environ, root, log), lambda: "up" in log.read_text(), log)

obedient = "import time; print('up', flush=True); time.sleep(60)"
leading = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {obedient!r}, 'led'])"
with running_part(root, service("obedient", obedient)), running_part(root, service("leading", leading)):
    print("both", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def begin_tests(root: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", TESTS, str(root), str(seconds)], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout and process.stdout.readline() == "both\n"
    return process


def working_for(root: Path) -> list[int]:
    """Processes that work in a folder or write into it."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and begin_of(int(entry.name)) and str(root) in _seen(entry)
    ]


def _seen(entry: Path) -> str:
    try:
        return " ".join(str(link.readlink()) for link in (entry / "cwd", *(entry / "fd").iterdir()))
    except OSError:
        return ""


def wait_until_none_works_for(root: Path) -> None:
    deadline = time.monotonic() + 30
    while left := working_for(root):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@pytest.mark.parametrize("of_the_group", [False, True])
def test_the_servers_of_killed_tests_are_ended(tmp_path: Path, of_the_group: bool) -> None:
    tests = begin_tests(tmp_path, 60)
    assert len(working_for(tmp_path)) == 3
    (os.killpg if of_the_group else os.kill)(tests.pid, signal.SIGKILL)
    assert tests.wait() == -signal.SIGKILL
    wait_until_none_works_for(tmp_path)


def test_tests_that_end_by_themselves_leave_nothing_either(tmp_path: Path) -> None:
    tests = begin_tests(tmp_path, 0)
    assert tests.wait(30) == 0
    assert working_for(tmp_path) == []
