"""Take all that was made of some videos out of a workspace, and leave all else as if they had never been there.

A stage's table is named after the keys of its items. Without some of these it has another name: what it holds of the
others is written under that, which is just where the next run looks for it, and the old table goes. So nothing is
computed anew. Everything here may be killed at any moment and done again.

Published versions are not touched: they never change.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.workspace.catalog import catalog_files
from tasks.workspace.layout import appearing, write_table
from tasks.workspace.outputs import Entry, Output, append_to_journal, read_journal, read_output, write_output
from tasks.workspace.reconcile import table_name
from tasks.workspace.stage import Row

MEDIA = ("clips", "previews")
"""Folders with one folder for each video."""

COMPARES = "duplicates"
"""The stage whose entries on one clip speak of another: they fall with it, and the next run judges the clip anew."""


@dataclass(frozen=True)
class Held:
    """What the stages hold of some videos, as far as it is needed to find more of them elsewhere.

    Attributes:
        source_sha256: of the source files, by video; none of a video that was never downloaded.
        clip_sha256: clip id to the checksum of its file; several where it was cut anew.
        answer_keys: under which a model's answers about the clips are kept.
        shards: those that the videos are in.
    """

    source_sha256: Mapping[str, tuple[str, ...]]
    clip_sha256: Mapping[str, tuple[str, ...]]
    answer_keys: frozenset[str]
    shards: frozenset[str]


def _tables(root: Path, shards: Collection[str]) -> list[Path]:
    """The folders of the tables, old and present, that may speak of videos of some shards."""
    stages = root / "stages"
    found = {table for shard in shards or ["*"] for table in stages.glob(f"*/{shard}/*.[0-9]*")}
    return sorted(found | set(stages.glob(f"{COMPARES}/*/*.[0-9]*")))


def held(root: Path, videos: Collection[str]) -> Held:
    """Look what the catalogue and the stages' tables and journals hold of some videos."""
    wanted, placed = set(videos), {}
    found: dict[str, dict[str, set[str]]] = {"download": {}, "normalize": {}}
    for file in catalog_files(root):
        for row in _rows_of(file, wanted, ["video_id", "sha256", "shard"]):
            placed[row["video_id"]] = row["shard"]
            found["download"].setdefault(row["video_id"], set()).update({row["sha256"]} - {None})
    # A video that the catalogue has no more, since an earlier takedown was killed, may be anywhere.
    shards, answers = set(placed.values()), set()
    for stage, shard, row in _records_of(root, wanted, shards if wanted <= placed.keys() else {"*"}):
        shards.add(shard)
        if stage == "download" and row["sha256"]:
            found[stage].setdefault(row["video_id"], set()).add(row["sha256"])
        elif stage == "normalize":
            found[stage].setdefault(row["clip_id"], set()).add(row["sha256"])
        elif stage == "offscreen" and row["answer_key"]:
            answers.add(row["answer_key"])
    sources, clips = ({item: tuple(sorted(sums)) for item, sums in found[stage].items()} for stage in found)
    return Held(sources, clips, frozenset(answers), frozenset(shards))


_TELLING = {
    "download": ["video_id", "sha256"],
    "normalize": ["video_id", "clip_id", "sha256"],
    "offscreen": ["video_id", "answer_key"],
}
"""The stages that say where else something is kept, with the columns that do."""


def _records_of(
    root: Path, videos: Collection[str], shards: Collection[str]
) -> Iterator[tuple[str, str, Row]]:
    """Stage, shard and each row of the telling stages, in tables and in journals; of all shards for `*`."""
    for stage, columns in _TELLING.items():
        for folder in (place for shard in sorted(shards) for place in (root / "stages" / stage).glob(shard)):
            for table in sorted(folder.glob("*.[0-9]*")):
                for row in _rows_of(table / "records.parquet", videos, columns):
                    yield stage, folder.name, row
            for entry in read_journal(folder / "journal.jsonl"):
                if entry.outcome["video_id"] in videos:
                    yield from ((stage, folder.name, row) for row in entry.rows)


def _rows_of(file: Path, videos: Collection[str], columns: Sequence[str]) -> list[Row]:
    table = pq.ParquetFile(file).read(columns=columns)
    return table.filter(pc.is_in(table["video_id"], _texts(videos))).to_pylist()


def same_files(root: Path, checksums: Collection[str], besides: Collection[str] = ()) -> list[str]:
    """Other videos of which a source file has one of some checksums: the very same file under another id."""
    found: set[str] = set()
    for folder in sorted((root / "stages" / "download").glob("*/*.[0-9]*")):
        found |= _with_checksum(folder / "records.parquet", checksums)
    for file in catalog_files(root):
        found |= _with_checksum(file, checksums)
    return sorted(found - {*besides})


def _with_checksum(file: Path, checksums: Collection[str]) -> set[str]:
    table = pq.ParquetFile(file).read(columns=["video_id", "sha256"])
    return set(table.filter(pc.is_in(table["sha256"], _texts(checksums)))["video_id"].to_pylist())


def look_alikes(root: Path, videos: Collection[str]) -> dict[str, str]:
    """Other videos with a clip that is like one of theirs, by the comparisons so far: both, picture or sound."""
    found: dict[str, str] = {}
    for file in sorted((root / "duplicates").glob("*.parquet")):
        names = pq.read_schema(file).names
        other = next((name for name in ("other_clip", "duplicate_of") if name in names), None)
        if other is None:
            continue
        for row in pq.ParquetFile(file).read(columns=["clip_id", other, "kind"]).to_pylist():
            ends = {_video_of(row["clip_id"]), _video_of(row[other])}
            if len(ends - {*videos}) == 1 < len(ends):
                found.setdefault((ends - {*videos}).pop(), row["kind"])
    return dict(sorted(found.items()))


def erase(
    root: Path,
    videos: Collection[str],
    shards: Collection[str],
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Remove media, tables' rows, journals, manifest parts and the catalogue's rows of some videos.

    The catalogue comes last: until then a repeat finds the videos there.

    Args:
        shards: those that the videos are in; none where nobody knows, so that all are looked at.
        progress: called with the number of tables that were looked at, and of all.
    """
    wanted = set(videos)
    for video in wanted:
        for folder in MEDIA:
            _remove(root / folder / video)
    tables = _tables(root, shards)
    for done, folder in enumerate(tables, 1):
        _without(folder, wanted)
        progress(done, len(tables))
    for journal in sorted((root / "stages").glob("*/*/journal.jsonl")):
        _journal_without(journal, wanted)
    for shard in shards:
        for parts in sorted((root / "manifests").glob(f"*/{shard}")):
            _remove(parts)
    _comparisons_without(root, wanted)
    for file in (*sorted((root / "catalog").glob("left-out-*.parquet")), *catalog_files(root)):
        rows_without(file, "video_id", wanted, also_of=wanted)
    _empty_shards(root, shards)


def rows_without(file: Path, column: str, values: Collection[str], also_of: Collection[str] = ()) -> bool:
    """Write a Parquet file anew without the rows whose column has one of some values; whether it had any.

    Args:
        also_of: videos; rows go too whose value is a span of one of them, `<video>_<start>_<end>`.
    """
    table = pq.ParquetFile(file).read()
    texts = table[column].to_pylist()
    keep = [not (text in values or _video_of(text) in also_of) for text in texts]
    if all(keep):
        return False
    with appearing(file) as unfinished:
        write_table(table.filter(pa.array(keep, pa.bool_())), unfinished)
    return True


def _without(folder: Path, videos: Collection[str]) -> None:
    """A stage's table without some videos, under the name that it then has."""
    compares = folder.parent.parent.name == COMPARES
    if not _speaks(folder / "ledger.parquet", videos, compares):
        return
    output = read_output(folder)
    rows = output.records()
    entries = {
        item: Entry(outcome, rows.get(item, ()), output.parts.get(item, ()))
        for item, outcome in output.outcomes.items()
    }
    kept = {item: entry for item, entry in entries.items() if not _is_about(entry, videos, compares)}
    schema = pq.read_schema(folder / "records.parquet")
    _write_beside(folder, pa.schema(list(schema)[1:], schema.metadata), kept)
    _remove(folder)


def _speaks(ledger: Path, videos: Collection[str], compares: bool) -> bool:
    columns = ["video_id", *["detail"] * compares]
    table = pq.ParquetFile(ledger).read(columns=columns)
    if pc.any(pc.is_in(table["video_id"], _texts(videos))).as_py():
        return True
    return compares and any(map(_tells_of(videos), table["detail"].to_pylist()))


def _is_about(entry: Entry, videos: Collection[str], compares: bool) -> bool:
    if entry.outcome["video_id"] in videos:
        return True
    told = [entry.outcome["detail"], *(row.get("duplicate_of") for row in entry.rows)] if compares else ()
    return any(map(_tells_of(videos), told))


def _tells_of(videos: Collection[str]) -> Callable[[str | None], bool]:
    return lambda text: any(f"{video}_" in (text or "") for video in videos)


def _write_beside(folder: Path, schema: pa.Schema, entries: Mapping[str, Entry]) -> None:
    """Write entries as the newest table of just these items; of an item that two tables have, the later look."""
    base = table_name({item: entry.outcome["key"] for item, entry in entries.items()})
    there = sorted(folder.parent.glob(f"{base}.[0-9]*"), key=lambda path: int(path.suffix[1:]))
    present = read_output(there[-1]) if there else None
    if present is not None:
        latest = _latest(entries, present)
        if latest is None:
            return
        entries = latest
    generation = int(there[-1].suffix[1:]) + 1 if there else 0
    write_output(folder.parent / f"{base}.{generation}", schema, list(entries.values()))


def _latest(entries: Mapping[str, Entry], present: Output) -> dict[str, Entry] | None:
    """Of each item the later look at it; None where the table that is there has the later one of all."""
    records = present.records()
    merged = {
        item: entry
        if _looked(entry.outcome) > _looked(present.outcomes[item])
        else Entry(present.outcomes[item], records.get(item, ()), present.parts.get(item, ()))
        for item, entry in entries.items()
    }
    same = all(entry.outcome == present.outcomes[item] for item, entry in merged.items())
    return None if same else merged


def _looked(outcome: Row) -> tuple[int, str]:
    return outcome["tries"], outcome["tried_at"]


def _journal_without(path: Path, videos: Collection[str]) -> None:
    kept = [entry for entry in read_journal(path) if entry.outcome["video_id"] not in videos]
    # A line that a kill tore goes as well: it may be half of an entry on one of the videos.
    if len(kept) == len(path.read_bytes().splitlines()):
        return
    with appearing(path) as unfinished, unfinished.open("w", encoding="utf-8") as file:
        for entry in kept:
            append_to_journal(file, entry)


def _comparisons_without(root: Path, videos: Collection[str]) -> None:
    """Comparisons of all clips that name one of the videos: they are made anew over what is left anyhow."""
    for file in sorted((root / "duplicates").glob("*.parquet")):
        names = [name for name in pq.read_schema(file).names if name in _CLIPS_AND_VIDEOS]
        table = pq.ParquetFile(file).read(columns=names)
        if any({text, _video_of(text)} & {*videos} for name in names for text in table[name].to_pylist()):
            file.unlink()


_CLIPS_AND_VIDEOS = ("clip_id", "video_id", "duplicate_of", "other_clip", "other_video")


def _empty_shards(root: Path, shards: Collection[str]) -> None:
    """Remove what is left of shards that no video is in any more."""
    used = {
        shard
        for file in catalog_files(root)
        for shard in pq.ParquetFile(file).read(columns=["shard"])["shard"].to_pylist()
    }
    for shard in {*shards} - used:
        for folder in sorted((root / "stages").glob(f"*/{shard}")):
            _remove(folder)


def _video_of(text: str | None) -> str:
    """The video of a clip's or a span's id, or the whole text."""
    return (text or "").rsplit("_", 2)[0]


def _texts(values: Collection[str]) -> pa.Array:
    return pa.array(sorted(values), pa.string())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
