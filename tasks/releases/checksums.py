"""SHA256SUMS of a version: a line for each file, by name, in the form of `sha256sum`.

Clips have the checksum with which they were made, not one of what is there now: a later change shows.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from pathlib import Path

from tasks.releases.folder import manifest_files
from tasks.workspace.query import open_database

SUMS = "SHA256SUMS"


@dataclass(frozen=True, order=True)
class Sum:
    """A file of a version by its name within it, and what its SHA-256 (hex) should be."""

    name: str
    sha256: str


def write_checksums(folder: Path, scratch: Path) -> None:
    """Write SHA256SUMS of all that is in the folder; clips are taken from the manifest's `path` and `sha256`."""
    with open_database(scratch, clips=manifest_files(folder)) as database, (folder / SUMS).open("w") as sums:
        answer = database.sql("SELECT path, sha256 FROM clips WHERE path IS NOT NULL ORDER BY path")
        clips = (
            Sum(*row)
            for batch in answer.to_arrow_reader(65_536)
            for row in zip(*_columns(batch), strict=True)
        )
        others = (
            Sum(name, sha256_of(folder / name)) for name in file_names(folder, clips=False) if name != SUMS
        )
        sums.writelines(f"{each.sha256}  {each.name}\n" for each in merge(clips, others))


def read_checksums(folder: Path) -> Iterator[Sum]:
    """The lines of SHA256SUMS, by name; a line that is none is passed over."""
    with (folder / SUMS).open(encoding="utf-8", errors="replace") as sums:
        for line in sums:
            checksum, gap, name = line.rstrip("\n").partition("  ")
            if gap:
                yield Sum(name, checksum)


def fingerprint(folder: Path) -> str:
    """SHA-256 (hex) of a version's SHA256SUMS: it stands for the version as a whole, and can be cited."""
    return sha256_of(folder / SUMS)


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_names(folder: Path, clips: bool = True, within: str = "") -> Iterator[str]:
    """The names of all files in a version, in order, one folder in memory at a time.

    Args:
        clips: whether to look into the folders of clips, data/<split>/media.
    """
    with os.scandir(folder / within) as found:
        entries = sorted(
            (entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name) for entry in found
        )
    for entry in entries:
        name = within + entry
        if not entry.endswith("/"):
            yield name
        elif clips or not is_media_folder(name):
            yield from file_names(folder, clips, name)


def is_media_folder(name: str) -> bool:
    """Whether a folder, named with its last stroke, is one of those that hold clips."""
    return name.startswith("data/") and name.endswith("/media/") and name.count("/") == 3


def _columns(batch) -> list[list[str]]:
    return [column.to_pylist() for column in batch.columns]
