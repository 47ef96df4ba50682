"""Is a version still what was published: every file by its checksum, and every promise that its rows make.

    for finding in verify(release, scratch): …     # empty: nothing is wrong

Files are gone through by name, beside the lines of SHA256SUMS, which are in the same order: memory stays flat.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.releases.checksums import SUMS, Sum, file_names, is_media_folder, read_checksums, sha256_of
from tasks.releases.folder import Release
from tasks.workspace.query import open_database

REQUIRED = ("README.md", "recipe.yaml", "splits.parquet", SUMS)
"""What every version has, and what its checksums must name."""

_HASHED_AT_ONCE = 4
_EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        item: the file, by its name within the version; for a promise, the clip or the video.
        what: missing, changed, extra, unreadable or broken_promise.
        says: with numbers.
    """

    item: str
    what: str
    says: str


Report = Callable[[int, int], None]
"""Told how many bytes are checked, of how many."""


def verify(
    release: Release, scratch: Path, quick: bool = False, report: Report = lambda done, total: None
) -> Iterator[Finding]:
    """What is wrong with a version, files first, by name.

    Args:
        scratch: a folder with room; a version itself is never written to.
        quick: clips are looked at by presence and size alone; tables and documents still by checksum.
    """
    folder = release.folder
    if not (folder / SUMS).is_file():
        yield Finding(SUMS, "missing", "without it, nothing can be told of the files of this version")
    else:
        yield from _unnamed(folder)
        yield from _files(release, quick, report)
    damaged = list(_unreadable(release))
    yield from damaged
    if damaged or not release.files():
        why = f"{len(damaged)} tables are damaged" if damaged else "there is no table of rows"
        yield Finding("data", "unreadable", f"what the rows promise is not checked: {why}")
    else:
        yield from broken_promises(release, scratch)


def _unnamed(folder: Path) -> Iterator[Finding]:
    named = {each.name for each in read_checksums(folder) if each.name in REQUIRED}
    for name in REQUIRED:
        if name not in named and name != SUMS:
            yield Finding(name, "missing", f"{SUMS} has no line for it")


def _files(release: Release, quick: bool, report: Report) -> Iterator[Finding]:
    total = _bytes_to_read(release.folder, quick)
    done = 0
    report(done, total)
    with ThreadPoolExecutor(_HASHED_AT_ONCE) as pool:
        for finding, size in _checked(release.folder, quick, pool):
            done += size
            report(done, total)
            if finding is not None:
                yield finding


def _checked(folder: Path, quick: bool, pool: Executor) -> Iterator[tuple[Finding | None, int]]:
    """Each file with what is wrong about it, and its bytes as far as they were read; some at work at a time."""
    pairs = _side_by_side(read_checksums(folder), (name for name in file_names(folder) if name != SUMS))

    def check(expected: Sum | None, name: str | None) -> tuple[Finding | None, int]:
        if name is None:
            return Finding(
                expected.name, "missing", f"{SUMS} names it, with SHA-256 {expected.sha256[:16]}…"
            ), 0
        size = (folder / name).stat().st_size
        if expected is None:
            return Finding(name, "extra", f"{size} bytes that {SUMS} does not name"), 0
        if quick and _is_clip(name):
            return None, 0
        found = sha256_of(folder / name)
        wrong = f"SHA-256 is {found[:16]}…, and should be {expected.sha256[:16]}…; {size} bytes"
        return (None if found == expected.sha256 else Finding(name, "changed", wrong)), size

    waiting: list[Future] = [pool.submit(check, *pair) for pair in islice(pairs, 4 * _HASHED_AT_ONCE)]
    while waiting:
        yield waiting.pop(0).result()
        waiting += [pool.submit(check, *pair) for pair in islice(pairs, 1)]


def _side_by_side(sums: Iterator[Sum], names: Iterator[str]) -> Iterator[tuple[Sum | None, str | None]]:
    """Two lists in order as one: what both have, and what only one has."""
    expected, name = next(sums, None), next(names, None)
    while expected is not None or name is not None:
        if name is None or (expected is not None and expected.name < name):
            yield expected, None
            expected = next(sums, None)
        elif expected is None or name < expected.name:
            yield None, name
            name = next(names, None)
        else:
            yield expected, name
            expected, name = next(sums, None), next(names, None)


def _bytes_to_read(folder: Path, quick: bool) -> int:
    return sum((folder / name).stat().st_size for name in file_names(folder, clips=not quick))


def _is_clip(name: str) -> bool:
    first = name.split("/", 3)
    return len(first) == 4 and is_media_folder("/".join(first[:3]) + "/")


def _unreadable(release: Release) -> Iterator[Finding]:
    """Tables that are damaged: their structure is read, and of those beside the manifest all that is in them."""
    beside = [release.folder / f"{name}.parquet" for name in ("splits", "changes")]
    for file in (*release.files(), *(file for file in beside if file.exists())):
        try:
            opened = pq.ParquetFile(file)
            for number in range(opened.num_row_groups):
                opened.read_row_group(number, columns=["video_id"])
        except (OSError, pa.ArrowException) as error:
            name = str(file.relative_to(release.folder))
            yield Finding(name, "unreadable", f"is no whole Parquet file: {str(error).splitlines()[0][:160]}")


_PROMISES: tuple[tuple[str, str], ...] = (
    (
        "is in {} rows; a clip has one",
        "SELECT clip_id, count(*) AS n FROM clips GROUP BY clip_id HAVING n > 1",
    ),
    (
        "is in {} splits; a video is in one",
        "SELECT video_id, count(DISTINCT split) AS n FROM clips GROUP BY video_id HAVING n > 1",
    ),
    (
        "its row says {}, and lies in the folder of another split",
        "SELECT clip_id, split FROM clips WHERE NOT contains(filename, '/data/' || split || '/')",
    ),
    (
        "its row says {}, and splits.parquet another split or none",
        "SELECT DISTINCT clips.video_id, clips.split FROM clips LEFT JOIN splits USING (video_id) "
        "WHERE splits.split IS DISTINCT FROM clips.split",
    ),
    (
        "its row says SHA-256 {}, and SHA256SUMS another or none",
        "SELECT clip_id, left(clips.sha256, 16) || '…' FROM clips LEFT JOIN sums ON sums.name = clips.path "
        "WHERE path IS NOT NULL AND sums.sha256 IS DISTINCT FROM clips.sha256",
    ),
    (
        "is a clip of this version by its place, and in {} rows",
        "SELECT name, 0 FROM sums ANTI JOIN clips ON clips.path = sums.name WHERE sums.clip",
    ),
)
"""What must never be, as queries for the first item and a number or a word."""


def broken_promises(release: Release, scratch: Path) -> Iterator[Finding]:
    """What the rows of a version say that does not hold; the first few of each kind, with how many there are."""
    with open_database(scratch, clips=[]) as database:
        _views(database, release)
        for says, query in _PROMISES:
            found = database.sql(f"SELECT * FROM ({query}) ORDER BY ALL LIMIT {_EXAMPLES}").fetchall()
            if found:
                ((count,),) = database.sql(f"SELECT count(*) FROM ({query})").fetchall()
                more = f" ({count} such in all)" if count > len(found) else ""
                for item, value in found:
                    yield Finding(str(item), "broken_promise", says.format(value) + more)
        yield from _sizes(database, release.folder)
    yield from _certificate(release.folder / "leakage.json")


def _views(database: duckdb.DuckDBPyConnection, release: Release) -> None:
    files = [str(file) for file in release.files()]
    database.read_parquet(files, hive_partitioning=False, filename=True).create_view("clips")
    splits = release.folder / "splits.parquet"
    if splits.exists():
        database.read_parquet([str(splits)], hive_partitioning=False).create_view("splits")
    else:
        database.execute("CREATE TABLE splits (video_id VARCHAR, split VARCHAR)")
    database.execute("CREATE TABLE sums (name VARCHAR, sha256 VARCHAR, clip BOOLEAN)")
    lines = read_checksums(release.folder) if (release.folder / SUMS).is_file() else iter(())
    while some := list(islice(lines, 100_000)):
        columns = zip(*((each.name, each.sha256, _is_clip(each.name)) for each in some), strict=True)
        table = pa.table(dict(zip(("name", "sha256", "clip"), map(list, columns), strict=True)))
        database.register("lines", table)
        database.execute("INSERT INTO sums SELECT * FROM lines")
        database.unregister("lines")


def _sizes(database: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[Finding]:
    """Clips whose file has another size than its row says; one that is gone was told already."""
    answer = database.sql("SELECT path, bytes FROM clips WHERE path IS NOT NULL ORDER BY path")
    for batch in answer.to_arrow_reader(65_536):
        for path, size in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            file = folder / path
            if file.exists() and file.stat().st_size != size:
                yield Finding(path, "changed", f"{file.stat().st_size} bytes, and its row says {size}")


def _certificate(file: Path) -> Iterator[Finding]:
    try:
        passed = json.loads(file.read_text(encoding="utf-8")).get("passed")
    except FileNotFoundError:
        return
    except (ValueError, AttributeError):
        yield Finding(file.name, "unreadable", "is no leakage certificate")
        return
    if passed is not True:
        yield Finding(file.name, "broken_promise", f"a published version passes, and this says {passed}")
