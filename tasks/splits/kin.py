"""Who is alike: what must not be parted by a split, from near duplicates and from what is equal to the bit.

Videos are kin if a chain of ties joins them. Three things tie two videos:

    a pair of clips that binds       as the recipe says: in picture and sound, or in picture, and for how long
    the same file, page or content   source_sha256, source_url; a clip's frames or samples, silence and black aside
    an earlier version               which took them for kin
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from schemas.sections import Splits

SAME = {
    "source_sha256": "source_sha256 IS NOT NULL",
    "source_url": "source_url IS NOT NULL",
    "frames_xxh3": "frames_xxh3 IS NOT NULL AND NOT list_contains(coalesce(conditions, []), 'black')",
    "samples_xxh3": "samples_xxh3 IS NOT NULL AND level_dbfs IS NOT NULL "
    "AND NOT list_contains(coalesce(conditions, []), 'near_silent')",
}
"""Columns of the manifest whose equal values tie clips, and of which clips."""


@dataclass(frozen=True)
class Kin:
    """Every video that is known, and with which others it is kin.

    Attributes:
        ids: ascending; those to be split, those that ever were, and those that are alike to any.
        group: int32 (n,), a number for each group of kin.
    """

    ids: pa.Array
    group: np.ndarray

    def places(self, ids: Sequence[str] | pa.Array | pa.ChunkedArray) -> np.ndarray:
        """Where these videos are in `ids`, int64; all are there."""
        return _places(ids, self.ids)


def find_kin(
    database: duckdb.DuckDBPyConnection,
    videos: Sequence[str],
    fixed: pa.Table,
    pairs: Path | None,
    rules: Splits,
) -> Kin:
    """The kin among the videos of the view `clips`, those fixed earlier (SPLIT_TABLE), and those of `pairs`."""
    ties = [
        same_content(database),
        fixed.select(["video_id", "kin"]).rename_columns(["one", "other"]),
        *([binding_videos(database, pairs, rules)] if pairs else []),
    ]
    ones, others = (
        pa.chunked_array([chunk for tie in ties for chunk in tie[side].chunks], pa.string())
        for side in ("one", "other")
    )
    known = pa.chunked_array([pa.array(videos, pa.string()), *fixed["video_id"].chunks], pa.string())
    every = pc.unique(pa.chunked_array([*known.chunks, *ones.chunks, *others.chunks], pa.string()))
    ids = every.take(pc.sort_indices(every))
    return Kin(ids, components(_places(ones, ids), _places(others, ids), len(ids)))


def components(ones: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """To which of the connected components each of `count` things belongs, int32; ties join `ones` with `others`."""
    ties = coo_array((np.ones(len(ones), np.int8), (ones, others)), shape=(count, count))
    return connected_components(ties, directed=False)[1]


def binding_videos(database: duckdb.DuckDBPyConnection, pairs: Path, rules: Splits) -> pa.Table:
    """Pairs of videos, `one` and `other`, of which some pair of clips binds."""
    query = f"""
        SELECT DISTINCT video_id AS one, other_video AS other FROM read_parquet($file) WHERE {BINDS} ORDER BY ALL
        """
    return database.sql(query, params=binding(pairs, rules)).to_arrow_table()


BINDS = """
    video_id <> other_video AND list_contains($kinds, kind) AND overlap_ms >= least($together_for, shorter_ms / 2)
"""
"""The condition on a row of PAIRS under which it keeps two videos together; see `schemas.sections.Splits`."""


def binding(pairs: Path, rules: Splits) -> dict[str, object]:
    """The parameters of a query with BINDS."""
    return {"file": str(pairs), "kinds": list(rules.together), "together_for": rules.together_for}


def same_content(database: duckdb.DuckDBPyConnection) -> pa.Table:
    """Pairs of videos, `one` and `other`, that share a file, a page or a clip's content, to the bit.

    Of many that share one thing each is tied to the first by id.
    """
    tables = [
        database.sql(
            f"""
            WITH given AS (SELECT {column} AS value, video_id FROM clips WHERE {condition}),
            often AS (SELECT hash(value) AS key FROM given GROUP BY key HAVING count(*) > 1),
            several AS (SELECT value, video_id FROM given WHERE hash(value) IN (SELECT key FROM often)),
            shared AS (
                SELECT value, min(video_id) AS first FROM several
                GROUP BY value HAVING min(video_id) <> max(video_id)
            )
            SELECT DISTINCT video_id AS one, first AS other FROM several JOIN shared USING (value)
            WHERE video_id <> first ORDER BY ALL
            """
        ).to_arrow_table()
        for column, condition in SAME.items()
    ]
    return pa.concat_tables(tables)


def _places(values: Sequence[str] | pa.Array | pa.ChunkedArray, ids: pa.Array) -> np.ndarray:
    given = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, pa.string())
    return pc.index_in(given, value_set=ids).to_numpy(zero_copy_only=False).astype(np.int64)
