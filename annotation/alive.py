"""Whether a process is still the one that was meant: numbers of processes are given again and again."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_PROCESSES = Path("/proc")


def begin_of(pid: int) -> str | None:
    """When a process began: two with one number never have one begin. None where there is none.

    What has ended and only waits for its parent to take note of it counts for none. Where the kernel shows no
    processes as files, the begin is unknown: empty for every process that is there.
    """
    if not (_PROCESSES / "self").exists():
        return "" if _takes_signals(pid) else None
    try:
        stat = (_PROCESSES / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name stands in brackets and may hold anything, brackets and spaces too.
    state, *after = stat.rpartition(")")[2].split()
    # Ticks count from when the machine was started, so that they alone would come again.
    return None if state in "ZX" else f"{_machine_start()} {after[18]}"


@cache
def _machine_start() -> str:
    try:
        return (_PROCESSES / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _takes_signals(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
