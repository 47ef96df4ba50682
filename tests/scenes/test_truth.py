"""The programme and its truth, before anything is rendered."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.scenes import broadcast, truth
from tasks.scenes.action import contacts
from tasks.scenes.scene import SPEAKS, STRIKES


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000))
def test_labels_cut_every_source_into_intervals_without_gap_or_overlap(seed):
    for source in broadcast(seed):
        told = truth(source)
        edges = [edge for label in told.labels for edge in (label.start_ms, label.end_ms)]
        assert edges[0] == 0
        assert edges[-1] == source.duration_ms
        assert edges[1:-1:2] == edges[2:-1:2]
        assert all(label.end_ms > label.start_ms for label in told.labels)
        assert all(a.names != b.names for a, b in zip(told.labels, told.labels[1:], strict=False))


def test_the_broadcast_is_two_channels_of_three_varied_sources():
    sources = broadcast()
    assert Counter(source.channel.name for source in sources) == {"evening-news": 3, "saturday-sports": 3}
    assert {source.channel.domain for source in sources} == {"news", "sports"}
    assert all(40_000 <= source.duration_ms <= 90_000 for source in sources)
    assert len({source.name for source in sources}) == 6
    assert {source.sample_rate for source in sources} == {48_000, 44_100, 22_050}
    assert len({source.frame_rate for source in sources}) == 6
    assert {source.container for source in sources} == {"mp4", "mkv", "webm", "mov"}
    assert all(640 <= source.width <= 1280 and 360 <= source.height <= 720 for source in sources)


def test_every_source_has_all_three_labels_for_seconds():
    for source in broadcast():
        lengths = Counter()
        for label in truth(source).labels:
            lengths[label.names[0]] += label.end_ms - label.start_ms
        assert set(lengths) == {"talking_head", "voice_over", "other"}
        assert min(lengths.values()) > 5000


def test_speech_lies_in_scenes_with_speech_and_impacts_in_scenes_that_strike():
    for source in broadcast(3):
        told = truth(source)
        for span in told.speech:
            scene = next(scene for scene in told.scenes if scene.start_ms <= span.start_ms < scene.end_ms)
            assert scene.names[0] in SPEAKS
            assert span.end_ms <= scene.end_ms
        for event in told.events:
            scene = next(scene for scene in told.scenes if scene.start_ms <= event.time_ms < scene.end_ms)
            assert scene.names == (event.kind,)


@given(st.sampled_from(STRIKES), st.integers(1000, 20_000), st.integers(0, 10_000))
def test_contacts_are_apart_and_inside_the_scene(kind, length_ms, seed):
    times = contacts(kind, length_ms, seed)
    assert times
    assert all(0 < time_ms < length_ms - 100 for time_ms in times)
    assert all(b - a >= 300 for a, b in itertools.pairwise(times))


def test_truth_is_json_and_depends_on_the_seed_alone():
    one, two, other = (json.dumps(truth(broadcast(seed)[0]).to_json()) for seed in (0, 0, 1))
    assert one == two
    assert one != other


@pytest.mark.parametrize("source", broadcast(), ids=lambda source: source.name)
def test_frames_begin_before_the_end(source):
    assert (
        (source.frames - 1) / source.frame_rate
        < source.duration_ms / 1000
        <= source.frames / source.frame_rate
    )
