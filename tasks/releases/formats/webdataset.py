"""Export as WebDataset: tar files of clips and their rows, read from first to last byte by many readers at once.

<split>-000000.tar …   <key>.mp4 and <key>.json (the row) for each clip
index.json             shards with their counts; clips whose media are not in them
by-reference/<split>/  rows of clips that may not be passed on, as Parquet

    dataset = webdataset.WebDataset("path/train-{000000..000007}.tar").decode()
    dataset = datasets.load_dataset("path", streaming=True)
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import ReleaseError
from schemas.manifest import MANIFEST
from tasks.releases.folder import Release
from tasks.releases.formats.exported import (
    Clip,
    Exported,
    Options,
    Tally,
    clips_of,
    media_form,
    withheld,
)
from tasks.releases.formats.tables import write_tables
from tasks.workspace.query import open_database
from tasks.workspace.stage import Row

SHARD_BYTES = 500_000_000
"""Where a shard ends: with the clip in which its bytes reach this."""


@dataclass(frozen=True)
class Shard:
    """One tar file of an export."""

    split: str
    name: str
    clips: int
    bytes: int
    milliseconds: int


def write_webdataset(
    release: Release, out: Path, options: Options, shard_bytes: int = SHARD_BYTES
) -> Exported:
    """Write the shards of a version, and an index of them.

    Clips are in the order of a digest of their ids, so that those of one video are not together; `limit` takes the
    first in this order. Equal input makes equal bytes. Clips that the version holds inside its tables are laid out
    as files beside `out` meanwhile.

    Raises:
        ReleaseError: the version has no clips, or one's file is not as it was.
    """
    if media_form(release) == "reference":
        raise ReleaseError(
            f"{release.dataset} {release.version}",
            "has its clips by reference alone, and shards hold clips",
            "export it with `--layout parquet`",
        )
    out.mkdir(parents=True, exist_ok=True)
    tally, shards = Tally(), []
    with tempfile.TemporaryDirectory(prefix=".tmp-clips-", dir=out.parent) as folder:
        scratch = Path(folder)
        laid_out = _lay_out(release, options, scratch)
        for split in options.splits:
            clips = _by_digest(release, split, options, laid_out, tally, scratch)
            shards += _write_shards(clips, out, split, shard_bytes)
            if tally.exported().left_out:
                kept_back = _kept_back(release, split, options, scratch)
                write_tables(kept_back, out / "by-reference" / split, "reference", lambda group: ())
    made = tally.exported(by_reference=True)
    index = {
        "dataset": release.dataset,
        "version": release.version,
        "shards": [asdict(shard) for shard in shards],
    }
    left_out = [
        {"reason": share.reason, "clips": share.parts, "milliseconds": share.milliseconds}
        for share in made.left_out
    ]
    text = json.dumps(index | {"left_out": left_out}, indent=1)
    (out / "index.json").write_text(text + "\n", encoding="utf-8")
    return made


def key_of(clip_id: str) -> str:
    """A clip's name in a shard: what follows the first dot of a name is taken for its kind."""
    return clip_id.replace(".", "%2E")


def row_columns(release: Release) -> list[str]:
    """The columns of a row in a shard: those of MANIFEST that the version has, but where its file was."""
    known = pq.read_schema(release.files()[0]).names
    return [name for name in MANIFEST.names if name in known and name != "path"]


def _write_shards(clips: Iterator[Clip], out: Path, split: str, shard_bytes: int) -> list[Shard]:
    shards: list[Shard] = []
    with ExitStack() as stack:
        tar: tarfile.TarFile | None = None
        for clip in clips:
            if tar is None:
                name = f"{split}-{len(shards):06d}.tar"
                tar = stack.enter_context(tarfile.open(out / name, "w", format=tarfile.PAX_FORMAT))
                shards.append(Shard(split, name, 0, 0, 0))
            _add(tar, clip)
            last = shards[-1]
            shards[-1] = Shard(
                split, last.name, last.clips + 1, tar.offset, last.milliseconds + clip.row["duration_ms"]
            )
            if tar.offset >= shard_bytes:
                tar.close()
                tar = None
    return [Shard(**asdict(shard) | {"bytes": (out / shard.name).stat().st_size}) for shard in shards]


def _add(tar: tarfile.TarFile, clip: Clip) -> None:
    """A clip and its row as two members that carry no time and no owner."""
    text = json.dumps(clip.row, ensure_ascii=False, allow_nan=False).encode()
    for suffix, content in (("mp4", clip.read()), ("json", text)):
        member = tarfile.TarInfo(f"{key_of(clip.row['clip_id'])}.{suffix}")
        member.size, member.mode = len(content), 0o444
        tar.addfile(member, io.BytesIO(content))


def _lay_out(release: Release, options: Options, scratch: Path) -> Path | None:
    """The clips of a version that holds them inside, as files; None where they are files already."""
    if media_form(release) != "inside":
        return None
    wanted = None
    if options.limit is not None:
        rows = (row for split in options.splits for row in _sorted_rows(release, split, options, scratch))
        wanted = {row["clip_id"] for row in rows}
    folder = scratch / "clips"
    folder.mkdir()
    for clip in clips_of(release, replace(options, limit=None)):
        if (wanted is None or clip.row["clip_id"] in wanted) and withheld(clip.row, options) is None:
            (folder / clip.row["clip_id"]).write_bytes(clip.read())
    return folder


def _by_digest(
    release: Release, split: str, options: Options, laid_out: Path | None, tally: Tally, scratch: Path
) -> Iterator[Clip]:
    """The clips of a split that may be passed on, in the order of a digest of their ids; each counted."""
    for row in _sorted_rows(release, split, options, scratch):
        reason = withheld(row, options)
        tally.add(reason, row["duration_ms"])
        options.advance(row["duration_ms"])
        if reason is None:
            path = row.pop("path")
            file = laid_out / row["clip_id"] if laid_out else release.folder / path
            yield Clip(row, file, None)


def _kept_back(release: Release, split: str, options: Options, scratch: Path) -> Iterator[pa.RecordBatch]:
    """The rows whose clips may not be passed on, in the same order."""
    for row in _sorted_rows(release, split, options, scratch):
        if withheld(row, options) is not None:
            yield pa.RecordBatch.from_pylist([row], schema=MANIFEST)


def _sorted_rows(release: Release, split: str, options: Options, scratch: Path) -> Iterator[Row]:
    """The rows that an export asks for, in the order of a digest of their ids; what memory cannot hold spills."""
    files = [file for file in release.files() if file.parent.name == split]
    if not files:
        return
    with open_database(scratch, clips=files) as database:
        columns = ", ".join(f'"{name}"' for name in ("path", *row_columns(release)))
        limit = 2**62 if options.limit is None else options.limit
        query = f"SELECT {columns} FROM clips ORDER BY md5(clip_id), clip_id LIMIT $most"
        ordered = database.sql(query, params={"most": limit})
        for batch in ordered.to_arrow_reader(1_024):
            yield from batch.to_pylist()
