"""How the splits of a version compare with all of it: lengths, pictures, channels, talking heads, sounds."""

from __future__ import annotations

import duckdb
import numpy as np

from schemas.leakage import Balance
from schemas.sections import SPLITS

_RESOLUTIONS, _CHANNELS, _EVENTS = 3, 20, 10
"""So many of each are told, those with the most time."""


def balance(database: duckdb.DuckDBPyConnection) -> list[Balance]:
    """The measures of the view `clips`, written rows of the manifest."""
    time_ms = dict(
        database.sql("SELECT split, sum(duration_ms)::BIGINT FROM clips GROUP BY split").fetchall()
    )
    if not time_ms:
        return []
    return [
        *_lengths(database),
        _share(database, time_ms, "talking heads", "talking_head_ms"),
        _share(database, time_ms, "voice-overs", "voice_over_ms"),
        *_resolutions(database, time_ms),
        *_channels(database, time_ms),
        *_events(database, time_ms),
    ]


def _lengths(database: duckdb.DuckDBPyConnection) -> list[Balance]:
    found = database.sql(
        "SELECT min(split) AS split, sum(duration_ms)::DOUBLE / 1000 AS length FROM clips GROUP BY video_id"
    ).fetchnumpy()
    every = np.sort(found["length"])
    lengths = {split: np.sort(found["length"][found["split"] == split]) for split in SPLITS}
    lengths = {split: some for split, some in lengths.items() if len(some)}
    return [
        Balance("mean length of a video", _mean(every), {s: _mean(some) for s, some in lengths.items()}, "s"),
        Balance(
            "median length of a video",
            float(np.median(every)),
            {split: float(np.median(some)) for split, some in lengths.items()},
            "s",
        ),
        Balance(
            "greatest distance between the distributions of lengths (Kolmogorov and Smirnov)",
            0.0,
            {split: _distance(some, every) for split, some in lengths.items()},
            "share",
        ),
    ]


def _mean(lengths: np.ndarray) -> float:
    return float(lengths.sum() / len(lengths))


def _distance(some: np.ndarray, every: np.ndarray) -> float:
    """The greatest distance between two empirical distributions, 0–1; both ascending."""
    below = [np.searchsorted(values, every, side="right") / len(values) for values in (some, every)]
    return float(np.abs(below[0] - below[1]).max())


def _share(
    database: duckdb.DuckDBPyConnection, time_ms: dict[str, int], measure: str, column: str
) -> Balance:
    found = database.sql(f"SELECT split, sum({column})::BIGINT FROM clips GROUP BY split").fetchall()
    return _balance(measure, {split: part or 0 for split, part in found}, time_ms)


def _balance(measure: str, parts_ms: dict[str, int], time_ms: dict[str, int]) -> Balance:
    shares = {split: parts_ms.get(split, 0) / time_ms[split] for split in SPLITS if time_ms.get(split)}
    return Balance(measure, sum(parts_ms.values()) / max(sum(time_ms.values()), 1), shares, "share")


def _resolutions(database: duckdb.DuckDBPyConnection, time_ms: dict[str, int]) -> list[Balance]:
    found = database.sql(
        "SELECT format('{}×{} px', width, height), split, sum(duration_ms)::BIGINT FROM clips GROUP BY ALL"
    ).fetchall()
    return _most(found, time_ms, "picture of {}", _RESOLUTIONS)


def _channels(database: duckdb.DuckDBPyConnection, time_ms: dict[str, int]) -> list[Balance]:
    found = database.sql(
        "SELECT channel, split, sum(duration_ms)::BIGINT FROM clips WHERE channel IS NOT NULL GROUP BY ALL"
    ).fetchall()
    return _most(found, time_ms, "channel {}", _CHANNELS)


def _events(database: duckdb.DuckDBPyConnection, time_ms: dict[str, int]) -> list[Balance]:
    found = database.sql(
        """
        SELECT event.name, split, sum(event.end_ms - event.start_ms)::BIGINT
        FROM (SELECT split, unnest(audio_events) AS event FROM clips) WHERE event.name IS NOT NULL GROUP BY ALL
        """
    ).fetchall()
    return _most(found, time_ms, "sound {}", _EVENTS)


def _most(
    found: list[tuple[str, str, int]], time_ms: dict[str, int], measure: str, count: int
) -> list[Balance]:
    """One for each of the names with the most time; `found` has names, splits and ms."""
    parts: dict[str, dict[str, int]] = {}
    for name, split, part_ms in found:
        parts.setdefault(name, {})[split] = part_ms
    most = sorted(parts, key=lambda name: (-sum(parts[name].values()), name))[:count]
    return [_balance(measure.format(name), parts[name], time_ms) for name in most]
