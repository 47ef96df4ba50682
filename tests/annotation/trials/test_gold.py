"""Gold: as much as asked for, half of each kind, never twice of one clip, and only where a person can tell."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.trials.plan import plan
from annotation.trials.trial import Trial, Unmade
from tasks.workspace.stage import Row
from tests.annotation.trials.making import SECRET, event, ready, recipe_for, several


def gold_of(clips: list[Row], share: float, known: list[Row] = []) -> tuple[list[Trial], tuple[Unmade, ...]]:  # noqa: B006
    made = plan(recipe_for("clip-review", gold=share), clips, known, SECRET)
    return [trial for trial in made.trials if trial.item["expected"]], made.unmade


@pytest.mark.parametrize(
    ("count", "share", "shifted", "swapped"),
    [
        (10, 0.04, 0, 0),
        (13, 0.04, 1, 0),
        (50, 0.04, 1, 1),
        (400, 0.04, 8, 8),
        (100, 0.1, 5, 5),
        (9, 0, 0, 0),
        (11, 0.5, 3, 3),
    ],
)
def test_there_is_as_much_as_asked_for(count: int, share: float, shifted: int, swapped: int) -> None:
    made, unmade = gold_of(several(count), share)
    kinds = Counter(trial.item["kind"] for trial in made)
    assert (kinds["gold_shifted"], kinds["gold_swapped"]) == (shifted, swapped)
    assert unmade == ()


@settings(max_examples=30)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.sampled_from([0.02, 0.04, 0.13, 0.5]))
def test_the_share_is_kept_as_clips_come_and_no_clip_is_taken_twice(growth: list[int], share: float) -> None:
    known: list[Row] = []
    for count in (sum(growth[: place + 1]) for place in range(len(growth))):
        clips = several(count)
        known += [
            trial.item for trial in plan(recipe_for("clip-review", gold=share), clips, known, SECRET).trials
        ]
        taken = Counter(item["clip_id"] for item in known if item["expected"])
        assert max(taken.values(), default=1) == 1
        assert sum(taken.values()) == int(share * count + 0.5)


def test_a_clip_is_not_taken_again_when_it_is_cut_anew() -> None:
    clips = several(20)
    known = [trial.item for trial in plan(recipe_for("clip-review", gold=0.5), clips, [], SECRET).trials]
    before = {item["clip_id"] for item in known if item["expected"]}
    anew = [{**clip, "sha256": clip["sha256"][::-1]} for clip in clips]
    made, _ = gold_of(anew, 0.5, known)
    assert len(before) == 10
    assert {trial.item["clip_id"] for trial in made} == {clip["clip_id"] for clip in clips} - before


def test_what_is_wrong_with_each_is_known() -> None:
    made, _ = gold_of(several(200), 0.5)
    shifted = [trial.item for trial in made if trial.item["kind"] == "gold_shifted"]
    swapped = [trial for trial in made if trial.item["kind"] == "gold_swapped"]
    assert {item["expected"]["aligned"] for item in shifted} == {"out_of_time"}
    early = Counter(item["offset_ms"] for item in shifted)
    assert early.keys() == {500, -500}
    assert min(early.values()) >= 10
    for trial in swapped:
        assert trial.item["expected"] == {"aligned": "other_sound"}
        assert trial.item["offset_ms"] == 0
        assert trial.other["video_id"] != trial.clip["video_id"]
        assert trial.other["scenario"] != trial.clip["scenario"]
    assert len({trial.other["clip_id"] for trial in swapped}) > len(swapped) // 2


@pytest.mark.parametrize(
    "columns", [{"evidence": "uniform"}, {"evidence": "missing"}, {"duration_ms": 2_960}], ids=str
)
def test_where_nobody_can_tell_there_is_none_and_that_is_told(columns: dict) -> None:
    made, unmade = gold_of(several(50, **columns), 0.1)
    assert made == []
    assert [(one.kind, one.clip_id, one.reason) for one in unmade] == [
        ("gold_shifted", None, "nothing_suits"),
        ("gold_swapped", None, "nothing_suits"),
    ]
    assert "0 of 50 clips" in unmade[0].detail


BARK, MEOW = [event("Bark", 0, 900)], [event("Meow", 0, 900), event("Bark", 0, 900, score=0.5)]


@pytest.mark.parametrize(
    ("one", "other", "suits"),
    [
        ({"scenario": "singing"}, {"scenario": "dialogue"}, True),
        ({"scenario": "singing"}, {"scenario": "singing"}, False),
        ({"scenario": "singing"}, {"scenario": None}, False),
        ({}, {}, False),
        ({"events": BARK}, {"events": MEOW}, True),
        ({"events": BARK}, {"events": BARK}, False),
        ({"scenario": "animal_sound", "events": BARK}, {"scenario": "animal_sound", "events": MEOW}, False),
        ({"scenario": "animal_sound", "events": BARK}, {"scenario": "action", "events": BARK}, False),
        ({"scenario": "singing", "events": BARK}, {"events": MEOW}, True),
        ({"scenario": "singing", "video_id": "v"}, {"scenario": "dialogue", "video_id": "v"}, False),
        ({"scenario": "singing"}, {"scenario": "dialogue", "evidence": "uniform"}, False),
    ],
)  # fmt: skip
def test_only_a_sound_that_nobody_takes_for_the_own_is_lent(one: dict, other: dict, suits: bool) -> None:
    made, unmade = gold_of([ready("a", **one), ready("b", **other)], 0.5)
    both, untold = gold_of([ready("a", **one), ready("b", **other), ready("c"), ready("d")], 0.5)
    assert [trial.item["kind"] for trial in made] == ["gold_shifted"]
    assert unmade == ()
    assert sorted(trial.item["kind"] for trial in both) == ["gold_shifted", "gold_swapped"][: 1 + suits]
    assert [told.reason for told in untold] == ([] if suits else ["no_other_sound"])


def test_a_sound_that_is_long_enough_is_preferred() -> None:
    lengths = [4_000, 6_000, 8_000]
    clips = [{**clip, "duration_ms": lengths[place // 3 % 3]} for place, clip in enumerate(several(90))]
    made, _ = gold_of(clips, 0.5)
    swapped = [trial for trial in made if trial.other]
    assert len(swapped) == 22
    assert all(trial.other["duration_ms"] >= trial.clip["duration_ms"] for trial in swapped)
