"""Tracks from detections that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.faces.boxes import best_of_overlapping, overlaps
from tasks.faces.tracks import TrackRules, detect_in, link

RULES = TrackRules(every=3, max_gap_ms=400, min_track_ms=600, min_size_px=24)


def box(x: float, y: float = 50, side: float = 60, score: float = 0.9) -> np.ndarray:
    return np.array([x, y, x + side, y + side, score], np.float32)


def seen(frames, *boxes_at) -> dict[int, np.ndarray]:
    """Detections: for every frame, the boxes that the functions of the frame number give."""
    found = {}
    for frame in frames:
        boxes = [b for b in (at(frame) for at in boxes_at) if b is not None]
        found[frame] = np.stack(boxes) if boxes else np.zeros((0, 5), np.float32)
    return found


def test_boxes_between_detections_are_interpolated_and_scored_zero():
    (track,) = link(seen(range(0, 61, 3), lambda f: box(2 * f)), [(0, 61)], RULES)
    assert (track.start_frame, track.end_frame) == (0, 61)
    np.testing.assert_allclose(track.boxes[:, 0], 2 * np.arange(61), atol=0.01)
    assert (track.scores[::3] > 0).all() and (track.scores[1::3] == 0).all()


def test_two_faces_are_two_tracks_from_left_to_right():
    tracks = link(seen(range(0, 31, 3), lambda f: box(200 - f), lambda f: box(10 + f)), [(0, 31)], RULES)
    assert [track.boxes[0, 0] for track in tracks] == [10, 200]


@pytest.mark.parametrize(("missing", "tracks"), [(range(15, 24), 1), (range(12, 33), 2)])
def test_gaps_up_to_the_limit_are_bridged(missing, tracks):
    detections = seen(range(0, 61, 3), lambda f: None if f in missing else box(50))
    assert len(link(detections, [(0, 61)], TrackRules(3, 400, 400, 24))) == tracks


@pytest.mark.parametrize("cut", [30, 31, 32])
def test_no_track_crosses_a_cut_and_none_stops_short_of_it(cut):
    shots = [(0, cut), (cut, 62)]
    moving = seen(range(0, 62, 3), lambda f: box(2 * f if f < cut else 300 - f))
    tracks = link(moving, shots, RULES)
    assert [(track.start_frame, track.end_frame) for track in tracks] == shots
    before, after = tracks
    last, first = (cut - 1) // 3 * 3, -(-cut // 3) * 3
    np.testing.assert_array_equal(before.boxes[last:, 0], 2 * last)
    np.testing.assert_array_equal(after.boxes[: first - cut + 1, 0], 300 - first)
    assert (before.scores[last + 1 :] == 0).all() and (after.scores[: first - cut] == 0).all()


def test_a_face_that_a_searched_frame_lacks_is_not_held_to_the_cut():
    (track,) = link(seen(range(0, 62, 3), lambda f: box(50) if 3 <= f <= 54 else None), [(0, 62)], RULES)
    assert (track.start_frame, track.end_frame) == (3, 55)


def test_a_shot_that_no_searched_frame_falls_into_has_no_track():
    shots = [(0, 31), (31, 35), (35, 70)]
    rules = TrackRules(every=12, min_track_ms=80)
    tracks = link(seen(range(0, 70, 12), lambda f: box(50)), shots, rules)
    assert [(track.start_frame, track.end_frame) for track in tracks] == [(0, 31), (35, 70)]


def test_short_and_small_tracks_are_dropped():
    assert link(seen(range(0, 14, 3), lambda f: box(50)), [(0, 60)], RULES) == []
    assert link(seen(range(0, 60, 3), lambda f: box(50, side=20)), [(0, 60)], RULES) == []


def test_only_the_wanted_frames_reach_the_detector():
    asked = []

    def detect(frames):
        asked.append(frames[:, 0, 0, 0].tolist())
        return [np.zeros((0, 5), np.float32)] * len(frames)

    clip = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    found = detect_in([(0, clip[:8]), (8, clip[8:16]), (16, clip[16:])], [0, 7, 8, 19], detect)
    assert asked == [[0, 7], [8], [19]]
    assert sorted(found) == [0, 7, 8, 19]


def test_every_frame_that_comes_is_searched_under_its_own_number():
    def detect(frames):
        return [np.full((1, 5), frame[0, 0, 0], np.float32) for frame in frames]

    clip = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    found = detect_in([(0, clip[:9:3]), (9, clip[9::3])], None, detect, every=3)
    assert {number: boxes[0, 0] for number, boxes in found.items()} == {n: n for n in range(0, 20, 3)}


corner = st.floats(0, 200, width=32)


@settings(max_examples=60)
@given(
    st.lists(
        st.lists(st.tuples(corner, corner, st.floats(30, 90, width=32)), max_size=3), min_size=1, max_size=20
    ),
    st.integers(1, 5),
    st.integers(1, 40),
)
def test_tracks_stay_inside_their_shot_and_repeat(found, every, cut):
    frames = len(found) * every
    shots = [(0, min(cut, frames)), *([(cut, frames)] if cut < frames else [])]
    detections = {
        frame: np.array([[x, y, x + s, y + s, 0.9] for x, y, s in found[frame // every]], np.float32).reshape(
            -1, 5
        )
        for frame in range(0, frames, every)
    }
    rules = TrackRules(every, 400, 80, 24)
    tracks = link(detections, shots, rules)
    for track in tracks:
        assert any(start <= track.start_frame and track.end_frame <= end for start, end in shots)
        assert len(track.boxes) == len(track.scores) >= 2
        found_at = track.start_frame + np.flatnonzero(track.scores)
        assert len(found_at) and (found_at % every == 0).all()
        (shot,) = ((start, end) for start, end in shots if start <= track.start_frame < end)
        assert track.start_frame in (shot[0], found_at[0]) and found_at[0] - track.start_frame < every
        assert track.end_frame in (shot[1], found_at[-1] + 1) and track.end_frame - found_at[-1] <= every
        np.testing.assert_array_equal(track.boxes, np.round(track.boxes, 2))
    again = link(detections, shots, rules)
    assert [t.boxes.tolist() for t in again] == [t.boxes.tolist() for t in tracks]


def test_overlap_of_known_boxes():
    np.testing.assert_allclose(
        overlaps([[0, 0, 10, 10]], [[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]]), [[1, 1 / 3, 0]]
    )


def test_of_overlapping_boxes_the_best_stays():
    boxes = np.stack((box(50, score=0.7), box(52, score=0.9), box(200, score=0.8)))
    np.testing.assert_array_equal(best_of_overlapping(boxes, 0.4), boxes[[1, 2]])
