"""A published version: a folder that appeared whole, is complete in itself and never changes.

releases/<dataset>/<version>/
  data/<split>/part-00000.parquet …     schemas.manifest.MANIFEST, and what `formats.features` adds; no split is empty
  data/<split>/media/<video>/<clip>.mp4  the clips, unless the recipe keeps them inside the tables or not at all
  splits.parquet                 SPLIT_TABLE: every assignment ever made; later versions keep to it
  changes.parquet                CHANGES: what differs from the version before, clip by clip
  withheld.parquet               WITHHELD: clips that are fit and left out, lest they leak into another split
  tombstones.parquet             TOMBSTONES: videos taken down, id and date only
  leakage.json                   the leakage certificate
  provenance.json                code, libraries, models, prompt
  README.md  croissant.json  CITATION.bib  CHANGES.md  report.html  recipe.yaml  figures/  SHA256SUMS
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.workspace.stage import Row

_AT_ONCE = 8192


@dataclass(frozen=True)
class Release:
    """A published version."""

    dataset: str
    version: str
    folder: Path

    def files(self) -> list[Path]:
        """The Parquet files of its manifest, train, dev and test, in order."""
        return manifest_files(self.folder)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Some columns of all rows; whole rows only of small versions."""
        return pa.concat_tables(
            pq.read_table(file, columns=columns, partitioning=None) for file in self.files()
        )

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows, some at a time, in stored order."""
        for file in self.files():
            yield from pq.ParquetFile(file).iter_batches(_AT_ONCE, columns=columns)

    def rows(self) -> list[Row]:
        """All manifest rows as objects; for small versions and tests."""
        return self.table().to_pylist()

    def assignments(self) -> dict[str, str]:
        """The split of every video that this or an earlier version assigned."""
        table = pq.read_table(self.folder / "splits.parquet", columns=["video_id", "split"])
        return dict(zip(*(column.to_pylist() for column in table.columns), strict=True))


def manifest_files(folder: Path) -> list[Path]:
    """The Parquet files of a version's manifest, be it published or in the making."""
    return [
        file for split in ("train", "dev", "test") for file in sorted(folder.glob(f"data/{split}/*.parquet"))
    ]


def releases(root: Path, dataset: str) -> list[Release]:
    """All versions of a dataset, oldest first."""
    folders = (root / "releases" / dataset).glob("[0-9]*.[0-9]*.[0-9]*")
    ordered = sorted(folders, key=lambda folder: tuple(map(int, folder.name.split("."))))
    return [Release(dataset, folder.name, folder) for folder in ordered]


def latest_release(root: Path, dataset: str) -> Release | None:
    return next(iter(reversed(releases(root, dataset))), None)
