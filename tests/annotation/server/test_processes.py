"""Processes that end for sure, and are recognised when whoever started them is gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from annotation.alive import begin_of
from annotation.server.processes import (
    end,
    end_what_was_left,
    free_port,
    is_over,
    launch,
    remember,
    require_free,
    started_as,
)
from annotation.server.services import Service, bring_up, last_words
from schemas.errors import SystemicError

OBEDIENT = "import time; time.sleep(60)"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}])
print(child.pid, flush=True)
time.sleep(60)
"""


def started(code: str, folder: Path) -> subprocess.Popen[bytes]:
    return launch([sys.executable, "-c", code], os.environ, folder, folder / "log")


def wait_for_log(folder: Path) -> str:
    deadline = time.monotonic() + 20
    while not (text := (folder / "log").read_text()).strip():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return text


def runs(pid: int) -> bool:
    return begin_of(pid) is not None


def test_a_process_ends_when_asked(tmp_path: Path) -> None:
    process = started(OBEDIENT, tmp_path)
    assert not is_over(process)
    assert end(process)
    assert process.returncode == -signal.SIGTERM


def test_a_process_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    process = started(STUBBORN, tmp_path)
    wait_for_log(tmp_path)
    assert not end(process, seconds=0.3)
    assert process.returncode == -signal.SIGKILL


def test_what_a_process_has_started_ends_with_it(tmp_path: Path) -> None:
    process = started(PARENT, tmp_path)
    grandchild = int(wait_for_log(tmp_path).split()[0])
    assert runs(grandchild)
    end(process)
    deadline = time.monotonic() + 10
    while runs(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_was_left_is_found_and_ended(tmp_path: Path) -> None:
    process = started(OBEDIENT, tmp_path)
    remember(tmp_path, [started_as("Label Studio", process.pid)])
    said: list[str] = []
    assert end_what_was_left(tmp_path, said.append) == ["Label Studio"]
    assert f"process {process.pid}" in said[0]
    assert process.wait() == -signal.SIGTERM
    assert end_what_was_left(tmp_path, said.append) == []


def test_what_was_left_ends_with_all_that_it_has_started(tmp_path: Path) -> None:
    process = started(PARENT, tmp_path)
    grandchild = int(wait_for_log(tmp_path).split()[0])
    remember(tmp_path, [started_as("Label Studio", process.pid)])
    assert end_what_was_left(tmp_path, print) == ["Label Studio"]
    process.wait()
    deadline = time.monotonic() + 10
    while runs(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_another_process_with_the_same_number_is_left_alone(tmp_path: Path) -> None:
    process = started(OBEDIENT, tmp_path)
    before = started_as("Label Studio", process.pid)
    for began in ("another begin", ""):
        remember(tmp_path, [replace(before, began=began)])
        assert end_what_was_left(tmp_path, print) == []
    assert not is_over(process)
    end(process)


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemicError, match=f"port {port}: cannot be used on 127.0.0.1: Address already"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", free_port())


def service(code: str, folder: Path, patience_s: float = 20) -> Service:
    return Service(
        "thing", lambda: started(code, folder), lambda: False, folder / "log", patience_s=patience_s
    )


def test_a_service_that_ends_says_why(tmp_path: Path) -> None:
    with pytest.raises(SystemicError, match=r"thing: ended: ValueError: no such table \(the log is .*log\)"):
        bring_up(service("raise ValueError('no such table')", tmp_path), print)


def test_a_service_that_is_not_ready_in_time_is_ended(tmp_path: Path) -> None:
    with pytest.raises(SystemicError, match="thing: is not ready after 2 s: [0-9]+"):
        bring_up(
            service("import os, time; print(os.getpid(), flush=True); time.sleep(60)", tmp_path, 2), print
        )
    assert not runs(int(last_words(tmp_path / "log")))


def test_a_log_is_for_its_owner(tmp_path: Path) -> None:
    end(started(OBEDIENT, tmp_path))
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0
