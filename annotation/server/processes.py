"""The processes of the review server: started apart from the terminal, ended for sure, recognised after a crash."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import annotation
from annotation.alive import begin_of
from annotation.private import private_folder
from schemas.errors import SystemicError

ENDING_SECONDS = 20
"""After this long a process that was asked to end is killed."""


@dataclass(frozen=True)
class Started:
    """A process as it is remembered on disk.

    Attributes:
        began: see annotation.alive; a process with the same number and another begin is another's.
        signal: what ends it in good order.
    """

    name: str
    pid: int
    began: str
    signal: int


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def require_free(host: str, port: int) -> None:
    """Raises SystemicError when the port is taken or may not be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # Connections that were closed a moment ago do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SystemicError(
                f"port {port}",
                f"cannot be used on {host}: {os.strerror(error.errno or 0)}",
                "choose another with --port",
            ) from error


def launch(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, with everything that it says added to its log.

    Args:
        folder: where it works; without files of ours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            command, env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, stdout=descriptor,
            stderr=descriptor, start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(descriptor)


def end(
    process: subprocess.Popen[bytes], ending: int = signal.SIGTERM, seconds: float = ENDING_SECONDS
) -> bool:
    """End a process that `launch` started, and what it has started in turn.

    Returns:
        Whether it ended in good order, without being killed.
    """
    if not is_over(process):
        process.send_signal(ending)
    deadline = time.monotonic() + seconds
    while not (over := is_over(process)) and time.monotonic() < deadline:
        time.sleep(0.02)
    if process.returncode is None:
        # Not yet taken note of, so the number cannot be another's.
        _kill_session(process.pid)
    process.wait()
    return over


def is_over(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended; leaves it for `end` to take note of."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def remember(root: Path, started: Sequence[Started]) -> None:
    """Note which processes run, so that they are found when whoever started them was killed."""
    path = private_folder(root) / "processes.json"
    unfinished = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    unfinished.write_text(json.dumps([asdict(each) for each in started]), encoding="utf-8")
    unfinished.replace(path)


def started_as(name: str, pid: int, ending: int = signal.SIGTERM) -> Started:
    return Started(name, pid, begin_of(pid) or "it had ended", ending)


def end_what_was_left(root: Path, say: Callable[[str], None]) -> list[str]:
    """End the processes that an earlier start has left, the last started first; their names."""
    path = private_folder(root) / "processes.json"
    if not path.exists():
        return []
    try:
        left = [Started(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError) as error:
        raise SystemicError(
            str(path), f"cannot be read: {error}", "end those processes by hand and remove it"
        ) from error
    ended = []
    for each in reversed(left):
        if _still_runs(each):
            say(f"ending {each.name} (process {each.pid}), left by an earlier start")
            _end_other(each)
            ended.append(each.name)
    path.unlink()
    return ended


def _still_runs(started: Started) -> bool:
    """Whether it is that very process; one whose begin is unknown may be anybody's by now."""
    return started.began != "" and begin_of(started.pid) == started.began


def _end_other(started: Started) -> None:
    """End a process that is not our child, and what it has started in turn."""
    with suppress(ProcessLookupError):
        os.kill(started.pid, started.signal)
    deadline = time.monotonic() + ENDING_SECONDS
    while _still_runs(started) and time.monotonic() < deadline:
        time.sleep(0.05)
    # A moment after its end its number has gone to nobody: numbers come round only after all others.
    _kill_session(started.pid)
    while _still_runs(started):
        time.sleep(0.05)


def _kill_session(pid: int) -> None:
    """Kill a process with all of its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def environment_of_ours() -> dict[str, str]:
    """What a process of ours starts with: the caller's environment, and this project wherever it is started from."""
    project = str(Path(annotation.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([project, os.environ.get("PYTHONPATH", "")])}
