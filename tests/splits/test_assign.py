"""Splits: whole videos, shares met by duration, stable under growth, blind to length."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sections import Splits
from tasks.splits import SPLITS, assign_splits

DURATIONS = st.integers(min_value=1_200_000, max_value=3 * 3_600_000)


def library(durations: list[int], channel: str = "c") -> list[tuple[str, str, int]]:
    return [(f"{channel}-{number}", channel, duration) for number, duration in enumerate(durations)]


@given(st.lists(DURATIONS, max_size=60), st.lists(DURATIONS, max_size=60))
def test_a_video_never_changes_sides(first: list[int], more: list[int]) -> None:
    earlier = assign_splits(library(first), Splits(), {})
    later = assign_splits(library(first + more), Splits(), earlier)
    assert {video: later[video] for video in earlier} == earlier
    assert set(later) == {video for video, _, _ in library(first + more)}


@given(st.lists(DURATIONS, max_size=40))
def test_the_order_of_discovery_does_not_matter(durations: list[int]) -> None:
    videos = library(durations)
    assert assign_splits(videos, Splits(), {}) == assign_splits(list(reversed(videos)), Splits(), {})


@settings(max_examples=25)
@given(st.lists(DURATIONS, min_size=200, max_size=300), st.integers(min_value=1, max_value=199))
def test_shares_are_met_even_when_videos_arrive_in_two_lots(durations: list[int], cut: int) -> None:
    videos = library(durations)
    assigned = assign_splits(videos, Splits(), assign_splits(videos[:cut], Splits(), {}))
    filled = Counter({split: 0 for split in SPLITS})
    for video, _, duration in videos:
        filled[assigned[video]] += duration
    total, longest = sum(durations), max(durations)
    away = {split: abs(filled[split] / total - getattr(Splits(), split)) for split in SPLITS}
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
