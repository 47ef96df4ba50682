"""Tracks from detections that are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.faces.boxes import best_of_overlapping, overlaps
from tasks.faces.tracks import TrackRules, detect_in, link
from tasks.media.frames import FrameBatch

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


def test_every_frame_that_comes_is_searched_under_its_own_number():
    def detect(frames):
        return [np.full((1, 5), frame[0, 0, 0], np.float32) for frame in frames]

    clip = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    parts = [(0, clip[:9:3]), (9, clip[9::3])]
    found = detect_in([FrameBatch(start, np.zeros(len(f), int), f, every=3) for start, f in parts], detect)
    assert {number: boxes[0, 0] for number, boxes in found.items()} == {n: n for n in range(0, 20, 3)}


@pytest.mark.parametrize("step_px", [40, 50, 58])
def test_a_face_that_moves_almost_its_own_length_from_look_to_look_is_one_track(step_px):
    (track,) = link(seen(range(0, 36, 5), lambda f: box(step_px * f / 5)), [(0, 36)], TrackRules(every=5))
    np.testing.assert_allclose(track.boxes[:, 0], step_px * np.arange(36) / 5, atol=0.01)


def test_faces_that_pass_each_other_keep_their_tracks():
    """At frame 30 both lie on one spot; the speed tells which goes where."""
    left_to_right, right_to_left = (lambda f: box(4 * f)), (lambda f: box(240 - 4 * f, y=62))
    tracks = link(seen(range(0, 61, 3), left_to_right, right_to_left), [(0, 61)], RULES)
    assert [track.boxes[0, 0] for track in tracks] == [0, 240]
    assert [track.boxes[-1, 0] for track in tracks] == [240, 0]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(box(120), id="two lengths away"),
        pytest.param(box(40, side=20), id="a third of the size"),
    ],
)
def test_another_face_after_a_face_is_another_track(other):
    detections = seen(range(0, 61, 3), lambda f: box(0) if f < 30 else other)
    rules = TrackRules(every=3, min_size_px=10)
    assert [t.start_frame for t in link(detections, [(0, 61)], rules)] == [0, 30]


def test_detector_noise_of_1_px_moves_no_box_by_more():
    """Interpolation never adds to it, and size and place stay true on average."""
    noise = np.random.default_rng(3).uniform(-1, 1, (61, 4))
    (track,) = link(seen(range(0, 61, 3), lambda f: box(50) + np.append(noise[f], 0)), [(0, 61)], RULES)
    assert np.abs(track.boxes - box(50)[:4]).max() <= 1
    assert np.abs(track.boxes.mean(axis=0) - box(50)[:4]).max() < 0.4


corner = st.floats(0, 200, width=32)
frames_of_boxes = st.lists(
    st.lists(st.tuples(corner, corner, st.floats(30, 90, width=32), st.floats(0.5, 1)), max_size=4),
    min_size=1,
    max_size=20,
)


def known(found, every: int) -> dict[int, np.ndarray]:
    """Detections as the table keeps them: px in hundredths, scores with four places."""
    rows = [[[x, y, x + side, y + side, score] for x, y, side, score in boxes] for boxes in found]
    places = np.array([2, 2, 2, 2, 4])
    return {
        every * n: np.round(np.array(boxes).reshape(-1, 5) * 10**places) / 10**places
        for n, boxes in enumerate(rows)
    }


def cut_in_two(frames: int, cut: int) -> list[tuple[int, int]]:
    return [(0, min(cut, frames)), *([(cut, frames)] if cut < frames else [])]


def listed(tracks) -> list:
    return [(track.start_frame, track.boxes.tolist(), track.scores.tolist()) for track in tracks]


@settings(max_examples=60, deadline=None)
@given(frames_of_boxes, st.integers(1, 5), st.integers(1, 40))
def test_tracks_stay_inside_their_shot(found, every, cut):
    shots = cut_in_two(len(found) * every, cut)
    for track in link(known(found, every), shots, TrackRules(every, 400, 80, 24)):
        assert any(start <= track.start_frame and track.end_frame <= end for start, end in shots)
        assert len(track.boxes) == len(track.scores) >= 2
        found_at = track.start_frame + np.flatnonzero(track.scores)
        assert len(found_at) and (found_at % every == 0).all()
        (shot,) = ((start, end) for start, end in shots if start <= track.start_frame < end)
        assert track.start_frame in (shot[0], found_at[0]) and found_at[0] - track.start_frame < every
        assert track.end_frame in (shot[1], found_at[-1] + 1) and track.end_frame - found_at[-1] <= every
        np.testing.assert_array_equal(track.boxes, np.round(track.boxes, 2))


@settings(max_examples=60, deadline=None)
@given(frames_of_boxes, st.integers(1, 5), st.integers(1, 40))
def test_a_box_that_was_not_found_lies_between_those_that_were(found, every, cut):
    detections = known(found, every)
    for track in link(detections, cut_in_two(len(found) * every, cut), TrackRules(every, 400, 80, 24)):
        at = np.flatnonzero(track.scores)
        for frame in at:
            row = np.append(track.boxes[frame], track.scores[frame])
            assert (np.abs(detections[track.start_frame + frame] - row).max(axis=1) < 1e-9).any()
        for before, after in pairwise(at):
            low = np.minimum(track.boxes[before], track.boxes[after])
            high = np.maximum(track.boxes[before], track.boxes[after])
            between = track.boxes[before : after + 1]
            assert ((low <= between) & (between <= high)).all()


@settings(max_examples=60, deadline=None)
@given(frames_of_boxes, st.integers(1, 5), st.integers(1, 40), st.randoms(use_true_random=False))
def test_the_order_of_the_boxes_in_a_frame_changes_nothing(found, every, cut, random):
    shots, rules = cut_in_two(len(found) * every, cut), TrackRules(every, 400, 80, 24)
    shuffled = [random.sample(boxes, len(boxes)) for boxes in found]
    assert listed(link(known(shuffled, every), shots, rules)) == listed(
        link(known(found, every), shots, rules)
    )


@settings(max_examples=60, deadline=None)
@given(frames_of_boxes, st.integers(1, 5), st.integers(1, 40))
def test_what_became_tracks_becomes_the_same_tracks_again(found, every, cut):
    shots, rules = cut_in_two(len(found) * every, cut), TrackRules(every, 400, 200, 40)
    tracks = link(known(found, every), shots, rules)
    used: dict[int, list[np.ndarray]] = {}
    for track in tracks:
        for n in np.flatnonzero(track.scores):
            used.setdefault(track.start_frame + int(n), []).append(np.append(track.boxes[n], track.scores[n]))
    again = link({frame: np.stack(boxes) for frame, boxes in used.items()}, shots, rules)
    assert listed(again) == listed(tracks)


def test_overlap_of_known_boxes():
    np.testing.assert_allclose(
        overlaps([[0, 0, 10, 10]], [[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]]), [[1, 1 / 3, 0]]
    )


def test_of_overlapping_boxes_the_best_stays():
    boxes = np.stack((box(50, score=0.7), box(52, score=0.9), box(200, score=0.8)))
    np.testing.assert_array_equal(best_of_overlapping(boxes, 0.4), boxes[[1, 2]])


def test_boxes_of_whole_px_overlap_by_a_row_and_a_column_more():
    boxes = np.array([[0, 0, 10, 10, 0.9], [10, 10, 20, 20, 0.8]])
    assert len(best_of_overlapping(boxes, 0)) == 2
    assert len(best_of_overlapping(boxes, 0, whole_px=True)) == 1
