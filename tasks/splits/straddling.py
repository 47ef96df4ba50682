"""Which clips are withheld: kin that are on several sides for good, where their very clips are alike.

Such kin are few: a likeness that is found when both videos are published, a list that parts what is alike, a channel
that is held out. Clips are taken together by chains of ties, since of many that are alike each is only told to be
like the first: that one may be gone or be withheld, and the others are alike still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.releases import WITHHELD
from schemas.sections import SPLITS, Splits
from tasks.splits.kin import BINDS, SAME, Kin, binding, components

REASON = "straddles_splits"

_ALIKE = {
    "both": "like {other} in {split} in picture and sound for {ms:,} ms",
    "picture": "like {other} in {split} in picture for {ms:,} ms",
    "sound": "like {other} in {split} in sound for {ms:,} ms",
    "source_sha256": "from the same file as {other} in {split}",
    "source_url": "from the same page as {other} in {split}",
    "frames_xxh3": "with the same frames as {other} in {split}",
    "samples_xxh3": "with the same samples as {other} in {split}",
}


def find_straddling(
    database: duckdb.DuckDBPyConnection, kin: Kin, side: np.ndarray, pairs: Path | None, rules: Splits
) -> pa.Table:
    """The clips of the view `clips` that are withheld, as WITHHELD, by clip id.

    Args:
        side: int8, one for each of `kin.ids`, a place in SPLITS; −1 for videos of which there are no clips.
    """
    groups = kin.group.max(initial=-1) + 1
    on_side = [np.bincount(kin.group[side == place], minlength=groups) > 0 for place in range(len(SPLITS))]
    several = np.sum(on_side, axis=0) > 1
    if not several.any():
        return WITHHELD.empty_table()
    among = several[kin.group]
    family = pa.table({"video_id": kin.ids.filter(pa.array(among)), "side": side[among]})
    database.register("family", family)
    clips = database.sql(
        "SELECT clip_id, video_id, duration_ms, side FROM clips JOIN family USING (video_id) ORDER BY clip_id"
    ).to_arrow_table()
    ties = _ties(database, pairs, rules)
    database.unregister("family")
    return _withheld(clips, ties)


def _ties(database: duckdb.DuckDBPyConnection, pairs: Path | None, rules: Splits) -> pa.Table:
    """Pairs of clips, `one` and `other`, in what (`how`), and for how long (`ms`)."""
    ties = [
        database.sql(
            f"""
            WITH given AS (
                SELECT clip_id, video_id, {column} AS value
                FROM clips SEMI JOIN family USING (video_id) WHERE {condition}
            )
            SELECT clip_id AS one, min(clip_id) OVER same AS other, '{column}' AS how, 0::BIGINT AS ms FROM given
            WINDOW same AS (PARTITION BY value)
            QUALIFY one <> other AND min(video_id) OVER same <> max(video_id) OVER same ORDER BY ALL
            """
        ).to_arrow_table()
        for column, condition in SAME.items()
    ]
    if pairs:
        query = f"""
            SELECT clip_id AS one, other_clip AS other, kind AS how, overlap_ms AS ms
            FROM read_parquet($file) SEMI JOIN family USING (video_id) WHERE {BINDS} ORDER BY ALL
            """
        ties.insert(0, database.sql(query, params=binding(pairs, rules)).to_arrow_table())
    return pa.concat_tables(ties)


def _withheld(clips: pa.Table, ties: pa.Table) -> pa.Table:
    every = pc.unique(
        pa.chunked_array([*clips["clip_id"].chunks, *ties["one"].chunks, *ties["other"].chunks])
    )
    ones, others, here = (
        pc.index_in(column, value_set=every).to_numpy().astype(np.int64)
        for column in (ties["one"], ties["other"], clips["clip_id"])
    )
    group = components(ones, others, len(every))
    side = np.full(len(every), -1, np.int8)
    side[here] = clips["side"].to_numpy()
    highest = np.full(len(every), -1, np.int8)
    np.maximum.at(highest, group, side)
    leaving = side[here] < highest[group[here]]
    leave = clips.filter(pa.array(leaving)).select(["clip_id", "video_id", "duration_ms"]).to_pylist()
    names = every.to_pylist()
    told = _told({row["clip_id"] for row in leave}, ties, dict(zip(names, side.tolist(), strict=True)))
    stays = _first_that_stays(names, group, side, highest)
    rows = [
        {**row, "reason": REASON, "detail": told.get(row["clip_id"], stays[number])}
        for row, number in zip(leave, group[here][leaving].tolist(), strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=WITHHELD)


def _told(leaving: set[str], ties: pa.Table, side: Mapping[str, int]) -> dict[str, str]:
    """Of each clip that leaves, what it has in common with the first clip on a later side, if any is tied to it."""
    told: dict[str, tuple[str, str]] = {}
    for tie in ties.to_pylist():
        for clip, other in ((tie["one"], tie["other"]), (tie["other"], tie["one"])):
            if clip not in leaving or side[other] <= side[clip] or (clip in told and told[clip][0] <= other):
                continue
            told[clip] = (
                other,
                _ALIKE[tie["how"]].format(other=other, split=SPLITS[side[other]], ms=tie["ms"]),
            )
    return {clip: detail for clip, (_, detail) in told.items()}


def _first_that_stays(
    names: Sequence[str], group: np.ndarray, side: np.ndarray, highest: np.ndarray
) -> dict[int, str]:
    """Of each group a clip that stays, in words: for those that are tied to it by way of others only."""
    staying = np.flatnonzero((side >= 0) & (side == highest[group]))
    first = {int(group[place]): names[place] for place in staying[::-1]}
    return {
        number: f"like {name} in {SPLITS[highest[number]]} by way of others" for number, name in first.items()
    }
