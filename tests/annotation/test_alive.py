"""A process is known by its begin: its number alone may by now be another's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation import alive
from annotation.alive import begin_of


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def wait_until_a_zombie(pid: int) -> None:
    deadline = time.monotonic() + 10
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_keeps_its_begin_and_shares_it_with_none(child: subprocess.Popen[bytes]) -> None:
    time.sleep(0.02)
    later = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    begins = [begin_of(pid) for pid in (os.getpid(), child.pid, later.pid)]
    assert all(begins)
    assert len(set(begins)) == 3
    assert begins == [begin_of(pid) for pid in (os.getpid(), child.pid, later.pid)]
    later.communicate(b"\n")
    assert begin_of(later.pid) is None


def test_what_has_ended_and_was_not_taken_note_of_counts_for_none(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    wait_until_a_zombie(child.pid)
    assert begin_of(child.pid) is None


def test_a_name_with_brackets_and_spaces_is_no_hindrance(tmp_path: Path) -> None:
    program = tmp_path / "a) S (b 1 2"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    try:
        deadline = time.monotonic() + 10
        while program.name not in Path(f"/proc/{process.pid}/stat").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        ticks = (begin_of(process.pid) or "").split()[-1]
        assert 0 <= int(ticks) - int((begin_of(os.getpid()) or "").split()[-1]) < 100 * 24 * 3600
    finally:
        process.kill()
        process.wait()


def test_where_the_kernel_shows_nothing_a_number_must_do(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(alive, "_PROCESSES", tmp_path)
    assert begin_of(child.pid) == ""
    child.kill()
    child.wait()
    assert begin_of(child.pid) is None
