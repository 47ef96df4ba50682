"""The gateway as a process: python -m annotation.server.gateway_process WORKSPACE STUDIO HOST PORT."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import uvicorn

from annotation.private import private_folder
from annotation.server.addresses import from_here
from annotation.server.processes import environment_of_ours, launch
from annotation.server.services import Service, logs_folder
from annotation.server.studio import KEEP_ALIVE_SECONDS


def gateway_service(root: Path, studio: str, host: str, port: int) -> Service:
    """The gateway that people open, in front of the Label Studio at `studio`."""
    command = [sys.executable, "-m", __name__, str(root.absolute()), studio, host, str(port)]
    environment = environment_of_ours()
    empty, log = private_folder(root) / "empty", logs_folder(root) / "gateway.log"
    return Service(
        "gateway",
        start=lambda: launch(command, environment, empty, log),
        well=lambda: _answers(f"http://{from_here(host)}:{port}/health"),
        log=log,
        usual="1 to 3 s",
    )


def _answers(url: str) -> bool:
    try:
        httpx.get(url, timeout=2, trust_env=False)
    except httpx.HTTPError:
        return False
    return True


def main() -> None:
    root, studio, host, port = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    # What they import is much, and the process that keeps this one must start quickly.
    from annotation.exchange.nudge import on_answer
    from annotation.gateway.app import gateway_app

    # Addresses of clips are signed: whoever reads a log of them could open them.
    app = gateway_app(root, studio, on_answer=on_answer(root))
    uvicorn.run(
        app, host=host, port=port, log_level="warning", access_log=False, server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=5,
    )  # fmt: skip


if __name__ == "__main__":
    main()
