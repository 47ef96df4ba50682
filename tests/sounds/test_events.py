"""Merging chunk scores into events."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.recipe import Recipe
from schemas.sections import Events
from schemas.tables import EVENTS
from tasks.sounds import EVENTS_STAGE, SoundEvent, merge_events
from tasks.workspace.stage import Context, Item

SPEECH, DOG, MUSIC = "/m/09x0r", "/m/0bt9lr", "/m/04rlf"


def chunk(start_ms: int, **scores: float) -> dict:
    ids = {"speech": SPEECH, "dog": DOG, "music": MUSIC}
    best = sorted(scores.items(), key=lambda pair: -pair[1])
    return {
        "start_ms": start_ms,
        "end_ms": start_ms + 2_000,
        "ids": [ids[name] for name, _ in best],
        "scores": [score for _, score in best],
    }


def test_overlapping_and_touching_chunks_are_one_event():
    chunks = [chunk(0, dog=0.4), chunk(1_000, dog=0.9), chunk(3_000, dog=0.5), chunk(6_000, dog=0.35)]
    assert merge_events(chunks, Events()) == [
        SoundEvent(0, 5_000, DOG, 0.9),
        SoundEvent(6_000, 8_000, DOG, 0.35),
    ]


def test_below_the_threshold_is_no_event_and_breaks_one():
    chunks = [chunk(0, dog=0.4), chunk(2_500, dog=0.2), chunk(5_000, dog=0.4)]
    assert [(event.start_ms, event.end_ms) for event in merge_events(chunks, Events())] == [
        (0, 2_000),
        (5_000, 7_000),
    ]


def test_an_event_goes_on_at_half_the_threshold_to_both_sides():
    chunks = [chunk(i * 1_000, dog=score) for i, score in enumerate((0.1, 0.16, 0.4, 0.2, 0.15, 0.14, 0.14))]
    assert merge_events(chunks, Events(threshold=0.3)) == [SoundEvent(1_000, 6_000, DOG, 0.4)]


def test_what_goes_on_need_not_be_among_the_best():
    chunks = [
        chunk(0, dog=0.9, speech=0.5),
        chunk(1_000, speech=0.9, dog=0.8),
        chunk(2_000, music=0.9, dog=0.7),
    ]
    found = {event.id: (event.start_ms, event.end_ms) for event in merge_events(chunks, Events(top=1))}
    assert found == {DOG: (0, 4_000), SPEECH: (0, 3_000), MUSIC: (2_000, 4_000)}


def test_weak_chunks_alone_are_no_event():
    assert merge_events([chunk(i * 1_000, dog=0.29) for i in range(9)], Events(threshold=0.3)) == []


def test_two_barks_three_seconds_apart_are_two():
    chunks = [chunk(i * 1_000, dog=0.8 if i in (0, 3, 4) else 0.1) for i in range(6)]
    assert [(event.start_ms, event.end_ms) for event in merge_events(chunks, Events())] == [
        (0, 2_000),
        (3_000, 6_000),
    ]


def test_only_the_best_classes_of_a_chunk_count():
    chunks = [chunk(0, speech=0.9, dog=0.8, music=0.7)]
    assert [event.id for event in merge_events(chunks, Events(top=2))] == [SPEECH, DOG]


def test_order_is_start_then_score():
    chunks = [chunk(1_000, dog=0.9), chunk(0, speech=0.5, music=0.6)]
    assert [event.id for event in merge_events(chunks, Events())] == [MUSIC, SPEECH, DOG]


# The limit of time per example is for code that may hang, which this cannot; loaded machines exceed it.
@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            lambda start, scores: chunk(start * 1_000, **scores),
            st.integers(0, 30),
            st.dictionaries(st.sampled_from(["speech", "dog", "music"]), st.floats(0, 1)),
        ),
        max_size=30,
    ),
    st.floats(0, 1),
)
def test_events_hold_for_any_chunks(chunks, threshold):
    events = merge_events(chunks, Events(threshold=threshold))
    assert merge_events(chunks[::-1], Events(threshold=threshold)) == events
    for one in {event.id for event in events}:
        same = [event for event in events if event.id == one]
        # Apart from each other, and each as strong as the threshold asks.
        assert all(a.end_ms < b.start_ms for a, b in pairwise(same))
        assert all(event.score >= threshold for event in same)
    heard = {
        (one, row["start_ms"])
        for row in chunks
        for one, score in zip(row["ids"], row["scores"], strict=True)
        if score >= threshold
    }
    # Each loud enough chunk lies within an event of its class.
    assert all(
        any(e.id == one and e.start_ms <= at and at + 2_000 <= e.end_ms for e in events) for one, at in heard
    )


def test_stage_names_the_classes():
    recipe = Recipe(name="test", title="test", profile="embedded")
    work = EVENTS_STAGE.open(Context(recipe, Path(), lambda name: Path(name)))
    item = Item("v_0_4000", "v", {}, {"sounds": [chunk(0, speech=0.9), chunk(1_000, speech=0.7, dog=0.4)]})
    rows = work(item).rows
    assert pa.Table.from_pylist(rows, EVENTS).num_rows == 2
    assert [(row["name"], row["start_ms"], row["end_ms"], row["score"], row["parents"]) for row in rows] == [
        ("Speech", 0, 3_000, 0.9, ["Human voice", "Human sounds"]),
        ("Dog", 1_000, 3_000, 0.4, ["Domestic animals, pets", "Animal"]),
    ]
    assert work(Item("v_0_4000", "v", {}, {"sounds": []})).rows == []
