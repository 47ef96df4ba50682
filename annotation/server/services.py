"""One part of the review server: how it is started, how one sees that it is well, how it ends."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from annotation.private import private_folder
from annotation.server.processes import end, is_over
from schemas.errors import SystemicError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Service:
    """A server that one process keeps.

    Attributes:
        start: starts it; it need not be well when this returns.
        well: whether it answers; called often, so it must be quick.
        log: where it says what it does.
        ending: the signal that ends it in good order.
        usual: how long it mostly takes to be well, for people.
        patience_s: after this long it is not waited for any more, on a slow and busy machine.
    """

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    well: Callable[[], bool]
    log: Path
    ending: int = signal.SIGTERM
    usual: str = "a few seconds"
    patience_s: float = 120


def bring_up(service: Service, say: Say) -> subprocess.Popen[bytes]:
    """Start a service and wait until it is well.

    Raises:
        SystemicError: it ended, or was not well in time. Nothing of it runs then.
    """
    process = service.start()
    try:
        wait_until_well(service, process, say)
    except BaseException:
        end(process, service.ending)
        raise
    return process


def wait_until_well(service: Service, process: subprocess.Popen[bytes], say: Say) -> None:
    """Wait for a service that was started.

    Raises:
        SystemicError: it ended, or is not well in time. It may still run then.
    """
    began = told = time.monotonic()
    while not service.well():
        now = time.monotonic()
        problem = None
        if is_over(process):
            problem = "ended"
        elif now - began > service.patience_s:
            problem = f"is not ready after {service.patience_s:.0f} s"
        if problem:
            raise SystemicError(
                service.name, f"{problem}: {last_words(service.log)}", f"the log is {service.log}"
            )
        if now - told >= 5:
            told = now
            say(f"{service.name}: {now - began:.0f} s so far; mostly {service.usual}")
        time.sleep(0.1)


def logs_folder(root: Path) -> Path:
    folder = private_folder(root) / "logs"
    folder.mkdir(exist_ok=True)
    return folder


def last_words(log: Path, characters: int = 400) -> str:
    """The last line of a log that says something by itself; what is indented only goes on from an earlier one."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    said = [line.strip() for line in lines if line.strip() and not line[0].isspace()]
    return said[-1][:characters] if said else "it said nothing"
