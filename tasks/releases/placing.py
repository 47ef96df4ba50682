"""The manifest of a version as it is stored, and its clips: written as the parts are read, flat in memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from queue import Full, Queue

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.errors import ReleaseError
from schemas.publishing import MediaForm
from schemas.sections import SPLITS
from tasks.releases.crew import in_turn
from tasks.releases.formats.media import media_path
from tasks.releases.formats.tables import write_tables
from tasks.splits import Splitting

_WAITING_AT_MOST = 4
READ_ONLY = 0o444

Report = Callable[[int], None]
"""Told how many more clips are in their place."""


def place(
    parts: Iterable[Path], splitting: Splitting, root: Path, folder: Path, media: MediaForm, report: Report
) -> None:
    """Write data/<split>/part-*.parquet from parts of a manifest, and put the clips where the rows name them.

    Each split is written by a thread of its own while this one reads on; at most a few parts wait for it.

    Args:
        root: the workspace, to which the parts' column `file` is relative.
        media: hard links where possible, else copies (`path`); bytes in the tables (`inside`); nothing (`reference`).

    Raises:
        ReleaseError: a clip's file is gone or has changed size since it was normalised.
    """

    def clips_of(rows: pa.RecordBatch) -> list[Path]:
        return [root / file for file in rows["file"].to_pylist()]

    with ThreadPoolExecutor(len(SPLITS)) as pool:
        shelves = {split: _Shelf.open(pool, folder / "data" / split, media, clips_of) for split in SPLITS}
        try:
            for split, rows in _sorted_out(parts, splitting):
                if media == "path":
                    link_clips(rows, clips_of(rows), folder)
                shelves[split].put(rows)
                report(rows.num_rows)
        finally:
            for shelf in shelves.values():
                shelf.put(None)
        for shelf in shelves.values():
            shelf.written.result()


def _sorted_out(parts: Iterable[Path], splitting: Splitting) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The rows of one part after the other by split, without those that are withheld; parts are read ahead."""
    side_of = _Sides.of(splitting)
    withheld = splitting.withheld["clip_id"].combine_chunks()

    def by_split(part: Path) -> list[tuple[str, pa.RecordBatch]]:
        table = pq.read_table(part, partitioning=None, use_threads=False)
        if len(withheld):
            table = table.filter(pc.invert(pc.is_in(table["clip_id"], withheld)))
        side = side_of.each(table["video_id"])
        order = np.argsort(side, kind="stable")
        named = table.take(order).append_column("split", pa.array(SPLITS).take(pa.array(side[order])))
        rows, ends = named.combine_chunks().to_batches(), np.searchsorted(side[order], range(len(SPLITS) + 1))
        return [
            (split, rows[0].slice(first, end - first))
            for split, (first, end) in zip(SPLITS, pairwise(ends.tolist()), strict=True)
            if end > first
        ]

    for _, sorted_out in in_turn(parts, by_split):
        yield from sorted_out


@dataclass(frozen=True)
class _Shelf:
    """The rows of one split on their way to its tables.

    Attributes:
        waiting: at most a few batches; None says that no more come.
        written: done when all of them are, or as soon as something went wrong.
    """

    waiting: Queue[pa.RecordBatch | None]
    written: Future

    @staticmethod
    def open(pool: Executor, folder: Path, media: MediaForm, clips_of: Callable) -> _Shelf:
        waiting: Queue[pa.RecordBatch | None] = Queue(_WAITING_AT_MOST)
        return _Shelf(waiting, pool.submit(write_tables, iter(waiting.get, None), folder, media, clips_of))

    def put(self, rows: pa.RecordBatch | None) -> None:
        """Hand on rows; waits while there is no room, but not for a writer that has ended."""
        while not self.written.done():
            with suppress(Full):
                self.waiting.put(rows, timeout=1)
                return


@dataclass(frozen=True)
class _Sides:
    """The split of each video, found by halving: as small as its ids, and asked for many at a time.

    Attributes:
        videos: bytes (videos,), in order.
        sides: int8 (videos,): which of SPLITS.
    """

    videos: np.ndarray
    sides: np.ndarray

    @staticmethod
    def of(splitting: Splitting) -> _Sides:
        table = splitting.assignments
        videos = _as_bytes(table["video_id"])
        order = np.argsort(videos, kind="stable")
        sides = pc.index_in(table["split"], pa.array(SPLITS)).to_numpy().astype(np.int8)
        return _Sides(videos[order], sides[order])

    def each(self, videos: pa.ChunkedArray) -> np.ndarray:
        """int8 (rows,): the place in SPLITS of each row's split; all videos are known."""
        asked = videos.combine_chunks().dictionary_encode()
        places = np.searchsorted(self.videos, _as_bytes(asked.dictionary))
        return self.sides[places][asked.indices.to_numpy()]


def _as_bytes(ids: pa.Array | pa.ChunkedArray) -> np.ndarray:
    width = pc.max(pc.binary_length(ids)).as_py() or 1
    chunks = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    return np.concatenate(
        [np.empty(0, f"S{width}"), *(np.array(chunk.to_pylist(), f"S{width}") for chunk in chunks)]
    )


def link_clips(rows: pa.RecordBatch, clips: Sequence[Path], folder: Path) -> None:
    """Put clips where their rows say: hard links where possible, which take no room, else copies.

    Nobody may write to them: neither a version nor a normalised clip ever changes, and the two are one file.

    Raises:
        ReleaseError: a clip's file is gone or has changed size since it was normalised.
    """
    made = None
    names = ("bytes", "split", "video_id", "clip_id")
    for clip, size, *ids in zip(clips, *(rows[name].to_pylist() for name in names), strict=True):
        _check(clip, ids[-1], size)
        target = folder / media_path(*ids)
        if target.parent != made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made = target.parent
        try:
            os.link(clip, target)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(clip, target)
        with suppress(PermissionError):  # somebody else's clip, which is not ours to protect
            target.chmod(READ_ONLY)


def _check(clip: Path, clip_id: str, size: int) -> None:
    try:
        found = clip.stat().st_size
    except FileNotFoundError:
        found = None
    if found != size:
        raise ReleaseError(
            clip_id,
            f"its file should have {size} bytes and {'is gone' if found is None else f'has {found}'}",
            "remove the folder of its video under stages/normalize, and run again",
        )
