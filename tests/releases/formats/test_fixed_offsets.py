"""Fixed offsets: the same for ever, on the loaders' grid, and feasible by the loaders' own arithmetic."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.releases.formats.fixed_offsets import CROP_FRAMES, GRID_MS, bell_shaped, on_the_grid, uniform

NAMES = st.text(st.sampled_from("abcXYZ019_-"), min_size=1, max_size=30)


@given(NAMES, st.integers(225, 250))
def test_what_a_loader_crops_lies_within_the_clip_and_on_its_frame(name: str, frames: int) -> None:
    placed = on_the_grid(name, frames)
    start_s, offset_s = float(placed.start_s), float(placed.offset_s)
    first_frame, first_sample = int(start_s * 25), int((start_s + offset_s) * 16_000)
    assert placed.offset_ms in GRID_MS
    assert first_frame == placed.start_frame
    assert 0 <= first_frame <= frames - CROP_FRAMES
    assert 0 <= first_sample <= (frames - CROP_FRAMES) * 640
    # The sound is taken `offset` later than the picture, within one sample: heard early, a positive offset.
    assert abs(first_sample - first_frame * 640 - placed.offset_ms * 16) <= 1


def test_the_shortest_clips_have_every_offset() -> None:
    found = Counter(on_the_grid(str(number), 225).offset_ms for number in range(2_000))
    assert sorted(found) == list(GRID_MS)
    assert min(found.values()) > 50


@pytest.mark.parametrize(
    ("name", "grid", "anywhere", "bell"),
    [
        ("5UaG7Ln6lu9_0_10000", (800, 102), 1560, 0),
        ("hch583y4fle_0_10000", (-1800, 78), 580, -1000),
        ("dQw4w9WgXcQ_30000_40000", (1400, 83), -1800, 0),
        ("x_12_0", (600, 73), -280, 0),
    ],
)
def test_offsets_never_change(name: str, grid: tuple[int, int], anywhere: int, bell: int) -> None:
    placed = on_the_grid(name, 250)
    assert ((placed.offset_ms, placed.start_frame), uniform(name), bell_shaped(name)) == (
        grid,
        anywhere,
        bell,
    )


def test_half_of_the_bell_is_in_time_and_small_offsets_are_more_likely() -> None:
    found = Counter(bell_shaped(str(number)) for number in range(4_000))
    away = {offset: count for offset, count in found.items() if offset}
    assert 0.47 < found[0] / 4_000 < 0.53
    assert set(away) == set(GRID_MS) - {0}
    assert (
        0.85
        < (sum(offset**2 * count for offset, count in away.items()) / sum(away.values())) ** 0.5 / 878
        < 1.1
    )
    assert found[200] + found[-200] > 2 * (found[1200] + found[-1200]) > 4 * (found[2000] + found[-2000])


def test_uniform_offsets_fill_two_seconds_to_either_side() -> None:
    found = [uniform(str(number)) for number in range(4_000)]
    assert {offset % 10 for offset in found} == {0}
    assert min(found) == -2_000
    assert max(found) == 2_000
    thirds = Counter((offset + 2_001) // 1_334 for offset in found)
    assert max(thirds.values()) < 1.1 * min(thirds.values())
