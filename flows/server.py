"""A Prefect server for runs from the command line, where no other is configured.

Prefect would start an ephemeral one, which loses most of what it is told (facts: 54 of 2,000 task runs
were recorded) and gives up after 20 s; this is a real server on loopback that ends with the command. Its
database lies in the workspace and may be deleted at any time.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from schemas.errors import WorkspaceError

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
}
"""No telemetry, and never an ephemeral server."""

BATCHED = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
}
"""A third of the server's work per task run."""

START_SECONDS = 120
PR_SET_PDEATHSIG = 1


def configured_api() -> str | None:
    """The Prefect API that the environment or the active profile names, if any."""
    from prefect.settings import PREFECT_API_URL

    return PREFECT_API_URL.value()


@contextmanager
def prefect_api(root: Path) -> Iterator[str]:
    """The API to run against: the configured one, or a server of our own for as long as the context lasts.

    Raises:
        WorkspaceError: when our server does not come up; its log's path and last lines are in the message.
    """
    configured = configured_api()
    if configured:
        yield configured
        return
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

    home = root / ".prefect"
    home.mkdir(exist_ok=True)
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    server = _start(home, port)
    try:
        _wait_until_healthy(server, url, home / "server.log")
        with temporary_settings({PREFECT_API_URL: url, PREFECT_HOME: home}):
            yield url
    finally:
        _stop(server)


def _start(home: Path, port: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, **QUIET, **BATCHED, "PREFECT_HOME": str(home)}
    with (home / "server.log").open("wb") as log:
        return subprocess.Popen(
            command, env=environment, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=_end_with_parent,
        )  # fmt: skip


def _end_with_parent() -> None:
    # If the command is killed, nothing of ours is left to stop the server: the kernel does it.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait_until_healthy(server: subprocess.Popen, url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=1).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    tail = " / ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
    raise WorkspaceError(
        str(log), f"the Prefect server did not come up in {START_SECONDS} s: {tail}", "see the log"
    )


def _stop(server: subprocess.Popen) -> None:
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
