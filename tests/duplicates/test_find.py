"""Finding among many: the index against comparing everything, the order, and growth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sections import Duplicates
from schemas.tables import DUPLICATES
from tasks.duplicates import Fingerprint, compare, find_duplicates, pairs
from tasks.duplicates.index import Index, asked_keys, kept_keys
from tasks.duplicates.pictures import MIRROR
from tests.duplicates.making import flipped, recording, table_of

RULES = Duplicates()


def copy(original: Fingerprint, name: int, share: float, cut: int = 0) -> Fingerprint:
    """A copy that begins `cut` pictures later, with a share of its bits changed."""
    return replace(
        original,
        clip_id=f"c{name}",
        video_id=f"w{name}",
        pictures=flipped(original.pictures[cut:], share, name),
        seen=original.seen[cut:],
        sounds=flipped(original.sounds[cut:], share / 2, name),
        heard=original.heard[cut:],
    )


plans = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from((0.0, 0.02, 0.05)), st.integers(0, 12)),
    min_size=1,
    max_size=12,
)


def clips_of(plan: list[tuple[int, float, int]]) -> list[Fingerprint]:
    return [copy(recording(seed), name, share, cut) for name, (seed, share, cut) in enumerate(plan)]


def by_comparing_all(clips: list[Fingerprint]) -> dict[str, str]:
    kept: list[Fingerprint] = []
    found = {}
    for clip in clips:
        same = [match for match in (compare(one, clip, RULES) for one in kept) if match]
        if same:
            found[clip.clip_id] = same[0].earlier
        else:
            kept.append(clip)
    return found


@settings(max_examples=25, deadline=None)
@given(plans, st.integers(1, 12), st.integers(1, 12))
def test_the_index_finds_what_comparing_all_finds(plan: list, size: int, at_once: int) -> None:
    clips = clips_of(plan)
    tables = [table_of(clips[at : at + size]) for at in range(0, len(clips), size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.duplicates.find._AT_ONCE", at_once)
        rows = find_duplicates(tables, RULES)
    assert {row["clip_id"]: row["duplicate_of"] for row in rows} == by_comparing_all(clips)
    assert all(set(row) == set(DUPLICATES.names) for row in rows)
    duplicates = {row["clip_id"] for row in rows}
    assert not duplicates & {row["duplicate_of"] for row in rows}


@settings(max_examples=25, deadline=None)
@given(plans, plans)
def test_the_index_gives_the_clips_that_share_a_key(held: list, asking: list) -> None:
    clips, others = clips_of(held), clips_of(asking)
    half = len(clips) // 2
    index = Index().with_clips(clips[:half], range(half)).with_clips(clips[half:], range(half, len(clips)))
    keys = [set(kept_keys(clip).tolist()) for clip in clips]
    assert index.find(others) == [
        [number for number, some in enumerate(keys) if some & set(asked_keys(clip).tolist())]
        for clip in others
    ]


@settings(max_examples=15, deadline=None)
@given(plans, plans)
def test_growth_changes_no_earlier_verdict(plan: list, more: list) -> None:
    clips = clips_of([*plan, *more])
    before = find_duplicates([table_of(clips[: len(plan)])], RULES)
    after = find_duplicates([table_of(clips[: len(plan)]), table_of(clips[len(plan) :])], RULES)
    assert after[: len(before)] == before


def test_a_copy_of_a_copy_is_reported_with_the_first() -> None:
    clips = clips_of([(1, 0.0, 0), (2, 0.0, 0), (1, 0.02, 0), (1, 0.0, 5)])
    rows = find_duplicates([table_of(clips)], RULES)
    assert [(row["clip_id"], row["duplicate_of"], row["dropped"]) for row in rows] == [
        ("c2", "c0", True),
        ("c3", "c0", True),
    ]
    assert rows[1]["lag_ms"] == pytest.approx(600, abs=130)
    assert [(match.earlier, match.later) for match in pairs([table_of(clips)], RULES)] == [
        ("c0", "c2"),
        ("c0", "c3"),
    ]


def test_a_clip_that_appears_in_the_middle_may_take_another_ones_place() -> None:
    first, late, last = clips_of([(1, 0.0, 0), (2, 0.0, 0), (2, 0.02, 0)])
    assert find_duplicates([table_of([first, last])], RULES) == []
    (row,) = find_duplicates([table_of([first, late]), table_of([last])], RULES)
    assert (row["clip_id"], row["duplicate_of"]) == ("c2", "c1")


def test_a_mirrored_copy_is_found() -> None:
    original = recording(1)
    mirrored = replace(copy(original, 9, 0.02), pictures=original.pictures ^ MIRROR)
    silent = replace(mirrored, heard=np.zeros_like(mirrored.heard))
    for clip, kind in ((mirrored, "both"), (silent, "picture")):
        (row,) = find_duplicates([table_of([original, clip])], RULES)
        assert (row["kind"], row["mirrored"], row["picture_distance"]) == (kind, True, 0)


def test_without_the_section_nothing_is_done() -> None:
    def unread():
        raise RuntimeError("a table was read")
        yield

    assert find_duplicates(unread(), None) == []


def test_the_recipe_decides_about_a_sound_alone() -> None:
    original = recording(1)
    song = replace(recording(2), sounds=original.sounds)
    for action in ("label", "drop"):
        (row,) = find_duplicates([table_of([original, song])], Duplicates(sound_alone=action))
        assert (row["kind"], row["dropped"]) == ("sound", action == "drop")
