"""Finding among many: the index against comparing everything, the order, and growth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.releases import PAIRS
from schemas.sections import Duplicates
from schemas.tables import DUPLICATES
from tasks.duplicates import Fingerprint, compare, find_duplicates
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
        rows = find_duplicates(tables, RULES).duplicates
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
    before = find_duplicates([table_of(clips[: len(plan)])], RULES).duplicates
    after = find_duplicates([table_of(clips[: len(plan)]), table_of(clips[len(plan) :])], RULES).duplicates
    assert after[: len(before)] == before


def test_a_copy_of_a_copy_is_reported_with_the_first() -> None:
    clips = clips_of([(1, 0.0, 0), (2, 0.0, 0), (1, 0.02, 0), (1, 0.0, 5)])
    rows = find_duplicates([table_of(clips)], RULES).duplicates
    assert [(row["clip_id"], row["duplicate_of"], row["dropped"]) for row in rows] == [
        ("c2", "c0", True),
        ("c3", "c0", True),
    ]
    assert rows[1]["lag_ms"] == pytest.approx(600, abs=130)
    found = find_duplicates([table_of(clips)], RULES)
    assert [
        (row["other_clip"], row["clip_id"], row["other_video"], row["video_id"]) for row in found.pairs
    ] == [
        ("c0", "c2", "w0", "w2"),
        ("c0", "c3", "w0", "w3"),
    ]
    assert all(set(row) == set(PAIRS.names) for row in found.pairs)
    assert (found.counts["clips fingerprinted"], found.counts["pairs possible"]) == (4, 6)
    assert found.counts["pairs alike"] == 2 <= found.counts["pairs compared"]


def test_a_clip_that_appears_in_the_middle_may_take_another_ones_place() -> None:
    first, late, last = clips_of([(1, 0.0, 0), (2, 0.0, 0), (2, 0.02, 0)])
    assert find_duplicates([table_of([first, last])], RULES).duplicates == []
    (row,) = find_duplicates([table_of([first, late]), table_of([last])], RULES).duplicates
    assert (row["clip_id"], row["duplicate_of"]) == ("c2", "c1")


def test_a_mirrored_copy_is_found() -> None:
    original = recording(1)
    mirrored = replace(copy(original, 9, 0.02), pictures=original.pictures ^ MIRROR)
    silent = replace(mirrored, heard=np.zeros_like(mirrored.heard))
    for clip, kind in ((mirrored, "both"), (silent, "picture")):
        (row,) = find_duplicates([table_of([original, clip])], RULES).duplicates
        assert (row["kind"], row["mirrored"], row["picture_distance"]) == (kind, True, 0)


def test_the_recipe_decides_about_a_sound_alone() -> None:
    original = recording(1)
    song = replace(recording(2), sounds=original.sounds)
    for action in ("label", "drop"):
        (row,) = find_duplicates([table_of([original, song])], Duplicates(sound_alone=action)).duplicates
        assert (row["kind"], row["dropped"]) == ("sound", action == "drop")


KEEPING = Duplicates(leave_out=False)


def pairs_of(clips: list[Fingerprint], rules: Duplicates = KEEPING) -> set[tuple[str, str]]:
    return {(row["other_clip"], row["clip_id"]) for row in find_duplicates([table_of(clips)], rules).pairs}


def test_where_copies_are_kept_each_is_told_to_be_like_the_first() -> None:
    clips = clips_of([(1, 0.0, 0), (2, 0.0, 0), (1, 0.02, 0), (1, 0.0, 5), (1, 0.02, 0)])
    found = find_duplicates([table_of(clips)], KEEPING)
    assert [(row["clip_id"], row["duplicate_of"], row["dropped"]) for row in found.duplicates] == [
        ("c2", "c0", False),
        ("c3", "c0", False),
        ("c4", "c0", False),
    ]
    assert pairs_of(clips) == {("c0", "c2"), ("c0", "c3"), ("c0", "c4")}


def test_a_copy_with_something_of_its_own_is_looked_for_as_well() -> None:
    first, own = recording(1), recording(2)
    longer = replace(joined(first, own), clip_id="longer", video_id="w")
    again = replace(own, clip_id="again", video_id="x")
    assert pairs_of([first, longer, again]) == {("r1", "longer"), ("longer", "again")}


def test_clips_of_one_video_are_not_compared_where_copies_are_kept() -> None:
    original = recording(1)
    replay = replace(copy(original, 7, 0.02), video_id=original.video_id)
    assert pairs_of([original, replay]) == set()
    assert pairs_of([original, replay], RULES) == {("r1", "c7")}
    counts = find_duplicates([table_of([original, replay])], KEEPING).counts
    assert (counts["pairs within a video"], counts["pairs compared"]) == (1, 0)


def joined(*clips: Fingerprint) -> Fingerprint:
    """One clip after the other, under the first one's name."""
    fields = ("pictures", "seen", "sounds", "heard")
    return replace(
        clips[0], **{name: np.concatenate([getattr(clip, name) for clip in clips]) for name in fields}
    )


@pytest.mark.parametrize("at_once", [1, 7, 64])
def test_an_opening_makes_no_pairs_of_all_and_hides_no_copy(
    at_once: int, count: int = 40, copies: int = 3
) -> None:
    """Every video begins with the same two seconds; the last are copies of the rest of some."""
    opening = recording(999, pictures=20, items=20)
    bodies = [recording(number) for number in range(count)]
    shows = [
        replace(joined(opening, body), clip_id=f"s{n}", video_id=f"s{n}") for n, body in enumerate(bodies)
    ]
    again = [copy(bodies[-number], number, 0.02) for number in range(1, copies + 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.duplicates.find._AT_ONCE", at_once)
        found = find_duplicates([table_of([*shows, *again])], KEEPING)
    pairs = {(row["other_clip"], row["clip_id"]) for row in found.pairs}
    assert pairs >= {(f"s{count - number}", f"c{number}") for number in range(1, copies + 1)}
    # All shows are told to be alike by the first few; not each with each.
    assert pairs >= {("s0", f"s{number}") for number in range(1, count)}
    assert found.counts["pairs compared"] <= 8 * (count + copies)


def test_keeping_copies_finds_all_whom_leaving_them_out_finds() -> None:
    clips = clips_of(
        [(seed, share, cut) for seed in range(6) for share, cut in ((0.0, 0), (0.03, 4), (0.05, 9))]
    )
    assert pairs_of(clips) == pairs_of(clips, RULES)
    assert len(pairs_of(clips)) == 12
