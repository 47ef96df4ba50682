"""The one process that keeps the review server: starts its parts in order, watches them, ends them in order.

`python -m annotation.server.keeper` reads an `Order` as JSON from standard input and tells, on standard output, one
JSON object a line: {"say": …} while it starts, then {"ready": …} or {"error": [item, problem, action]}. After that it
writes to its log only.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import TextIO

from annotation.private import FOLDER, Person, Running, private_folder, write_running
from annotation.server.addresses import LOOPBACK_OF, from_elsewhere, from_here
from annotation.server.existing import accounts_over_http
from annotation.server.gateway_process import gateway_service
from annotation.server.people import Newcomer, ensure_people, write_logins
from annotation.server.postgres import account_to_run_as, ensure_cluster, own_database, postgres_service
from annotation.server.processes import (
    Started,
    end,
    end_what_was_left,
    free_port,
    is_over,
    remember,
    require_free,
    started_as,
)  # fmt: skip
from annotation.server.services import Say, Service, bring_up, logs_folder
from annotation.server.settings import Database, choose_database, read_database, remember_database
from annotation.server.studio import accounts_in, studio_service
from schemas.errors import ClapperError, SystemicError, WorkspaceError

RESTARTS, WITHIN_SECONDS = 3, 600
"""A part that dies is started again, but not more often than this."""

KEPT_LOGS = 3
"""Logs of so many earlier starts are kept."""


@dataclass(frozen=True)
class Order:
    """What is to be started.

    Attributes:
        python: Label Studio's interpreter; empty with `url`.
        url: an existing Label Studio, instead of one of ours; `token` is its administrator's.
        database: own, sqlite, an address, or None for what it was before.
        people: everybody who may log in; None leaves them as they are.
        host, port: where people open the gateway.
        origin: see annotation.server.settings.studio_environment.
    """

    root: str
    python: str
    database: str | None = field(repr=False)
    people: Sequence[Newcomer] | None
    host: str
    port: int
    origin: str = ""
    url: str = ""
    token: str = field(default="", repr=False)


class Stopped(BaseException):
    """The process was asked to stop. No error, so that nothing takes it for one."""


@dataclass
class Stop:
    """Whether the process was asked to stop; `at_once` while it may be torn out of what it does."""

    asked: bool = False
    at_once: bool = False

    def note(self, *_signal: object) -> None:
        self.asked = True
        if self.at_once:
            self.at_once = False
            raise Stopped

    def check(self) -> None:
        if self.asked:
            raise Stopped

    @contextmanager
    def may_interrupt(self) -> Iterator[None]:
        self.check()
        self.at_once = True
        try:
            yield
        finally:
            self.at_once = False


@dataclass
class Kept:
    """The parts that run, in the order in which they were started, and when each was started again."""

    root: Path
    say: Say
    stop: Stop
    parts: list[tuple[Service, Popen[bytes]]] = field(default_factory=list)
    again: dict[str, list[float]] = field(default_factory=dict)

    def add(self, service: Service) -> None:
        self.stop.check()
        self.say(f"starting {service.name} ({service.usual})")
        self.parts.append((service, bring_up(self._stoppable(service), self.say)))

    def watch(self) -> None:
        """Returns when asked to stop.

        Raises:
            SystemicError: a part died more often than it is started again.
        """
        while not self.stop.asked:
            for place, (service, process) in enumerate(self.parts):
                if is_over(process):
                    self._start_again(place, service, process)
            time.sleep(0.3)

    def end_all(self) -> None:
        while self.parts:
            service, process = self.parts.pop()
            self.say(f"ending {service.name}")
            if not end(process, service.ending):
                self.say(f"{service.name} did not end in time and was killed")
        remember(self.root, [])

    def _start_again(self, place: int, service: Service, process: Popen[bytes]) -> None:
        end(process, service.ending)
        now = time.monotonic()
        times = [then for then in self.again.get(service.name, []) if now - then < WITHIN_SECONDS]
        self.say(f"{service.name} ended of itself, with status {process.returncode}")
        if len(times) >= RESTARTS:
            raise SystemicError(
                service.name,
                f"ended {len(times) + 1} times within {WITHIN_SECONDS // 60} minutes",
                f"see {service.log}",
            )
        self.again[service.name] = [*times, now]
        self.parts[place] = (service, bring_up(self._stoppable(service), self.say))
        self.say(f"{service.name} runs again")

    def _stoppable(self, service: Service) -> Service:
        """The same service, whose start is remembered on disk and whose waiting ends when asked to stop."""

        def start() -> Popen[bytes]:
            process = service.start()
            others = [(each.name, kept.pid, each.ending) for each, kept in self.parts if each is not service]
            started: list[Started] = [
                started_as(*each) for each in (*others, (service.name, process.pid, service.ending))
            ]
            remember(self.root, started)
            return process

        def well() -> bool:
            self.stop.check()
            return service.well()

        return Service(
            service.name, start, well, service.log, service.ending, service.usual, service.patience_s
        )


def keep(order: Order, tell: Callable[..., None], stop: Stop) -> None:
    """Start everything, tell that it is ready, watch it until asked to stop, end everything.

    Raises:
        WorkspaceError: another process keeps this workspace's server.
        SystemicError: something cannot be started; what was started has ended then.
    """
    root = Path(order.root)
    with sole_keeper(root):
        # What a killed process has left must not be taken for ours.
        (root / FOLDER / "running.json").unlink(missing_ok=True)
        say = _saying(root, tell)
        end_what_was_left(root, say)
        require_free(order.host, order.port)
        kept = Kept(root, say, stop)
        try:
            running = _start(order, root, kept)
            write_running(root, running)
            tell(ready=asdict(running))
            kept.watch()
        finally:
            (root / FOLDER / "running.json").unlink(missing_ok=True)
            kept.end_all()
            say("everything has ended")


def _start(order: Order, root: Path, kept: Kept) -> Running:
    if order.url:
        studio = order.url
        with kept.stop.may_interrupt():
            people = ensure_people(root, order.people, accounts_over_http(studio, order.token))
    else:
        studio, people = _start_studio(order, root, kept)
    kept.add(gateway_service(root, studio, order.host, order.port))
    address, inner = addresses_of(order)
    note = _note_on(order, address)
    if note:
        kept.say(note)
    if people and order.people is not None:
        kept.say(f"log-ins to hand out: {write_logins(root, people, address, note)}")
    return Running(os.getpid(), studio, address, datetime.now(UTC).isoformat(timespec="seconds"), inner)


def addresses_of(order: Order) -> tuple[str, str]:
    """Where people open the gateway, and where Label Studio calls it; see annotation.private.Running."""
    people = order.origin or f"http://{from_elsewhere(order.host)}:{order.port}"
    return people, "" if order.url else f"http://{from_here(order.host)}:{order.port}"


def _note_on(order: Order, address: str) -> str:
    """What is to be known of an address that nobody has named."""
    if order.origin or order.host not in LOOPBACK_OF:
        return ""
    return (
        f"{address} is this machine ({socket.gethostname()}) as its network sees it. Where people open another "
        "address, start with --origin. Without HTTPS before it, passwords can be read on the way."
    )


def _start_studio(order: Order, root: Path, kept: Kept) -> tuple[str, list[Person]]:
    chosen = choose_database(root, order.database)
    python, database = Path(order.python), _start_database(chosen, root, kept)
    with kept.stop.may_interrupt():
        kept.say("making tables and accounts ready (10 s; the first time one to two minutes)")
        people = ensure_people(root, order.people, accounts_in(python, root, database, kept.say))
    remember_database(root, chosen)
    port = free_port()
    kept.add(studio_service(python, root, database, port, order.origin))
    return f"http://127.0.0.1:{port}", people


def _start_database(chosen: str, root: Path, kept: Kept) -> Database:
    if chosen == "sqlite":
        kept.say("warning: with SQLite, annotators who work at the same time may be given one clip too often")
    if chosen != "own":
        return read_database(chosen)
    account, port = account_to_run_as(), free_port()
    folder = ensure_cluster(root, kept.say, account)
    kept.add(postgres_service(root, folder, port, account))
    return own_database(root, folder, port)


@contextmanager
def sole_keeper(root: Path) -> Iterator[None]:
    """Hold the workspace's server; the lock goes with the process.

    Raises:
        WorkspaceError: another process holds it, for longer than it takes to look whether anybody does.
    """
    # Not truncated before it is ours: the number in it is the holder's.
    with (private_folder(root) / ".lock").open("a+") as lock:
        deadline = time.monotonic() + 1
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise WorkspaceError(
                    str(root), "its review server is started or kept by another process", "stop it first"
                )
            time.sleep(0.05)
        lock.truncate(0)
        print(os.getpid(), file=lock, flush=True)
        yield


def keeper_of(root: Path) -> int | None:
    """The process that keeps the server, or starts it; None for none.

    Its lock says so for sure: the number in a file that a killed process has left may by now be another's.
    """
    path = root / FOLDER / ".lock"
    if not path.exists():
        return None
    with path.open("r+") as lock:
        return None if _locked(lock) else int(lock.read() or 0) or None


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _saying(root: Path, tell: Callable[..., None]) -> Say:
    def say(text: str) -> None:
        print(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}", file=sys.stderr, flush=True)
        tell(say=text)

    return say


def rotate_logs(root: Path) -> None:
    """Move the logs of the last start aside; the oldest go."""
    folder = logs_folder(root)
    for log in [path for path in folder.glob("*.log") if path.stat().st_size]:
        for number in range(KEPT_LOGS, 0, -1):
            older = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
            if older.exists():
                older.replace(log.with_name(f"{log.name}.{number}"))


def main() -> int:
    order = _read_order(json.load(sys.stdin))
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(**what: object) -> None:
        if pipe.closed:
            return
        # Whoever started us may be gone; the server is kept all the same.
        with suppress(BrokenPipeError):
            print(json.dumps(what), file=pipe, flush=True)
        if "say" not in what:
            with suppress(BrokenPipeError):
                pipe.close()

    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop.note)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        keep(order, tell, stop)
    except Stopped:
        tell(error=["review server", "was stopped while it started", ""])
    except ClapperError as error:
        print(error, file=sys.stderr, flush=True)
        tell(error=[error.item, error.problem, error.action])
        return 1
    except Exception as error:
        traceback.print_exc()
        tell(error=["review server", f"{type(error).__name__}: {error}", "see keeper.log"])
        return 1
    return 0


def _read_order(told: dict) -> Order:
    people = told.pop("people")
    return Order(**told, people=None if people is None else [Newcomer(**row) for row in people])


if __name__ == "__main__":
    sys.exit(main())
