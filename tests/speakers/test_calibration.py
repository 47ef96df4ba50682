"""The calibration in the repository fits the scorers, and does what a probability should."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.speakers.calibration import FILE, Calibration, calibration
from tasks.speakers.scorers import SCORERS


def test_every_scorer_has_a_calibration_that_says_where_it_comes_from():
    said = json.loads(FILE.read_text(encoding="utf-8"))
    assert set(said["scorers"]) == set(SCORERS)
    assert said["date"] and said["data"] and said["method"]


@pytest.mark.parametrize("name", sorted(SCORERS))
def test_a_better_match_is_more_probable(name):
    calibrated = calibration(name)
    weights = len(calibrated.weights)
    chances = [calibrated.probability([level] * weights) for level in (-2.0, -0.5, 0.0, 0.5, 2.0)]
    assert chances == sorted(chances)
    assert calibrated.weights[0] > 0


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_probabilities_stay_within_zero_and_one(weight, feature):
    assert 0 <= Calibration(0.0, (weight,)).probability([feature]) <= 1


def test_features_and_weights_must_be_as_many():
    with pytest.raises(ValueError, match="zip"):
        Calibration(0.0, (1.0, 2.0)).probability([1.0])
