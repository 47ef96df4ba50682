"""The label check: excerpts from within one interval, strata in turn, and sounds that were heard there or not."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.trials.label_check import ASKED
from annotation.trials.plan import plan
from tasks.workspace.stage import Row
from tests.annotation.trials.making import SECRET, event, label, ready, recipe_for

SOUNDS = {"Bark": ["Dog", "Animal"], "Dog": ["Animal"], "Guitar": ["Music"], "Speech": [], "Rain": []}
LABELS = (*ASKED, "cannot_tell")


@st.composite
def labelled_clips(draw: st.DrawFn) -> list[Row]:
    """Clips that labels part without gaps at any millisecond, with events anywhere."""
    clips = []
    for place in range(draw(st.integers(1, 8))):
        cuts = sorted(draw(st.sets(st.integers(0, 29_999), max_size=5)) | {0, 30_000})
        labels = [label(draw(st.sampled_from(LABELS)), start, end) for start, end in pairwise(cuts)]
        events = [
            event(name, start, start + length, parents=SOUNDS[name])
            for name, start, length in draw(
                st.lists(
                    st.tuples(
                        st.sampled_from(sorted(SOUNDS)), st.integers(0, 29_000), st.integers(100, 9_000)
                    ),
                    max_size=5,
                )
            )
        ]
        channel = draw(st.sampled_from(["news", "sports"]))
        clips.append(ready(f"c{place}", duration_ms=29_960, channel=channel, labels=labels, events=events))
    return clips


def excerpts(clips: list[Row], sample: int = 300) -> list[Row]:
    return [trial.item for trial in plan(recipe_for("label-check", sample=sample), clips, [], SECRET).trials]


def shared_ms(row: Row, item: Row) -> int:
    return min(row["end_ms"], item["start_ms"] + item["duration_ms"]) - max(row["start_ms"], item["start_ms"])


@settings(max_examples=60)
@given(labelled_clips())
def test_an_excerpt_lies_within_one_interval_of_its_label(clips: list[Row]) -> None:
    by_id = {clip["clip_id"]: clip for clip in clips}
    items = excerpts(clips)
    for item in items:
        assert item["start_ms"] % 40 == item["duration_ms"] % 40 == 0
        assert 1_000 <= item["duration_ms"] <= 10_000
        assert item["start_ms"] + item["duration_ms"] <= 29_960
        (around,) = (
            row for row in by_id[item["clip_id"]]["labels"] if shared_ms(row, item) == item["duration_ms"]
        )
        assert around["label"] == item["machine"]["label"] != "cannot_tell"
    once = Counter((item["clip_id"], item["machine"]["label"]) for item in items)
    assert max(once.values(), default=1) == 1


@settings(max_examples=60)
@given(labelled_clips())
def test_what_is_asked_for_was_heard_there_or_is_of_another_kind(clips: list[Row]) -> None:
    by_id = {clip["clip_id"]: clip for clip in clips}
    for item in excerpts(clips):
        asked = item["shown"]["event"]
        there = Counter()
        for row in by_id[item["clip_id"]]["events"]:
            there[row["name"]] += max(0, shared_ms(row, item))
        sounding = {name for name, length in there.items() if length}
        if item["machine"]["event"] == "heard":
            assert there[asked] >= min(1_000, item["duration_ms"] // 2)
        else:
            assert item["machine"]["event"] == "not_heard"
            related = sounding | {parent for name in sounding for parent in SOUNDS[name]}
            assert asked not in related
            assert not sounding & set(SOUNDS[asked])


@settings(max_examples=60)
@given(labelled_clips(), st.integers(1, 12))
def test_strata_are_drawn_from_in_turn(clips: list[Row], sample: int) -> None:
    def strata(items: list[Row]) -> Counter:
        channels = {clip["clip_id"]: clip["channel"] for clip in clips}
        return Counter((item["machine"]["label"], channels[item["clip_id"]]) for item in items)

    everything, some = strata(excerpts(clips)), strata(excerpts(clips, sample))
    assert some.total() == min(sample, everything.total())
    most = max(some.values(), default=0)
    assert all(some[stratum] >= min(most - 1, there) for stratum, there in everything.items())


def clips_with(count: int, events: list[list[Row]]) -> list[Row]:
    return [
        ready(f"c{place}", labels=[label("other", 0, 8_000)], events=events[place % len(events)])
        for place in range(count)
    ]


def test_half_of_what_is_asked_for_was_heard() -> None:
    items = excerpts(clips_with(400, [[event("Bark", 0, 8_000)], [event("Guitar", 0, 8_000)]]), 400)
    answers = Counter(item["machine"]["event"] for item in items)
    # Five standard deviations of half of 400.
    assert 150 <= answers["heard"] <= 250
    assert answers.total() == 400


@pytest.mark.parametrize(
    ("events", "answer"),
    [
        ([[event("Bark", 0, 8_000)]], "heard"),
        ([[event("Bark", 0, 8_000, parents=["Dog"])], [event("Dog", 0, 8_000)]], "heard"),
        ([[event("Bark", 7_990, 8_400)], [event("Rain", 7_990, 8_400)]], "not_heard"),
    ],
)
def test_where_only_one_can_be_asked_for_it_is(events: list[list[Row]], answer: str) -> None:
    items = excerpts(clips_with(20, events))
    assert len(items) == 20
    assert {item["machine"]["event"] for item in items} == {answer}


def test_where_no_sound_is_named_nothing_can_be_asked() -> None:
    made = plan(recipe_for("label-check"), clips_with(2, [[]]), [], SECRET)
    assert made.trials == ()
    assert [(told.reason, told.clip_id is None) for told in made.unmade] == [("no_event", False)] * 2


def test_where_no_label_lasts_that_is_told() -> None:
    clips = [ready("a", labels=[label("other", 0, 999), label("cannot_tell", 999, 8_000)])]
    made = plan(recipe_for("label-check"), clips, [], SECRET)
    assert made.trials == ()
    assert [told.reason for told in made.unmade] == ["nothing_suits"]


def test_excerpts_of_long_intervals_begin_anywhere() -> None:
    clips = [
        ready(
            f"c{place}",
            duration_ms=300_000,
            labels=[label("other", 0, 300_000)],
            events=[event("Rain", 0, 300_000)],
        )
        for place in range(200)
    ]
    begins = [item["start_ms"] for item in excerpts(clips)]
    assert max(begins) <= 290_000
    quarters = Counter(begin // 72_500 for begin in begins)
    # 50 of each quarter are expected; five standard deviations are 31.
    assert all(19 <= quarters[quarter] <= 81 for quarter in range(4))
