"""Labels: the three cases of RealSync §3.1, and the promise that they always partition the clip."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sections import Labels
from tasks.labels.fuse import LABELS, FaceSpan, SpeakerWindow, SpeechSpan, Turn, fuse

DEFAULT = Labels()


def spans(intervals):
    return [(i.start_ms, i.end_ms, i.label, i.track) for i in intervals]


def test_speech_with_a_matching_mouth_is_a_talking_head_and_names_the_face():
    windows = [SpeakerWindow(3, 0, 4000, 0.2), SpeakerWindow(5, 0, 4000, 0.9)]
    faces = [FaceSpan(3, 0, 4000), FaceSpan(5, 0, 4000)]
    found = fuse(4000, [SpeechSpan(1000, 3000)], faces, windows, DEFAULT)
    assert spans(found) == [
        (0, 1000, "other", None),
        (1000, 3000, "talking_head", 5),
        (3000, 4000, "other", None),
    ]
    assert found[1].probability == pytest.approx(0.9)


def test_speech_over_faces_that_do_not_match_is_voice_over():
    found = fuse(
        2000, [SpeechSpan(0, 2000)], [FaceSpan(0, 0, 2000)], [SpeakerWindow(0, 0, 2000, 0.1)], DEFAULT
    )
    assert spans(found) == [(0, 2000, "voice_over", 0)]
    assert found[0].probability == pytest.approx(0.9)


def test_speech_without_a_face_is_other():
    assert spans(fuse(2000, [SpeechSpan(0, 2000)], [], [], DEFAULT)) == [(0, 2000, "other", None)]


def test_a_face_that_was_never_scored_decides_nothing():
    found = fuse(2000, [SpeechSpan(0, 2000)], [FaceSpan(0, 0, 2000)], [], DEFAULT)
    assert spans(found) == [(0, 2000, "other", None)]


def test_between_windows_the_nearest_window_speaks_for_the_face():
    windows = [SpeakerWindow(0, 0, 1000, 0.9), SpeakerWindow(0, 3000, 4000, 0.1)]
    found = fuse(4000, [SpeechSpan(0, 4000)], [FaceSpan(0, 0, 4000)], windows, DEFAULT)
    assert spans(found) == [(0, 2000, "talking_head", 0), (2000, 4000, "voice_over", 0)]


def test_the_threshold_decides_and_the_probability_stays():
    args = (2000, [SpeechSpan(0, 2000)], [FaceSpan(0, 0, 2000)], [SpeakerWindow(0, 0, 2000, 0.6)])
    assert fuse(*args, Labels(min_probability=0.6))[0].label == "talking_head"
    strict = fuse(*args, Labels(min_probability=0.7))[0]
    assert (strict.label, strict.probability) == ("voice_over", pytest.approx(0.4))


def test_a_short_pause_is_part_of_the_talk_around_it():
    speech = [SpeechSpan(0, 2000), SpeechSpan(2200, 4000)]
    found = fuse(4000, speech, [FaceSpan(0, 0, 4000)], [SpeakerWindow(0, 0, 4000, 0.8)], DEFAULT)
    assert spans(found) == [(0, 4000, "talking_head", 0)]
    assert found[0].probability == pytest.approx(0.8 * 3800 / 4000)


def test_two_speakers_in_turn_are_two_intervals():
    windows = [SpeakerWindow(0, 0, 2000, 0.9), SpeakerWindow(1, 2000, 4000, 0.8)]
    faces = [FaceSpan(0, 0, 2000), FaceSpan(1, 2000, 4000)]
    found = fuse(4000, [SpeechSpan(0, 4000)], faces, windows, DEFAULT)
    assert spans(found) == [(0, 2000, "talking_head", 0), (2000, 4000, "talking_head", 1)]


def test_a_face_that_was_not_judged_leaves_the_question_open():
    faces = [FaceSpan(0, 0, 2000), FaceSpan(1, 0, 2000)]
    open_question = SpeakerWindow(1, 0, 2000, 0.9, unjudged="too_short")
    found = fuse(2000, [SpeechSpan(0, 2000)], faces[1:], [open_question], DEFAULT)
    assert spans(found) == [(0, 2000, "cannot_tell", 1)] and found[0].probability is None
    beside = [SpeakerWindow(0, 0, 2000, 0.1), open_question]
    assert spans(fuse(2000, [SpeechSpan(0, 2000)], faces, beside, DEFAULT)) == [(0, 2000, "cannot_tell", 0)]
    matched = [SpeakerWindow(0, 0, 2000, 0.8), open_question]
    assert spans(fuse(2000, [SpeechSpan(0, 2000)], faces, matched, DEFAULT)) == [(0, 2000, "talking_head", 0)]


def test_a_judged_window_outweighs_one_that_tells_nothing():
    windows = [SpeakerWindow(0, 0, 2000, 0.1), SpeakerWindow(0, 0, 2000, 0.9, unjudged="too_still")]
    found = fuse(2000, [SpeechSpan(0, 2000)], [FaceSpan(0, 0, 2000)], windows, DEFAULT)
    assert spans(found) == [(0, 2000, "voice_over", 0)] and found[0].probability == pytest.approx(0.9)


def test_a_face_is_judged_by_its_whole_turn():
    windows = [SpeakerWindow(0, 0, 3000, 0.9), SpeakerWindow(0, 3000, 4000, 0.3)]
    args = (4000, [SpeechSpan(0, 4000)], [FaceSpan(0, 0, 4000)], windows, DEFAULT)
    assert [i.label for i in fuse(*args)] == ["talking_head", "voice_over"]
    assert spans(fuse(*args, [Turn("V1", 0, 4000)])) == [(0, 4000, "talking_head", 0)]
    two = [Turn("V1", 0, 3000), Turn("V2", 3000, 4000)]
    assert [i.label for i in fuse(*args, two)] == ["talking_head", "voice_over"]
    both = [Turn("V1", 0, 4000), Turn("V2", 0, 4000)]
    assert fuse(*args, both) == fuse(*args)


def span(longest=8000):
    return st.tuples(st.integers(0, longest), st.integers(1, longest)).map(lambda p: (p[0], p[0] + p[1]))


@given(
    duration_ms=st.integers(0, 9000),
    speech=st.lists(span(), max_size=5),
    faces=st.lists(span(), max_size=4),
    windows=st.lists(
        st.tuples(st.integers(0, 4), span(), st.floats(0, 1), st.sampled_from([None, "too_short"])),
        max_size=8,
    ),
    turns=st.lists(span(), max_size=4),
    min_length=st.integers(0, 3000),
    min_probability=st.floats(0, 1),
)
def test_labels_partition_the_clip(duration_ms, speech, faces, windows, turns, min_length, min_probability):
    settings = Labels(min_probability=min_probability, min_length=f"{min_length} ms")
    found = fuse(
        duration_ms,
        [SpeechSpan(*edges) for edges in speech],
        [FaceSpan(n, *edges) for n, edges in enumerate(faces)],
        [SpeakerWindow(track, *edges, chance, unjudged=why) for track, edges, chance, why in windows],
        settings,
        [Turn(f"V{n}", *edges) for n, edges in enumerate(turns)],
    )
    edges = [0, *(i.end_ms for i in found)]
    assert [i.start_ms for i in found] == edges[:-1]
    assert edges[-1] == duration_ms
    assert all(i.start_ms < i.end_ms and i.label in LABELS for i in found)
    assert all((i.probability is None) == (i.label == "cannot_tell") for i in found)
    assert all(0 <= i.probability <= 1 for i in found if i.probability is not None)
    assert all((i.track is None) == (i.label == "other") for i in found)
    if len(found) > 1:
        # The last frame may be cut short by the clip's end, hence 40 ms of grace.
        assert all(i.end_ms - i.start_ms > min_length - 40 for i in found)
    for one, two in pairwise(found):
        assert (one.label, one.track) != (two.label, two.track) or one.label == "talking_head"
