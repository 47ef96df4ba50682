"""What came of a push, and what every place that is pushed to has in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ReleaseError
from tasks.releases.checksums import SUMS, file_names

HUB = "hf://datasets/"


@dataclass(frozen=True)
class Pushed:
    """What came of a push.

    Attributes:
        where: what to hand to somebody who wants to load it.
        files, bytes: what was sent now; files that an earlier push had sent are not in it.
        was_there: the version was there, with the same checksums.
    """

    where: str
    files: int
    bytes: int
    was_there: bool = False


Report = Callable[[int], None]
"""Told how many more bytes are there."""


def refuse_other(where: str, theirs: str, ours: str) -> None:
    """A version that is there must be the one that is to be pushed.

    Raises:
        ReleaseError: it has other checksums.
    """
    if theirs != ours:
        differing = len(set(theirs.splitlines()) ^ set(ours.splitlines()))
        raise ReleaseError(
            where,
            f"is there already, and is another: {differing} lines of {SUMS} differ",
            "a version is never overwritten; push to another place, or with the options of the first push",
        )


def names_to_send(export: Path) -> list[str]:
    """All files of an export but its checksums, which are sent last."""
    return [name for name in file_names(export) if name != SUMS]
