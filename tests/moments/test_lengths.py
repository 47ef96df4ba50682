"""How long clips shall be."""

from __future__ import annotations

from collections import Counter

import pytest

from schemas.sections import LengthShare, Moments
from tasks.moments.lengths import wanted_length


def share(above: str, up_to: str, clips: int) -> LengthShare:
    return LengthShare(above=above, up_to=up_to, clips=clips)


def test_many_videos_have_the_shares_and_all_lengths():
    shares = (share("3 s", "5 s", 3), share("5 s", "7 s", 0), share("7 s", "9 s", 1))
    drawn = [wanted_length(f"v{number // 4}", number % 4, shares, Moments()) for number in range(4_000)]
    assert all(each.serves(each.length_ms) and each.length_ms % 40 == 0 for each in drawn)
    bins = Counter((each.least_ms, each.most_ms) for each in drawn)
    assert set(bins) == {(3_040, 5_000), (7_040, 9_000)}
    assert abs(bins[3_040, 5_000] / 4_000 - 0.75) < 0.021
    assert len({each.length_ms for each in drawn}) == 100


@pytest.mark.parametrize(
    ("shares", "least", "most"),
    [
        ((), 3_000, 13_000),
        ((share("1 s", "2 s", 9),), 3_000, 13_000),
        ((share("1 s", "4 s", 9),), 3_000, 4_000),
        ((share("12500 ms", "30 s", 9), share("20 s", "30 s", 9)), 12_520, 13_000),
    ],
)
def test_bins_are_cut_to_the_bounds(shares, least, most):
    wanted = wanted_length("v", 0, shares, Moments())
    assert (wanted.least_ms, wanted.most_ms) == (least, most)


def test_the_same_in_every_run():
    recorded = [3_600, 12_920, 6_600, 5_760]
    assert [wanted_length("talk", number, (), Moments()).length_ms for number in range(4)] == recorded
