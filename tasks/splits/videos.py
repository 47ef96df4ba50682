"""What the splits go by: of every video its length, its channel and what is in it, drawn from parts of a manifest.

A video has numbers that add up over videos, each with what it is a share of. So a set of videos is described by two
rows of sums, and how unlike two sets are is told from these (see `tasks.splits.representative`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from schemas.errors import RecipeError
from schemas.sections import SPLITS

TOP_EVENTS = 10
"""So many classes of audio events, those that are heard longest, are kept in proportion."""

_QUANTILES = (0.25, 0.5, 0.75)

LIST_NAMES = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "eval": "dev",
    "evaluation": "dev",
    "test": "test",
    "testing": "test",
}
"""What lists call the splits; upper and lower case alike."""


@dataclass(frozen=True)
class Videos:
    """The videos of some manifest rows, ascending by id.

    Attributes:
        ids, channels: n each; a channel that is not known is "".
        duration_ms: int64 (n,), of all clips.
        listed: int8 (n,), the split that a list names, by its place in SPLITS; −1 where none does. Where it names
            several for one video, the last of them: what others were scored on stays there.
        parts, wholes: float32 (n, k), measures and what each is a share of: the length against the mean, being among
            the shortest quarter of videos, the next, the third or the longest, talking heads, voice-overs, and the
            classes of sounds that are heard longest, in ms.
    """

    ids: Sequence[str]
    channels: Sequence[str]
    duration_ms: np.ndarray
    listed: np.ndarray
    parts: np.ndarray
    wholes: np.ndarray


def read_videos(database: duckdb.DuckDBPyConnection, follow_list: bool) -> Videos:
    """The videos of the view `clips`, whose columns are those of the manifest without `split`.

    Raises:
        RecipeError: a list is to be followed, and names a split that is none of LIST_NAMES.
    """
    ranks = _list_ranks(database) if follow_list else {}
    events = _top_events(database)
    sums = ", ".join(
        f"sum((event.end_ms - event.start_ms)::DOUBLE) FILTER (WHERE event.name = ${place}) AS event_{place}"
        for place in range(1, len(events) + 1)
    )
    heard = (
        f"SELECT video_id, {sums} FROM (SELECT video_id, unnest(audio_events) AS event FROM clips) GROUP BY video_id"
        if events
        else "SELECT NULL::VARCHAR AS video_id WHERE false"
    )
    columns = "".join(f", coalesce(event_{place}, 0) AS event_{place}" for place in range(1, len(events) + 1))
    ranked = " ".join(f"WHEN '{name}' THEN {rank}" for name, rank in ranks.items()) or "WHEN '' THEN -1"
    table = database.sql(
        f"""
        WITH videos AS (
            SELECT video_id, min(coalesce(channel, '')) AS channel, sum(duration_ms)::BIGINT AS duration_ms,
                sum(talking_head_ms)::DOUBLE AS talking_head, sum(voice_over_ms)::DOUBLE AS voice_over,
                max(CASE lower(list_split) {ranked} ELSE -1 END)::TINYINT AS listed
            FROM clips GROUP BY video_id
        ), heard AS ({heard})
        SELECT videos.*{columns} FROM videos LEFT JOIN heard USING (video_id) ORDER BY videos.video_id
        """,
        params=events,
    ).to_arrow_table()
    duration_ms = table["duration_ms"].to_numpy()
    inside = [
        table[name].to_numpy()
        for name in ("talking_head", "voice_over", *(f"event_{n}" for n in range(1, len(events) + 1)))
    ]
    parts, wholes = measures(duration_ms, inside)
    return Videos(
        table["video_id"].to_pylist(),
        table["channel"].to_pylist(),
        duration_ms,
        table["listed"].to_numpy(),
        parts,
        wholes,
    )


def _list_ranks(database: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Every name that lists give to a split, in small letters, with the split's place in SPLITS."""
    rows = database.sql(
        "SELECT DISTINCT lower(list_split) AS name FROM clips WHERE list_split IS NOT NULL ORDER BY name"
    ).fetchall()
    unknown = [name for (name,) in rows if name not in LIST_NAMES]
    if unknown:
        raise RecipeError(
            "splits.follow_list",
            f"lists name {len(unknown)} splits that are neither train, dev nor test: {', '.join(unknown[:5])}",
            f"mend the lists (known are {', '.join(LIST_NAMES)}), or set follow_list to false",
        )
    return {name: SPLITS.index(LIST_NAMES[name]) for (name,) in rows}


def _top_events(database: duckdb.DuckDBPyConnection) -> list[str]:
    rows = database.sql(
        """
        SELECT event.name AS name, sum(event.end_ms - event.start_ms) AS heard
        FROM (SELECT unnest(audio_events) AS event FROM clips) WHERE event.name IS NOT NULL
        GROUP BY name ORDER BY heard DESC, name LIMIT ?
        """,
        params=[TOP_EVENTS],
    ).fetchall()
    return [name for name, _ in rows]


def measures(duration_ms: np.ndarray, inside: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Parts and wholes of each video, see `Videos`; `inside` is what lasts for some of its time, ms each."""
    count, length = len(duration_ms), duration_ms.astype(np.float64)
    one = np.ones(count)
    quarter = np.searchsorted(np.quantile(length, _QUANTILES), length) if count else np.zeros(0, int)
    quarters = [(quarter == number).astype(np.float64) for number in range(len(_QUANTILES) + 1)]
    mean = length.mean() if count else 1.0
    parts = [length / max(mean, 1.0), *quarters, *inside]
    wholes = [one, *(one for _ in quarters), *(length for _ in inside)]
    return tuple(np.column_stack([column.astype(np.float32) for column in some]) for some in (parts, wholes))
