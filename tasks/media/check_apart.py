"""Checking a file in a process of its own: hostile bytes may crash a decoder or hang it, and only it.

check = check_apart(path)
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from schemas.certificate import FileFacts
from tasks.media.check import SyncCheck, check_file
from tasks.media.events import EventOffsets, EventPair
from tasks.media.process import own_module

LEAST_SECONDS = 60.0
BYTES_PER_SECOND = 100_000
"""How long a check may take: a minute, and a second more for each 100 kB. Clips take a hundredth of it."""

MEMORY_BYTES = 8 * 2**30
"""Address space of the process; a 1080p source takes a tenth of it."""

_SAID_CHARACTERS = 200


def check_apart(path: Path, seconds: float | None = None) -> SyncCheck:
    """`check_file` in a child process; a crash, or no answer in time, is a problem of the file.

    Args:
        seconds: time limit; None: by the size of the file.
    """
    limit = seconds if seconds is not None else seconds_for(path)
    argv, environment = own_module("tasks.media.check_apart", str(path.absolute()))
    try:
        done = subprocess.run(
            argv, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return _failed(path, f"the decoder gave no answer within {limit:g} s and was stopped")
    if done.returncode:
        return _failed(path, _how_it_ended(done.returncode, done.stderr.decode(errors="replace")))
    return _read(path, done.stdout.decode())


def seconds_for(path: Path) -> float:
    """The time limit for a file, in s."""
    return LEAST_SECONDS + (path.stat().st_size / BYTES_PER_SECOND if path.is_file() else 0)


def _how_it_ended(status: int, said: str) -> str:
    if "MemoryError" in said:
        return f"the decoder wanted more than {MEMORY_BYTES / 2**30:g} GiB of memory"
    if status < 0:
        return f"the decoder crashed ({signal.Signals(-status).name})"
    last = (said.strip().splitlines() or ["without a message"])[-1]
    return f"the check ended with status {status}: {last[:_SAID_CHARACTERS]}"


def _failed(path: Path, problem: str) -> SyncCheck:
    return SyncCheck(path, None, (problem,), None)


def _read(path: Path, answer: str) -> SyncCheck:
    row = json.loads(answer)
    events = row["events"]
    if events:
        events = EventOffsets(**{**events, "pairs": tuple(EventPair(**pair) for pair in events["pairs"])})
    facts = FileFacts(**row["facts"]) if row["facts"] else None
    return SyncCheck(path, facts, tuple(row["problems"]), events)


def _main(path: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    check = check_file(Path(path))
    print(json.dumps({**asdict(check), "path": path}))


if __name__ == "__main__":
    _main(sys.argv[1])
