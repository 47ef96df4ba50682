"""Starting and stopping the review server of a workspace.

with review_server(root, read_list(Path("people.csv"))) as running:
    print(running.gateway)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from annotation.private import FOLDER, Running, private_folder, read_running
from annotation.server.environment import ensure_studio
from annotation.server.keeper import Order, keeper_of, rotate_logs, sole_keeper
from annotation.server.people import Newcomer
from annotation.server.processes import end_what_was_left, environment_of_ours
from annotation.server.services import Say, last_words, logs_folder
from schemas.errors import SystemicError, WorkspaceError

PORT = 8080

STOPPING_SECONDS = 90
"""All parts together need a few seconds; one that hangs is killed after twenty."""


def start(
    root: Path,
    people: Sequence[Newcomer] | None = None,
    database: str | None = None,
    port: int | None = None,
    host: str = "127.0.0.1",
    origin: str = "",
    url: str = "",
    token: str = "",
    say: Say = print,
) -> Running:
    """Start the review server, in a process that stays when this one ends.

    Args:
        people: everybody who may log in (see annotation.server.people.read_list); None leaves them as they were.
        database: own (a PostgreSQL cluster in the workspace), sqlite, postgres://user:password@host:port/name, or
            None for what it was before, at first own.
        port: where people open it; 8080 if None.
        host: 0.0.0.0 to let other machines in; people are then told this machine's address in its network.
        origin: what people have in the address line, such as https://review.example.org, where a proxy speaks
            HTTPS for us.
        url, token: an existing Label Studio and its administrator's token, instead of one of ours.
        say: told what is going on.

    Returns:
        The servers that run, all of them well.

    Raises:
        WorkspaceError: it runs already; the error says where.
        SystemicError: a port is taken, a program is missing, a part does not start. Nothing runs then.
    """
    if url and not token:
        raise SystemicError(url, "needs a token of its administrator", "set CLAPPER_REVIEW_TOKEN")
    root = root.absolute()
    _require_writable(root)
    _require_stopped(root)
    # Installed here, where somebody sees it and can interrupt it.
    python = "" if url else str(ensure_studio(say))
    order = Order(
        str(root), python, database, people, host, port or PORT, origin.rstrip("/"), url.rstrip("/"), token
    )
    with sole_keeper(root):
        rotate_logs(root)
    return _await(_launch(root, order), root, say)


def stop(root: Path, say: Say = print) -> bool:
    """Stop the review server, also what a killed one has left; whether there was anything to stop.

    Raises:
        SystemicError: it does not stop.
    """
    root = root.absolute()
    if not (root / FOLDER).exists():
        return False
    keeper = keeper_of(root)
    if keeper is not None:
        say(f"stopping the review server (process {keeper})")
        with suppress(ProcessLookupError):
            os.kill(keeper, signal.SIGTERM)
    deadline = time.monotonic() + STOPPING_SECONDS
    while keeper_of(root) is not None:
        if time.monotonic() > deadline:
            raise SystemicError(
                str(root),
                f"its review server has not ended after {STOPPING_SECONDS} s",
                f"see {logs_folder(root) / 'keeper.log'}",
            )
        time.sleep(0.1)
    with sole_keeper(root):
        left = end_what_was_left(root, say)
        (root / FOLDER / "running.json").unlink(missing_ok=True)
    return keeper is not None or bool(left)


@contextmanager
def review_server(
    root: Path,
    people: Sequence[Newcomer] | None = None,
    database: str | None = None,
    port: int | None = None,
    **more: str | Say,
) -> Iterator[Running]:
    """The review server while a block runs; see `start`."""
    running = start(root, people, database, port, **more)  # type: ignore[arg-type]
    try:
        yield running
    finally:
        stop(root)


def _launch(root: Path, order: Order) -> subprocess.Popen[str]:
    environment = environment_of_ours()
    folder = private_folder(root) / "empty"
    folder.mkdir(exist_ok=True)
    descriptor = os.open(logs_folder(root) / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "annotation.server.keeper"], env=environment, cwd=folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
        )  # fmt: skip
    if keeper.stdin is not None:
        # Through the pipe, since anybody can read a command line.
        keeper.stdin.write(json.dumps(asdict(order)))
        keeper.stdin.close()
    return keeper


def _await(keeper: subprocess.Popen[str], root: Path, say: Say) -> Running:
    """Pass on what the keeper says until it is ready. Interrupted, it takes the keeper down with it."""
    try:
        for line in keeper.stdout or ():
            told = json.loads(line)
            if "ready" in told:
                # Somebody must take note of its end, or it would seem to run for as long as we do.
                threading.Thread(target=keeper.wait, daemon=True).start()
                return Running(**told["ready"])
            if "error" in told:
                keeper.wait()
                raise SystemicError(*told["error"])
            say(told["say"])
    except BaseException:
        keeper.terminate()
        keeper.wait()
        raise
    keeper.wait()
    raise SystemicError(
        "review server",
        f"ended before it was ready: {last_words(logs_folder(root) / 'keeper.log')}",
        f"see {logs_folder(root)}",
    )


def _require_writable(root: Path) -> None:
    try:
        private_folder(root)
    except OSError as error:
        raise WorkspaceError(
            str(root), f"cannot be written: {error.strerror}", "give a folder of yours with --workspace"
        ) from error


def _require_stopped(root: Path) -> None:
    if keeper_of(root) is None:
        return
    running = read_running(root)
    where = f"runs already, at {running.gateway} (process {running.pid})" if running else "is being started"
    raise WorkspaceError(str(root), f"its review server {where}", "stop it first: clapper review stop")
