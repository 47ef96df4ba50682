"""Evidence to scored windows: the sign and the lag of an offset, what cannot be told, scores of frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.speakers.calibration import Calibration, Limits
from tasks.speakers.scorers import Evidence
from tasks.speakers.windows import scored

CALIBRATED = Calibration(0.0, (1.0,), lag_frames=0.5, limits=Limits(50, 25, 1.0))


def evidence(at: int = 0, **said) -> Evidence:
    profile = np.exp(-np.square((np.arange(-25, 26) - at) / 3))
    return Evidence((1.0,), profile, **({"grey_levels": 5.0, "spoken_frames": 40} | said))


@given(st.integers(-22, 22))
def test_an_offset_loses_the_scorers_lag_and_keeps_its_sign(at):
    window = scored(3, 0, 75, evidence(at), CALIBRATED)
    assert window.offset_ms == pytest.approx(40 * (at - 0.5), abs=3)
    assert window.confidence > 0.5


@pytest.mark.parametrize(
    ("end", "said", "reason"),
    [
        (75, {}, None),
        (49, {}, "too_short"),
        (75, {"spoken_frames": 24}, "too_little_speech"),
        (75, {"grey_levels": 0.9}, "too_still"),
    ],
)
def test_a_window_that_tells_nothing_says_why_and_keeps_its_probability(end, said, reason):
    window = scored(0, 0, end, evidence(**said), CALIBRATED)
    assert window.unjudged == reason
    assert window.judged == (reason is None)
    assert window.probability == pytest.approx(0.7311, abs=1e-4)


def test_scores_of_frames_are_rounded_and_their_mean_is_the_windows():
    window = scored(0, 0, 75, evidence(frame_scores=np.array([1.234, -0.501], np.float32)), CALIBRATED)
    assert window.frame_scores == (1.23, -0.5)
    assert window.score == pytest.approx(0.3665, abs=1e-4)
    assert scored(0, 0, 75, evidence(), CALIBRATED).score is None
