"""A running decoder, watched: hostile input may crash it or hang it, and only it.

with WatchedProcess(argv, item="interview.mkv") as decoder:
    data = decoder.read(65536)
    ...
    decoder.finish()             # raises when it failed
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from schemas.errors import MediaError, ToolMissing

STALL_SECONDS = 120.0
"""How long a decoder may keep a reader waiting before it is stopped."""

_EXIT_SECONDS = 30.0


def own_module(name: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Command line and environment that run a module of this project, wherever it is installed.

    The folder that we happen to be in does not lend its modules to the child.
    """
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join([root, *filter(None, sys.path)])
    return [sys.executable, "-P", "-m", name, *arguments], {**os.environ, "PYTHONPATH": paths}


class WatchedProcess:
    """A program in a process group of its own, whose standard output is read like a file.

    One thread beside it drains its messages (the last eight are kept for errors) and stops the whole group
    when a reader has waited longer than `stall_s` for a byte. Leaving the `with` block stops the program if it
    still runs and reaps it; when this process dies, the program ends at its next write.

    Args:
        item: what it works on, for errors.
        name: what errors call it.
        environment: its environment variables; None hands on ours.

    Raises:
        ToolMissing: the program is not installed.
    """

    def __init__(
        self,
        argv: Sequence[str],
        item: str,
        stall_s: float = STALL_SECONDS,
        name: str = "ffmpeg",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._item, self._stall_s, self._name = item, stall_s, name
        self._waiting_since: float | None = None
        self._stalled = False
        self._messages: deque[str] = deque(maxlen=8)
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                env=environment,
            )
        except FileNotFoundError as error:
            raise ToolMissing(argv[0], "is not on this machine", "install ffmpeg 5.1 or later") from error
        self._watcher = threading.Thread(target=self._watch, name=f"watch-{self._process.pid}", daemon=True)
        self._watcher.start()

    def __enter__(self) -> WatchedProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def read(self, size: int) -> bytes:
        """At most `size` bytes; empty at the end. What came may be less, as from any pipe."""
        self._waiting_since = time.monotonic()
        try:
            return self._process.stdout.read(size)
        finally:
            self._waiting_since = None

    def finish(self) -> None:
        """Wait for the end after the last byte.

        Raises:
            MediaError: it failed, crashed or was stopped for stalling; with its last messages.
        """
        try:
            status = self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._stalled = True
            self._kill()
            status = self._process.wait()
        self._watcher.join()
        if self._stalled:
            problem = f"{self._name} gave nothing for {self._stall_s:g} s and was stopped"
            raise MediaError(self._item, problem, "look at the file; try again on a machine with less load")
        if status != 0:
            said = "; ".join(list(self._messages)[-3:]) or "without a message"
            how = f"crashed ({signal.strsignal(-status)})" if status < 0 else f"ended with status {status}"
            raise MediaError(self._item, f"{self._name} {how}: {said}", "download it again")

    def close(self) -> None:
        """Stop the program if it still runs, and leave neither process nor thread nor open pipe behind."""
        self._kill()
        self._process.wait()
        self._watcher.join()
        self._process.stdout.close()
        self._process.stderr.close()

    def _kill(self) -> None:
        # A process that has not been waited for keeps its id, so this can never hit a stranger.
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def _watch(self) -> None:
        messages = self._process.stderr.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(messages, selectors.EVENT_READ)
            while True:
                if selector.select(timeout=1.0):
                    chunk = os.read(messages, 65536)
                    if not chunk:
                        return
                    self._messages.extend(chunk.decode(errors="replace").split("\n")[-8:])
                since = self._waiting_since
                if since is not None and time.monotonic() - since > self._stall_s:
                    self._stalled = True
                    self._kill()
