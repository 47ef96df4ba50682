"""Sync profiles: the sign of an offset, and what is the picture's or the sound's alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.speakers.motion import correlation_profile, loudness, mouth_motion
from tasks.speakers.profile import interaction, mean_profile, peak, rise_at_zero, sound_frames, windows_of

SHIFT = 25


@settings(max_examples=40)
@given(st.integers(-20, 20), st.integers(0, 1000))
def test_sound_that_is_early_has_a_positive_offset(early, seed):
    """The sound of picture frame t is in sound frame t − early."""
    random = np.random.default_rng(seed)
    # 7 s: in the 3 s of a window, random motion may resemble itself so much that the peak hardly stands out.
    motion, level = (np.convolve(random.normal(size=300), np.ones(5), "same") for _ in range(2))
    at = np.arange(60, 235)
    level[at - early] = motion[at]
    profile = correlation_profile(motion[60:235], level, 60, SHIFT)
    offset, height = peak(profile)
    assert abs(offset - early) <= 1
    assert height > 0.5
    assert profile[SHIFT + early] == pytest.approx(1, abs=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(30, 90), st.integers(-10, 60))
def test_shares_of_picture_and_sound_alone_leave_no_interaction(seed, frames, start):
    random = np.random.default_rng(seed)
    at = sound_frames(start, frames, SHIFT)
    sound = random.normal(size=200)
    scores = random.normal(size=frames) + sound[np.clip(at, 0, 199)]
    scores[(at < 0) | (at >= 200)] = np.nan
    rest = interaction(scores)
    np.testing.assert_array_equal(np.isnan(rest), np.isnan(scores))
    assert np.nanstd(rest) < 0.1 * np.nanstd(scores)


def test_a_match_stays_after_the_shares_are_taken_out():
    scores = np.random.default_rng(0).normal(size=(2 * SHIFT + 1, 75))
    scores[SHIFT - 1 : SHIFT + 2] += 2
    profile = mean_profile(interaction(scores))
    assert rise_at_zero(profile) > 0.8
    assert abs(peak(profile)[0]) <= 1


def test_offsets_with_too_little_sound_are_unknown():
    scores = np.ones((51, 40))
    scores[0, :21] = np.nan
    profile = mean_profile(scores)
    assert np.isnan(profile[0]) and np.isfinite(profile[1:]).all()


def test_flat_signals_correlate_with_nothing():
    profile = correlation_profile(np.zeros(75), np.zeros(75), 0, SHIFT)
    np.testing.assert_array_equal(profile[np.isfinite(profile)], 0)


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


@given(st.integers(0, 50), st.integers(1, 400), st.integers(1, 100), st.integers(1, 60))
def test_windows_cover_the_track(start, frames, length, hop):
    windows = windows_of(start, start + frames, length, hop)
    assert windows[0][0] == start and windows[-1][1] == start + frames
    assert all(end - begin == min(length, frames) for begin, end in windows)
    assert all(begin < after[0] <= begin + hop for (begin, _), after in pairwise(windows))


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_tracks_have_a_motion(frames):
    assert mouth_motion(np.zeros((frames, 112, 112), np.uint8)).shape == (frames,)
