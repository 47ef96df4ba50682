"""Cepstra: those of python_speech_features, whatever the length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.speakers import mfcc as module
from tasks.speakers.mfcc import mfcc

TONES = {
    0: [
        *(20.577815, 9.917622, -19.135277, 1.591730, 1.180895, -51.220394, -55.031743),
        *(3.916146, 18.464126, -12.107706, 4.665345, 39.449663, 18.564012),
    ],
    37: [
        *(21.338667, 1.153947, 9.210929, 46.826135, -43.340769, -33.844039, -12.104296),
        *(-51.082225, 15.765497, 37.923845, -2.835801, 31.252464, 12.752347),
    ],
}
"""Of the tones below, by hop, from python_speech_features 0.6 on 16-bit samples."""


def tones() -> np.ndarray:
    """Half a second: a steady tone and a rising one."""
    t = np.arange(8000) / 16_000
    levels = np.sin(2 * np.pi * 440 * t) * 0.3 + np.sin(2 * np.pi * 1900 * t * (1 + t)) * 0.1
    return (np.round(levels * 32768) / 32768).astype(np.float32)


@pytest.mark.parametrize("hop", TONES)
def test_cepstra_are_those_of_the_package_that_the_networks_learnt_with(hop):
    found = mfcc(tones(), 48)
    assert found.shape == (48, 13) and found.dtype == np.float32
    np.testing.assert_allclose(found[hop], TONES[hop], atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 9000))
def test_more_hops_leave_the_first_ones_as_they_are(fewer, more, samples):
    sound = tones()[:samples]
    # A hop that runs over the end of the sound is the same too: silence follows in either case.
    np.testing.assert_array_equal(mfcc(sound, fewer + more)[:fewer], mfcc(sound, fewer))


def test_long_sounds_go_through_in_blocks_without_a_seam(monkeypatch):
    whole = mfcc(tones(), 48)
    monkeypatch.setattr(module, "_BLOCK", 7)
    np.testing.assert_allclose(mfcc(tones(), 48), whole, atol=1e-5)


def test_a_louder_sound_changes_the_energy_alone():
    quiet, loud = mfcc(tones() * np.float32(0.5), 40), mfcc(tones(), 40)
    np.testing.assert_allclose(loud[:, 0] - quiet[:, 0], 2 * np.log(2), atol=0.01)
    np.testing.assert_allclose(np.median(loud[:, 1:] - quiet[:, 1:], axis=0), 0, atol=0.5)


@pytest.mark.parametrize("frames", [0, -4])
def test_no_hops_make_no_cepstra(frames):
    assert mfcc(tones(), frames).shape == (0, 13)
