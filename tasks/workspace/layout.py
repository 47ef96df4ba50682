"""Where things lie in a workspace, and how files appear there: whole or not at all.

workspace/
  catalog/0000.parquet            videos as they were discovered, in shards that never change
  listings/                       what sites and folders listed, so that nobody is asked twice in a row
  raw/<video>.<ext>               as downloaded, with its info JSON
  clips/<video>/<clip>-<key>.mp4  normalised
  previews/<video>/<clip>-<checksum>.jpg   contact sheets
  stages/<stage>/<shard>/<key>.<generation>/{records,ledger}.parquet
  manifests/<dataset>/<shard>/<key>.parquet   rows of the manifest, as far as a shard decides them
  releases/<dataset>/<version>/   immutable
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import WorkspaceError

TEMPORARY = ".tmp-"
"""Files and folders whose name begins so are unfinished; the next run removes them."""


def open_workspace(path: str | Path) -> Path:
    """The absolute folder of a workspace, made if it is not there.

    Raises:
        WorkspaceError: for a URL (only local folders so far) or a folder that cannot be written.
    """
    if "://" in str(path):
        raise WorkspaceError(
            str(path), "object stores are not supported yet", "name a local or mounted folder"
        )
    root = Path(path).expanduser().absolute()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            str(root), f"cannot be made: {error.strerror}", "choose another folder"
        ) from error
    if not os.access(root, os.W_OK):
        raise WorkspaceError(str(root), "is not writable", "choose another folder, or mend its permissions")
    return root


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Hold the workspace for one run; the lock goes with the process, however it ends.

    Raises:
        WorkspaceError: when another run holds it.
    """
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkspaceError(
                str(root), "another run is at work in it", "wait for that run to end"
            ) from error
        sweep(root)
        yield


_ALWAYS_WHOLE = (
    "availability", "catalog", "clips", "duplicates", "exports", "manifests", "previews", "stages", "tombstones"
)  # fmt: skip


def sweep(root: Path) -> None:
    """Remove what killed runs left unfinished."""
    for folder in _ALWAYS_WHOLE:
        _remove((root / folder).rglob(f"{TEMPORARY}*"))
    # Versions appear whole: there is no need to look through the millions of files that they may hold.
    _remove((root / "releases").glob(f"*/{TEMPORARY}*"))


def _remove(unfinished: Iterable[Path]) -> None:
    for left in list(unfinished):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)


@contextmanager
def appearing(target: Path, linked: bool = False) -> Iterator[Path]:
    """A path to write a file or fill a folder at, which becomes `target` at the end, or vanishes.

    The content is synced before it is renamed, so a reader, or the next run after a power cut, sees all
    of it or nothing. An existing file is replaced; an existing folder is an error (folders are immutable).

    Args:
        linked: the folder holds hard links by the million. Their content was synced when it appeared under its
            first name: files of several names are passed over, and the names synced with the whole file system, once.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.parent / f"{TEMPORARY}{os.getpid()}-{target.name}"
    try:
        yield unfinished
        _sync(unfinished, linked)
        if linked:
            os.sync()
        unfinished.replace(target)
        _sync_folder(target.parent)
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
        else:
            unfinished.unlink(missing_ok=True)


def write_table(table: pa.Table, path: Path) -> None:
    """Write Parquet, zstd, without anything that depends on time or machine."""
    pq.write_table(table, path, compression="zstd")


def _sync(path: Path, linked: bool) -> None:
    if path.is_dir():
        for child in path.iterdir():
            _sync(child, linked)
        if not linked:
            _sync_folder(path)
    elif not (linked and path.stat().st_nlink > 1):
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
