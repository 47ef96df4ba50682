"""The leakage certificate: looks in the written tables of a version for whatever crosses from split to split.

It asks nothing of what assigned the splits and shares no code with it, so that a mistake there is found here. Every
check counts what it looked at; one that finds anything stops the version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from schemas.leakage import Check, Leakage
from schemas.sections import SPLITS, Duplicates, Splits
from tasks.splits.balance import balance
from tasks.workspace.query import open_database

_EXAMPLES = 10

_FILES = {
    "source files": ("source_sha256", "source_sha256 IS NOT NULL"),
    "clips by their frames": ("frames_xxh3", "NOT list_contains(coalesce(conditions, []), 'black')"),
    "clips by their samples": (
        "samples_xxh3",
        "level_dbfs IS NOT NULL AND NOT list_contains(coalesce(conditions, []), 'near_silent')",
    ),
}


def certify(
    files: Sequence[Path],
    pairs: Path | None,
    rules: Splits,
    duplicates: Duplicates | None,
    earlier: Sequence[Path],
    scratch: Path,
) -> Leakage:
    """Check a version in the making.

    Args:
        files: its written Parquet files, MANIFEST; at least one.
        pairs: Parquet file of PAIRS with its counts (`tasks.duplicates.verdicts`); None where nothing was compared.
        earlier: splits.parquet of all versions before.
        scratch: a folder with room for what memory does not hold.
    """
    with open_database(scratch, clips=files, earlier=earlier) as database:
        checks = [
            _one_split_per_video(database),
            _no_change_of_sides(database, len(earlier)),
            _held_out_channels(database, rules),
            _near_duplicates(database, pairs, rules),
            _same_file(database),
            _same_source(database),
        ]
        return Leakage(checks, _thresholds(rules, duplicates), _shares(database, rules), balance(database))


def _one_split_per_video(database: duckdb.DuckDBPyConnection) -> Check:
    clips, videos, unknown = _one(
        database,
        f"SELECT count(*), count(DISTINCT video_id), count(*) FILTER (WHERE split IS NULL OR split NOT IN {SPLITS}) "
        "FROM clips",
    )
    across, examples = _found(
        database,
        "SELECT video_id, string_agg(DISTINCT split, ' and ' ORDER BY split) FROM clips GROUP BY video_id "
        "HAVING min(split) <> max(split)",
        "{} is in {}",
    )
    return Check(
        "one_split_per_video",
        "All clips of a source video are in one split.",
        {"videos": videos, "clips": clips},
        across + unknown,
        examples + ([f"{unknown} clips are in no known split"] if unknown else []),
    )


def _no_change_of_sides(database: duckdb.DuckDBPyConnection, versions: int) -> Check:
    says = "A video that any version before had is in the split in which it was then."
    if not versions:
        return Check("no_change_of_sides", says, {"versions": 0, "videos": 0}, 0)
    (videos,) = _one(
        database, "SELECT count(DISTINCT video_id) FROM clips SEMI JOIN earlier USING (video_id)"
    )
    across, examples = _found(
        database,
        "SELECT clips.video_id, min(clips.split), min(earlier.split) FROM clips JOIN earlier USING (video_id) "
        "WHERE clips.split <> earlier.split GROUP BY clips.video_id",
        "{} is in {} and was in {}",
    )
    return Check("no_change_of_sides", says, {"versions": versions, "videos": videos}, across, examples)


def _held_out_channels(database: duckdb.DuckDBPyConnection, rules: Splits) -> Check:
    says = "The channels that the recipe holds out are in their split as a whole."
    if not rules.held_out:
        return Check("held_out_channels", says, {"channels": 0}, 0, done=False)
    named = [{"channel": channel, "wanted": split} for channel, split in sorted(rules.held_out.items())]
    database.register("held_out", pa.Table.from_pylist(named))
    (clips,) = _one(database, "SELECT count(*) FROM clips SEMI JOIN held_out USING (channel)")
    across, examples = _found(
        database,
        "SELECT DISTINCT clips.video_id, channel, split FROM clips JOIN held_out USING (channel) "
        "WHERE split <> wanted",
        "{} of {} is in {}",
    )
    return Check("held_out_channels", says, {"channels": len(named), "clips": clips}, across, examples)


def _near_duplicates(database: duckdb.DuckDBPyConnection, pairs: Path | None, rules: Splits) -> Check:
    says = (
        "Clips that are alike to eye or ear, by the recipe's measure, directly or by a chain of others, are in one "
        "split; they were looked for with fingerprints of picture and sound among all clips."
    )
    if pairs is None:
        return Check("near_duplicates", says, {"clips": 0}, 0, done=False)
    query = """
        SELECT clip_id, other_clip FROM read_parquet($file)
        WHERE video_id <> other_video AND list_contains($kinds, kind)
            AND (overlap_ms >= $least_ms OR 2 * overlap_ms >= shorter_ms)
        """
    given = {"file": str(pairs), "kinds": list(rules.together), "least_ms": rules.together_for}
    alike = database.sql(query, params=given).to_arrow_table()
    database.register("groups", _groups(alike))
    database.register("alike", alike)
    (released,) = _one(database, "SELECT count(*) FROM clips")
    (both,) = _one(
        database,
        "SELECT count(*) FROM alike SEMI JOIN clips USING (clip_id) "
        "WHERE other_clip IN (SELECT clip_id FROM clips)",
    )
    across, examples = _found(
        database,
        "SELECT arg_min(clip_id, (split, clip_id)), min(split), arg_max(clip_id, (split, clip_id)), max(split) "
        "FROM clips JOIN groups USING (clip_id) GROUP BY number HAVING min(split) <> max(split)",
        "{} in {} and {} in {}",
    )
    counts = json.loads((pq.read_schema(pairs).metadata or {}).get(b"counts", b"{}"))
    # Whatever was never looked at may be alike to anything.
    unseen = max(released - counts.get("clips fingerprinted", released), 0)
    examples += [f"{unseen} released clips were not compared with any"] if unseen else []
    compared = {**counts, "pairs that bind": alike.num_rows, "pairs that bind, both released": both}
    return Check("near_duplicates", says, compared, across + unseen, examples)


def _groups(alike: pa.Table) -> pa.Table:
    """Clips by the number of the group in which a chain of pairs puts them."""
    every = pc.unique(pa.chunked_array([*alike["clip_id"].chunks, *alike["other_clip"].chunks], pa.string()))
    ends = [pc.index_in(column, value_set=every).to_numpy() for column in alike.columns]
    ties = coo_array((np.ones(alike.num_rows, np.int8), ends), shape=(len(every), len(every)))
    return pa.table({"clip_id": every, "number": connected_components(ties, directed=False)[1]})


def _same_file(database: duckdb.DuckDBPyConnection) -> Check:
    compared: dict[str, int] = {}
    across, examples = 0, []
    for what, (column, condition) in _FILES.items():
        count, more, some = _in_several(database, column, condition)
        compared[what] = count
        across += more
        examples += [f"{what}: {example}" for example in some]
    return Check(
        "same_file",
        "No two splits share a source file, or a clip's very frames or samples, silence and black aside.",
        compared,
        across,
        examples[:_EXAMPLES],
    )


def _same_source(database: duckdb.DuckDBPyConnection) -> Check:
    count, across, examples = _in_several(database, "source_url", "source_url IS NOT NULL")
    says = "No two splits share the page from which a source came."
    return Check("same_source", says, {"clips with a page": count}, across, examples)


def _in_several(
    database: duckdb.DuckDBPyConnection, column: str, condition: str
) -> tuple[int, int, list[str]]:
    """How many clips were looked at, how many values are in several splits, and some of those clips.

    Values are gathered by a hash first, which spares memory; what shares one is then compared itself.
    """
    (count,) = _one(database, f"SELECT count(*) FROM clips WHERE {condition}")
    across, examples = _found(
        database,
        f"""
        WITH suspect AS (
            SELECT hash({column}) AS key FROM clips WHERE {condition} GROUP BY key HAVING min(split) <> max(split)
        )
        SELECT arg_min(clip_id, (split, clip_id)), min(split), arg_max(clip_id, (split, clip_id)), max(split)
        FROM clips WHERE {condition} AND hash({column}) IN (SELECT key FROM suspect)
        GROUP BY {column} HAVING min(split) <> max(split)
        """,
        "{} in {} and {} in {}",
    )
    return count, across, examples


def _one(database: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    """The only row of a query."""
    return database.sql(query).fetchall()[0]


def _found(database: duckdb.DuckDBPyConnection, query: str, words: str) -> tuple[int, list[str]]:
    """How many rows a query has, and the first few of them in words."""
    (count,) = _one(database, f"SELECT count(*) FROM ({query})")
    if not count:
        return 0, []
    rows = database.sql(f"SELECT * FROM ({query}) ORDER BY ALL LIMIT {_EXAMPLES}").fetchall()
    return count, [words.format(*row) for row in rows]


def _thresholds(rules: Splits, duplicates: Duplicates | None) -> dict[str, float | str]:
    """The recipe's numbers and words, flat."""
    sections = {"duplicates": duplicates, "splits": rules}
    return {
        f"{name}.{key}": _in_words(value)
        for name, section in sections.items()
        if section is not None
        for key, value in section.model_dump(mode="json").items()
    }


def _in_words(value: object) -> float | str:
    """Numbers and words as they are, all else in words."""
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{key}: {split}" for key, split in sorted(value.items())) or "none"
        case list():
            return ", ".join(value) or "none"
    return value


def _shares(database: duckdb.DuckDBPyConnection, rules: Splits) -> dict[str, tuple[float, float]]:
    found = dict(database.sql("SELECT split, sum(duration_ms)::BIGINT FROM clips GROUP BY split").fetchall())
    total = max(sum(found.values()), 1)
    return {split: (found.get(split, 0) / total, getattr(rules, split)) for split in SPLITS}
