"""Splits: whole videos, shares met by duration, stable under growth, blind to length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sections import SPLITS, Splits
from tasks.splits.assign import Units, assign
from tasks.splits.videos import measures

DURATIONS = st.integers(min_value=1_200_000, max_value=3 * 3_600_000)


Video = tuple[str, str, int]


def assign_splits(
    videos: Sequence[Video],
    shares: Splits,
    fixed: Mapping[str, str],
    inside: Sequence[np.ndarray] = (),
    kin: Sequence[int] | None = None,
) -> dict[str, str]:
    """The split of every video (id, channel, ms), each a unit of its own, or with as many as `kin` says."""
    channels, channel = np.unique([video[1] for video in videos], return_inverse=True)
    duration_ms = np.array([video[2] for video in videos], np.int64)
    parts, wholes = measures(duration_ms, inside)
    units = Units(
        names=[video[0] for video in videos],
        channels=channels.tolist(),
        channel=channel,
        duration_ms=duration_ms,
        videos=np.ones(len(videos), int) if kin is None else np.array(kin),
        side=np.array(
            [SPLITS.index(fixed[video[0]]) if video[0] in fixed else -1 for video in videos], np.int8
        ),
        parts=parts,
        wholes=wholes,
    )
    made = assign(units, shares)
    return {video[0]: SPLITS[side] for video, side in zip(videos, made, strict=True)}


def filled(videos: Sequence[Video], assigned: Mapping[str, str]) -> Counter[str]:
    counts = Counter({split: 0 for split in SPLITS})
    for video, _, duration_ms in videos:
        counts[assigned[video]] += duration_ms
    return counts


def library(durations: list[int], channel: str = "c") -> list[tuple[str, str, int]]:
    return [(f"{channel}-{number}", channel, duration) for number, duration in enumerate(durations)]


@settings(deadline=None)
@given(st.lists(DURATIONS, max_size=60), st.lists(DURATIONS, max_size=60))
def test_a_video_never_changes_sides(first: list[int], more: list[int]) -> None:
    earlier = assign_splits(library(first), Splits(), {})
    later = assign_splits(library(first + more), Splits(), earlier)
    assert {video: later[video] for video in earlier} == earlier
    assert set(later) == {video for video, _, _ in library(first + more)}


@settings(deadline=None)
@given(st.lists(DURATIONS, max_size=40))
def test_the_order_of_discovery_does_not_matter(durations: list[int]) -> None:
    videos = library(durations)
    assert assign_splits(videos, Splits(), {}) == assign_splits(list(reversed(videos)), Splits(), {})


@settings(max_examples=25, deadline=None)
@given(st.lists(DURATIONS, min_size=200, max_size=300), st.integers(min_value=1, max_value=199))
def test_shares_are_met_even_when_videos_arrive_in_two_lots(durations: list[int], cut: int) -> None:
    videos = library(durations)
    assigned = assign_splits(videos, Splits(), assign_splits(videos[:cut], Splits(), {}))
    held = filled(videos, assigned)
    total, longest = sum(durations), max(durations)
    away = {split: abs(held[split] / total - getattr(Splits(), split)) for split in SPLITS}
    # Each held-out split is a video away at most; the largest gets what they leave, so it is away by what both are.
    assert max(away["dev"], away["test"]) <= longest / total
    assert away["train"] <= 2 * longest / total


def test_channels_are_independent() -> None:
    alone = assign_splits(library([3_600_000] * 40, "a"), Splits(), {})
    both = assign_splits(library([3_600_000] * 40, "a") + library([1_800_000] * 90, "b"), Splits(), {})
    assert {video: both[video] for video in alone} == alone


def test_held_out_videos_are_as_long_as_the_others() -> None:
    durations = [1_200_000 + 60_000 * (number * 37 % 101) for number in range(600)]
    videos = library(durations)
    assigned = assign_splits(videos, Splits(), {})
    held_out = [duration for video, _, duration in videos if assigned[video] != "train"]
    mean, everywhere = sum(held_out) / len(held_out), sum(durations) / len(durations)
    assert abs(mean - everywhere) / everywhere < 0.1


@pytest.mark.parametrize("channels", [1, 3, 400])
def test_shares_are_met_where_videos_come_one_at_a_time(channels: int) -> None:
    """Bound: what a channel, or the pool of small ones, lacks or has too much is less than one of its longest."""
    rng = np.random.default_rng(channels)
    videos = [
        (f"v{number}", f"c{number % channels}", int(rng.integers(1_200_000, 7_200_000)))
        for number in range(600)
    ]
    assigned: dict[str, str] = {}
    for count in range(1, len(videos) + 1):
        assigned = assign_splits(videos[:count], Splits(), assigned)
    strata = min(channels, 3) if channels < 30 else 1
    held = filled(videos, assigned)
    total, longest = sum(video[2] for video in videos), max(video[2] for video in videos)
    for split in ("dev", "test"):
        assert abs(held[split] - 0.05 * total) <= strata * longest
    assert abs(held["dev"] / total - 0.05) < 0.02


def test_many_small_channels_reach_their_shares_together_and_as_they_grow() -> None:
    """400 channels, which come with three videos and grow to 24: by then each is large enough to stand alone."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(60_000, 600_000, (400, 24))
    assigned: dict[str, str] = {}
    away = []
    for count in (3, 8, 15, 19, 20, 22, 24):
        videos = [(f"{c}-{n}", f"c{c}", int(lengths[c, n])) for c in range(400) for n in range(count)]
        later = assign_splits(videos, Splits(), assigned)
        assert all(later[video] == side for video, side in assigned.items())
        assigned = later
        held, total = filled(videos, assigned), sum(video[2] for video in videos)
        away.append(max(abs(held[split] / total - 0.05) for split in ("dev", "test")))
    assert max(away[:4]) < 0.001
    assert max(away) < 0.01


def test_small_channels_take_turns_in_being_held_out() -> None:
    videos = [(f"{number}", f"c{number % 12}", 600_000) for number in range(120)]
    assigned = assign_splits(videos, Splits(), {})
    out = [channel for video, channel, _ in videos if assigned[video] != "train"]
    assert sorted(out) == sorted({f"c{number}" for number in range(12)})


def test_held_out_sets_are_alike_in_what_is_in_them() -> None:
    """Against the order of digests alone, which is a draw by lot: the mean distance is less than half."""
    rng = np.random.default_rng(3)
    distances = {"chosen": [], "drawn": []}
    for round_ in range(8):
        duration_ms = rng.lognormal(14.5, 0.7, 160).astype(np.int64)
        talking = (duration_ms * rng.beta(0.7, 0.7, 160)).astype(np.int64)
        videos = [(f"{round_}-{number}", "c", int(ms)) for number, ms in enumerate(duration_ms)]
        assigned = assign_splits(videos, Splits(), {}, [talking])
        out = np.array([assigned[video[0]] != "train" for video in videos])
        lot = rng.permutation(160) < out.sum()
        for name, some in (("chosen", out), ("drawn", lot)):
            share = talking[some].sum() / duration_ms[some].sum()
            distances[name].append(abs(share - talking.sum() / duration_ms.sum()))
    assert np.mean(distances["chosen"]) < 0.5 * np.mean(distances["drawn"])


def test_several_kin_that_are_too_long_for_a_held_out_split_go_to_the_largest() -> None:
    videos = [("family", "c", 40 * 600_000), *((f"v{number}", "c", 600_000) for number in range(60))]
    assigned = assign_splits(videos, Splits(), {}, kin=[40] + [1] * 60)
    assert assigned["family"] == "train"
    assert filled(videos, assigned)["dev"] == filled(videos, assigned)["test"] == 5 * 600_000


@pytest.mark.parametrize("shares", [{"train": 0, "dev": 0, "test": 1}, {"train": 0.5, "dev": 0.5, "test": 0}])
def test_a_split_without_a_share_gets_nothing(shares: dict) -> None:
    videos = [*library([600_000] * 30), ("alone", "small", 600_000)]
    held = filled(videos, assign_splits(videos, Splits(**shares), {}))
    assert {split for split, ms in held.items() if ms} == {split for split, share in shares.items() if share}


def test_nothing_gives_nothing() -> None:
    assert assign_splits([], Splits(), {}) == {}
    assert assign_splits([("a", "c", 0)], Splits(), {}) == {"a": "train"}
