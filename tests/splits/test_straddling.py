"""Kin: who binds whom, which side kin take, what is withheld where they are on several."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import RecipeError
from schemas.sections import Splits
from tests.splits.making import clip, failing, fixed, pair, split, splits_of, video, written

MANY = [row for number in range(40) for row in video(f"other{number}")]


@pytest.mark.parametrize(
    ("tie", "bound"),
    [
        ({}, True),
        ({"kind": "picture"}, True),
        ({"kind": "sound"}, False),
        ({"overlap_ms": 5_000}, False),  # an opening
        ({"overlap_ms": 15_000}, True),
        ({"overlap_ms": 5_000, "shorter_ms": 10_000}, True),
        ({"overlap_ms": 4_900, "shorter_ms": 10_000}, False),
    ],
)
@pytest.mark.parametrize("side", ["train", "dev", "test"])
def test_a_newcomer_goes_where_its_kin_are(tmp_path: Path, tie: dict, bound: bool, side: str) -> None:
    rows = [*MANY, *video("old"), *video("new")]
    made = split(tmp_path, rows, fixed({"old": side}), [pair("new_0", "old_0", **tie)])
    assert splits_of(made)["old"] == side
    kin = dict(zip(*(made.assignments[name].to_pylist() for name in ("video_id", "kin")), strict=True))
    assert (kin["new"] == kin["old"] == "new") is bound
    if bound:
        assert splits_of(made)["new"] == side
    assert made.withheld.num_rows == 0
    assert failing(tmp_path, written(tmp_path, rows, made), [pair("new_0", "old_0", **tie)]) == {}


@pytest.mark.parametrize(
    "same",
    [
        {"source_sha256": "one file"},
        {"source_url": "https://example.org/page"},
        {"frames_xxh3": "frames"},
        {"samples_xxh3": "samples"},
    ],
)
def test_what_is_equal_to_the_bit_stays_together(tmp_path: Path, same: dict) -> None:
    rows = [*MANY, *video("old", **same), *video("new", **same), clip("new", 1)]
    assert splits_of(split(tmp_path, rows, fixed({"old": "test"})))["new"] == "test"


@pytest.mark.parametrize(
    "same",
    [
        {"frames_xxh3": "black", "conditions": ["black"]},
        {"samples_xxh3": "silence", "level_dbfs": None},
        {"samples_xxh3": "nearly silence", "conditions": ["near_silent"]},
    ],
)
def test_silence_and_black_bind_nobody(tmp_path: Path, same: dict) -> None:
    rows = [row for number in range(60) for row in video(f"v{number}", **same)]
    made = split(tmp_path, rows)
    assert set(splits_of(made).values()) == {"train", "dev", "test"}
    assert failing(tmp_path, written(tmp_path, rows, made)) == {}


def test_of_clips_that_lie_on_two_sides_for_good_those_in_training_are_withheld(tmp_path: Path) -> None:
    rows = [*MANY, *video("a", clips=3), *video("b", clips=3)]
    ties = [pair("b_1", "a_2", overlap_ms=45_000)]
    made = split(tmp_path, rows, fixed({"a": "train", "b": "test"}), ties)
    assert {name: splits_of(made)[name] for name in "ab"} == {"a": "train", "b": "test"}
    (told,) = made.withheld.to_pylist()
    assert (told["clip_id"], told["reason"], told["duration_ms"]) == ("a_2", "straddles_splits", 600_000)
    assert told["detail"] == "like b_1 in test in picture and sound for 45,000 ms"
    assert failing(tmp_path, written(tmp_path, rows, made), ties) == {}


def test_a_chain_through_a_clip_that_is_gone_still_binds(tmp_path: Path) -> None:
    """Copies are told with the first of them only; here that one is in no version any more."""
    rows = [*MANY, *video("b"), *video("c")]
    ties = [pair("b_0", "gone_0"), pair("c_0", "gone_0")]
    made = split(tmp_path, rows, fixed({"b": "dev", "c": "train"}), ties)
    (told,) = made.withheld.to_pylist()
    assert (told["clip_id"], told["detail"]) == ("c_0", "like b_0 in dev by way of others")
    assert failing(tmp_path, written(tmp_path, rows, made), ties) == {}


def test_a_newcomer_between_two_sides_costs_nothing_that_is_published(tmp_path: Path) -> None:
    rows = [*MANY, *video("a"), *video("b"), *video("new", clips=3)]
    ties = [pair("new_0", "a_0"), pair("new_1", "b_0")]
    made = split(tmp_path, rows, fixed({"a": "train", "b": "test"}), ties)
    assert splits_of(made)["new"] == "train"
    assert made.withheld["clip_id"].to_pylist() == ["new_1"]


def test_kin_stay_kin_when_the_pair_that_told_them_is_gone(tmp_path: Path) -> None:
    first = split(tmp_path, [*MANY, *video("a"), *video("b")], pairs=[pair("b_0", "a_0")])
    later = split(tmp_path, MANY, first.assignments)
    again = split(tmp_path, [*MANY, *video("b"), *video("c")], later.assignments, [pair("c_0", "b_0")])
    rows = {row["video_id"]: row for row in again.assignments.to_pylist()}
    assert {rows[name]["kin"] for name in "abc"} == {"a"}
    assert len({rows[name]["split"] for name in "abc"}) == 1


def test_a_held_out_channel_is_held_out_with_its_kin(tmp_path: Path) -> None:
    rules = Splits(held_out={"cnn": "test"})
    rows = [*MANY, *(row for n in range(5) for row in video(f"c{n}", "cnn")), *video("copy", "news")]
    ties = [pair("copy_0", "c3_0")]
    made = split(tmp_path, rows, fixed({"other1": "train"}), ties, rules)
    assert {splits_of(made)[name] for name in ("c0", "c1", "c2", "c3", "c4", "copy")} == {"test"}
    assert failing(tmp_path, written(tmp_path, rows, made), ties, rules) == {}
    with pytest.raises(RecipeError, match=r"held_out: cnn: .* 1 videos .* c2 among them in train"):
        split(tmp_path, rows, fixed({"c2": "train"}, "cnn"), ties, rules)


def test_a_list_is_followed_where_the_recipe_says_so(tmp_path: Path) -> None:
    rows = [
        *MANY,
        *video("a", list_split="Test"),
        *video("b", list_split="val"),
        *video("c", list_split="train"),
    ]
    rows += [clip("d", 0, list_split="train"), clip("d", 1, list_split="test")]
    sides = splits_of(split(tmp_path, rows, rules=Splits(follow_list=True)))
    assert {name: sides[name] for name in "abcd"} == {"a": "test", "b": "dev", "c": "train", "d": "test"}
    ties = [pair("c_0", "a_0")]
    made = split(tmp_path, rows, pairs=ties, rules=Splits(follow_list=True))
    assert made.withheld["clip_id"].to_pylist() == ["c_0"]
    with pytest.raises(RecipeError, match="neither train, dev nor test: odd"):
        split(tmp_path, [*rows, *video("e", list_split="odd")], rules=Splits(follow_list=True))
    assert split(tmp_path, [*rows, *video("e", list_split="odd")]).assignments.num_rows == 45
