"""Ends what tests have started when the process that runs the tests is killed and can end nothing any more.

A process of its own waits for the end of a pipe whose other end only the tests hold, and then stops the servers of
all workspaces that it was told of. After tests that have ended as they should there is nothing left to stop.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TextIO

from tests.conftest import ROOT


def end_with_us(root: Path) -> None:
    """Have the servers of a workspace stopped when this process ends, however that comes about.

    They are found as `clapper review stop` finds them: by their keeper, or by annotation.server.processes.remember.
    """
    print(root.absolute(), file=_pipe(), flush=True)


@cache
def _pipe() -> TextIO:
    watcher = subprocess.Popen(
        # Apart from the terminal and the group, so that what kills the tests does not kill it.
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, text=True, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    if watcher.stdin is None:
        raise RuntimeError("the watcher was started without a pipe")
    return watcher.stdin


def main() -> None:
    roots = [Path(line.rstrip("\n")) for line in sys.stdin]
    if not roots:
        return
    from annotation.server.start import stop
    from schemas.errors import ClapperError

    for root in dict.fromkeys(reversed(roots)):
        with suppress(ClapperError, OSError):  # the others are to be stopped all the same
            stop(root)


if __name__ == "__main__":
    main()
