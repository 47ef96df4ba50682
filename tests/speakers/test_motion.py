"""Mouth motion is the mouth's own, and loudness the sound's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.speakers.motion import grey_levels, loudness, mouth_motion


def test_motion_is_that_of_the_mouth_and_loudness_that_of_the_sound():
    crops = np.full((30, 112, 112), 90, np.uint8)
    crops[10:20:2, 60:80, 40:70] = 200
    crops[25, 0:30, 0:30] = 255
    motion = mouth_motion(crops)
    assert motion[11] == motion[1]  # two frames apart the picture is the same
    assert motion[19] > motion[1] + 1
    np.testing.assert_array_equal(motion[23:28], motion[1])
    sound = np.zeros(30 * 640, np.float32)
    sound[5 * 640 : 6 * 640] = np.random.default_rng(0).normal(0, 0.2, 640)
    assert loudness(sound, 30).argmax() == 5


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_tracks_have_a_motion(frames):
    motion = mouth_motion(np.zeros((frames, 112, 112), np.uint8))
    assert motion.shape == (frames,)
    assert grey_levels(motion) == pytest.approx(0, abs=1e-12)


def face(opening: float) -> np.ndarray:
    """A textured face of 160 px whose mouth is a dark ellipse, so many px high."""
    texture = np.random.default_rng(3).uniform(60, 200, (20, 20)).astype(np.float32)
    picture = cv2.resize(texture, (160, 160), interpolation=cv2.INTER_CUBIC)
    cv2.ellipse(picture, (80, 100), (20, max(1, round(opening))), 0, 0, 360, 20.0, -1, cv2.LINE_AA)
    return np.clip(picture, 0, 255).astype(np.uint8)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_a_crop_that_jitters_by_a_few_pixels_moves_like_one_that_does_not(seed):
    random = np.random.default_rng(seed)
    opening = 6 + 5 * np.sin(np.arange(60) * 0.9) * (np.arange(60) // 15 % 2)
    pictures = [face(height) for height in opening]
    steady = np.stack([picture[24:136, 24:136] for picture in pictures])
    moved = [(24 + x, 24 + y) for x, y in random.integers(-3, 4, (60, 2))]
    jittery = np.stack([p[y : y + 112, x : x + 112] for p, (x, y) in zip(pictures, moved, strict=True)])
    assert np.corrcoef(mouth_motion(steady), mouth_motion(jittery))[0, 1] > 0.7
    # Without laying the frames over each other, this much jitter leaves next to nothing of the mouth.
    plain = np.abs(jittery[2:].astype(float) - jittery[:-2])[:, 44:100, 26:86].mean(axis=(1, 2))
    assert np.corrcoef(mouth_motion(steady)[1:-1], np.log(plain + 0.5))[0, 1] < 0.6


def test_grey_levels_are_the_mean_change():
    crops = np.full((20, 112, 112), 100, np.uint8)
    crops[::4] = crops[1::4] = 104  # two frames apart, the brightness differs by 4 everywhere
    assert grey_levels(mouth_motion(crops)) == pytest.approx(4, abs=0.01)
