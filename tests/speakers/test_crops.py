"""Crops: the face in the middle, grey beyond the picture, memory that follows the tracks."""

from __future__ import annotations

import numpy as np

from tasks.speakers.crops import FaceTrack, crop_tracks


def clip(frames: int, height: int = 200, width: int = 300) -> np.ndarray:
    return np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None], (frames, height, width))


def still(number: int, start: int, frames: int, box: tuple) -> FaceTrack:
    return FaceTrack(number, start, np.tile(np.array(box, float), (frames, 1)))


def batches(frames: np.ndarray, size: int = 16):
    return [(start, frames[start : start + size]) for start in range(0, len(frames), size)]


def test_each_track_gets_its_own_frames():
    tracks = [still(0, 3, 30, (100, 60, 160, 120)), still(1, 20, 25, (30, 60, 90, 120))]
    found = {track.number: crops for track, crops in crop_tracks(batches(clip(60)), tracks)}
    assert found[0].shape == (30, 112, 112)
    np.testing.assert_array_equal(found[0][:, 56, 56], np.arange(3, 33))
    np.testing.assert_array_equal(found[1][:, 56, 56], np.arange(20, 45))


def test_the_crop_shows_the_lower_half_of_the_face():
    frame = np.zeros((1, 200, 300), np.uint8)
    frame[0, 100:110, 120:140] = 255  # a mouth: three quarters down the box
    ((_, crops),) = crop_tracks([(0, frame)], [still(0, 0, 1, (100, 60, 160, 120))])
    rows, columns = np.nonzero(crops[0] > 128)
    assert 40 < rows.mean() < 80
    assert 50 < columns.mean() < 62


def test_beyond_the_picture_it_is_grey_and_a_box_outside_does_no_harm():
    frames = clip(2) + np.uint8(200)
    ((_, crops),) = crop_tracks([(0, frames)], [still(0, 0, 2, (-20, 60, 40, 120))])
    assert (crops[0][:, 0] == 110).all() and (crops[0][:, 80] == 200).all()
    ((_, crops),) = crop_tracks([(0, frames)], [still(0, 0, 2, (900, 900, 960, 960))])
    assert (crops == 110).all()


def test_a_track_beyond_the_clips_end_gets_the_frames_there_are():
    found = list(
        crop_tracks(batches(clip(20)), [still(0, 5, 40, (100, 60, 160, 120)), still(1, 50, 5, (1, 1, 9, 9))])
    )
    assert [(track.number, len(crops)) for track, crops in found] == [(0, 15)]


def test_a_single_wild_box_does_not_move_the_crop():
    boxes = np.tile(np.array([100.0, 60, 160, 120]), (31, 1))
    calm = FaceTrack(0, 0, boxes.copy())
    boxes[15] = (10, 10, 190, 190)
    picture = np.random.default_rng(0).integers(0, 255, (31, 200, 300), dtype=np.uint8)
    (one,), (two,) = (list(crop_tracks([(0, picture)], [track])) for track in (calm, FaceTrack(0, 0, boxes)))
    np.testing.assert_array_equal(one[1], two[1])


def test_syncnet_gets_the_whole_crop_in_colour():
    picture = np.random.default_rng(0).integers(0, 255, (3, 200, 300, 3), dtype=np.uint8)
    track = still(0, 0, 3, (100, 60, 160, 120))
    ((_, colour),) = crop_tracks([(0, picture)], [track], side=224)
    assert colour.shape == (3, 224, 224, 3) and colour.dtype == np.uint8
    for channel in range(3):
        ((_, alone),) = crop_tracks([(0, picture[..., channel])], [track], side=224)
        np.testing.assert_array_equal(colour[..., channel], alone)


def test_the_grey_crop_is_the_middle_of_the_whole_one():
    picture = np.random.default_rng(0).integers(0, 255, (3, 200, 300), dtype=np.uint8)
    track = still(0, 0, 3, (100, 60, 160, 120))
    ((_, whole),) = crop_tracks([(0, picture)], [track], side=224)
    ((_, middle),) = crop_tracks([(0, picture)], [track])
    np.testing.assert_array_equal(middle, whole[:, 56:168, 56:168])


def test_beyond_the_picture_colour_crops_are_grey_too():
    picture = np.full((1, 200, 300, 3), (10, 20, 30), np.uint8)
    ((_, crops),) = crop_tracks([(0, picture)], [still(0, 0, 1, (-20, 60, 40, 120))], side=224)
    assert (crops[0, :, 0] == 110).all() and (crops[0, :, 200] == (10, 20, 30)).all()
