"""Sync profiles: the sign of an offset, and what is the picture's or the sound's alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.speakers.profile import (
    correlation_profile,
    interaction,
    joined,
    mean_profile,
    peak,
    rise_at_zero,
    share_at_zero,
    sound_frames,
    windows_of,
)

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


@given(st.integers(0, 50), st.integers(1, 400), st.integers(1, 100), st.integers(1, 60))
def test_windows_cover_the_track(start, frames, length, hop):
    windows = windows_of(start, start + frames, length, hop)
    assert windows[0][0] == start and windows[-1][1] == start + frames
    assert all(end - begin == min(length, frames) for begin, end in windows)
    assert all(begin < after[0] <= begin + hop for (begin, _), after in pairwise(windows))


@settings(max_examples=30)
@given(st.integers(-20, 20), st.integers(0, 1000), st.integers(2, 6))
def test_views_of_many_numbers_are_compared_as_one(early, seed, width):
    random = np.random.default_rng(seed)
    sound = np.stack([np.convolve(random.normal(size=300), np.ones(5), "same") for _ in range(width)], axis=1)
    picture = sound[np.arange(60, 235) - early] * 3 + 7
    profile = correlation_profile(picture, sound, 60, SHIFT)
    assert profile[SHIFT + early] == pytest.approx(1, abs=1e-6)
    assert peak(profile)[0] == pytest.approx(early, abs=1)


def test_sound_that_is_not_to_be_used_leaves_offsets_unknown():
    random = np.random.default_rng(0)
    profile = correlation_profile(random.normal(size=40), random.normal(size=60), 10, 15, slice(6, 54))
    # At an offset of d frames, frames 10 … 49 meet sound 10 − d … 49 − d; of those, 6 … 53 may be used.
    used = np.array([sum(6 <= t - d < 54 for t in range(10, 50)) for d in range(-15, 16)])
    np.testing.assert_array_equal(np.isnan(profile), used < 20)


@given(st.integers(-25, 25), st.floats(0.1, 100), st.floats(-50, 50), st.integers(0, 1000))
def test_the_share_at_no_offset_knows_where_the_peak_is_and_no_scale(at, gain, lift, seed):
    profile = np.random.default_rng(seed).normal(0, 0.05, 2 * SHIFT + 1)
    profile[SHIFT + at] += 2
    share = share_at_zero(profile)
    assert 0 <= share <= 1
    assert (share > 0.9) == (abs(at) <= 2)
    assert share_at_zero(gain * profile + lift) == pytest.approx(share, rel=1e-6, abs=1e-9)


def test_a_profile_without_a_peak_shares_alike():
    assert share_at_zero(np.zeros(51)) == share_at_zero(np.full(51, np.nan)) == pytest.approx(5 / 51)


@given(st.floats(-20, 20), st.floats(2, 8))
def test_a_peak_is_read_between_offsets(centre, width):
    profile = np.exp(-np.square((np.arange(-SHIFT, SHIFT + 1) - centre) / width))
    assert peak(profile)[0] == pytest.approx(centre, abs=0.15)


@pytest.mark.parametrize("known", [0, 1])
def test_where_nothing_is_known_nothing_rises(known):
    profile = np.full(51, np.nan)
    profile[:known] = 0.7
    assert rise_at_zero(profile) == 0
    assert peak(profile) == pytest.approx((-25.0, 0.0) if known else (0.0, 0.0))


def test_profiles_are_joined_by_their_deviations_and_fill_each_others_gaps():
    one, other = (np.exp(-np.square((np.arange(-SHIFT, SHIFT + 1) - at) / 3)) for at in (4, 6))
    both = joined(one, 1000 * other)
    assert peak(both)[0] == pytest.approx(5, abs=0.1)
    one[:5] = np.nan
    assert np.isfinite(joined(one, other)).all()
    nothing = np.full(51, np.nan)
    np.testing.assert_array_equal(joined(nothing, np.zeros(51)), nothing)
    assert peak(joined(nothing, other))[0] == pytest.approx(6, abs=0.1)
