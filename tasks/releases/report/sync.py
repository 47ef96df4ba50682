"""What the sync certificates of all clips say together."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from tasks.media.check import DRIFT_BOUND_MS_PER_HOUR, PICTURE_BOUND_MS, SOUND_BOUND_MS
from tasks.releases.report.histograms import histogram_of, thousandths
from tasks.releases.report.records import Extreme, Spread

MEASURED: tuple[tuple[str, str, float | None], ...] = (
    ("picture_skew_ms", "ms", PICTURE_BOUND_MS),
    ("sound_skew_ms", "ms", SOUND_BOUND_MS),
    ("start_skew_ms", "ms", SOUND_BOUND_MS),
    ("end_skew_ms", "ms", SOUND_BOUND_MS),
    ("drift_ms_per_hour", "ms/h", DRIFT_BOUND_MS_PER_HOUR),
    ("source_start_skew_ms", "ms", None),
    ("source_end_skew_ms", "ms", None),
    ("source_drift_ms_per_hour", "ms/h", None),
    ("repeated_frames", "frames", None),
    ("dropped_pictures", "pictures", None),
    ("inserted_silence_ms", "ms", None),
    ("removed_sound_ms", "ms", None),
)
"""Columns of the manifest, their units, and what they may be at most, up or down."""

_SINGLED_OUT = (
    "picture_skew_ms",
    "sound_skew_ms",
    "source_start_skew_ms",
    "source_end_skew_ms",
    "repeated_frames",
)
_SIGNED = ("start_skew_ms", "end_skew_ms", "source_start_skew_ms", "source_end_skew_ms")
_MOST_NAMED = 3
_RANGES = 32


def spreads_of(database: DuckDBPyConnection) -> list[Spread]:
    """One for each of `MEASURED`."""
    return [_spread(database, *each) for each in MEASURED]


def extremes_of(database: DuckDBPyConnection) -> list[Extreme]:
    """The clips that lie furthest out in what matters most, some for each; none for what is 0 everywhere."""
    units = {column: unit for column, unit, _ in MEASURED}
    return [
        Extreme(clip, channel, column, units[column], value)
        for column in _SINGLED_OUT
        for clip, channel, value in database.execute(
            f"SELECT clip_id, channel, {column} FROM clips WHERE {column} <> 0 "
            f"ORDER BY abs({column}) DESC, clip_id LIMIT {_MOST_NAMED}"
        ).fetchall()
    ]


def _spread(database: DuckDBPyConnection, column: str, unit: str, bound: float | None) -> Spread:
    known, shares, low, high, beyond = database.execute(
        f"SELECT count({column}), quantile_disc(abs({column}), [0.5, 0.99]), min({column}), max({column}), "
        f"count(*) FILTER (abs({column}) > ?) FROM clips",
        [float("inf") if bound is None else bound],
    ).fetchone()
    if not known:
        return Spread(column, unit, bound, 0, None, None, None, 0, None)
    most = low if abs(low) > abs(high) else high
    return Spread(column, unit, bound, known, *shares, most, beyond, _histogram(database, column, bound))


def _histogram(database: DuckDBPyConnection, column: str, bound: float | None):
    """Reaching to the bound, so that one sees how far below it all clips lie."""
    within = None if bound is None else (-bound if column in _SIGNED else 0.0, bound)
    return histogram_of(database, "clips", thousandths(column), 1000, _RANGES, within)
