"""Histograms of any number of rows, counted in SQL over whole numbers: no rounding moves a row over an edge."""

from __future__ import annotations

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from tasks.releases.report.records import Histogram

_NICE = (1, 2, 2.5, 5, 10)


def thousandths(column: str) -> str:
    """A measurement as a whole number in SQL."""
    return f"round({column} * 1000)::BIGINT"


def histogram_of(
    database: DuckDBPyConnection,
    table: str,
    whole: str,
    one: int,
    ranges: int,
    within: tuple[float, float] | None = None,
) -> Histogram | None:
    """How the values of a column are distributed; None where no row has one.

    Args:
        whole: SQL for the value as a whole number; nulls are left out.
        one: how many of it are one of the unit that the edges are in (1000 for ms that are shown in s).
        ranges: about so many; their edges are round numbers.
        within: what the ranges reach over at least, in the unit of the edges.
    """
    low, high = database.execute(f"SELECT min({whole}), max({whole}) FROM {table}").fetchone()
    if low is None:
        return None
    if within:
        low, high = min(low, round(within[0] * one)), max(high, round(within[1] * one))
    step = _step(low, high, one, ranges)
    first = low // step
    count = max(1, -(-high // step) - first)
    rows = database.execute(
        f"SELECT least(({whole} - ?) // ?, ?)::BIGINT AS place, count(*) FROM {table} WHERE ({whole}) IS NOT NULL "
        "GROUP BY ALL ORDER BY ALL",
        [first * step, step, count - 1],
    ).fetchall()
    counts = [0] * count
    for place, number in rows:
        counts[place] = number
    return Histogram([(first + place) * step / one for place in range(count + 1)], counts)


def tenths(known: Sequence[tuple[int, int]]) -> Histogram:
    """Of values in thousandths from 0 to 1000, each with how often it is there."""
    counts = [0] * 10
    for value, number in known:
        counts[min(9, max(0, value // 100))] += number
    return Histogram([place / 10 for place in range(11)], counts)


def middle_of(known: Sequence[tuple[int, int]]) -> int:
    """The median of values in ascending order, each with how often it is there; the lower one of two."""
    return value_at(known, (sum(number for _, number in known) - 1) // 2)


def value_at(known: Sequence[tuple[int, int]], place: int) -> int:
    """The value at a place, from 0; the last one if there are not so many."""
    for value, number in known:
        place -= number
        if place < 0:
            return value
    return known[-1][0]


def _step(low: int, high: int, one: int, ranges: int) -> int:
    """The width of a range: 1, 2, 2.5 or 5 times a power of ten of the unit, but at least the whole number 1."""
    wide = max(high - low, 1) / one / ranges
    power = 10.0**-9
    while power * 10 <= wide:
        power *= 10
    nice = next(factor * power for factor in _NICE if factor * power >= wide * (1 - 1e-9))
    return max(1, round(nice * one))
