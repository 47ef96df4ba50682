"""The calibration in the repository fits the scorers, and does what a probability should."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.speakers.calibration import FILE, Calibration, Limits, calibration, digest, metric
from tasks.speakers.scorers import SCORERS

FITTED = json.loads(FILE.read_text(encoding="utf-8"))["scorers"]
NETWORKS = sorted(name for name in FITTED if "metric" in FITTED[name])


def test_every_scorer_has_a_calibration_that_says_where_it_comes_from():
    said = json.loads(FILE.read_text(encoding="utf-8"))
    assert set(said["scorers"]) == set(SCORERS)
    measured = {name for name, one in FITTED.items() if "each_identity_left_out_in_turn" in one}
    assert {name for name, one in FITTED.items() if "origin" in one} == set(SCORERS) - measured
    assert said["date"] and said["data"] and said["method"]


@pytest.mark.parametrize("name", sorted(FITTED))
def test_a_better_match_is_more_probable(name):
    calibrated = calibration(name)
    weights = len(calibrated.weights)
    # SyncNet's confidence is a difference of distances, at home between 0 and 10; the other features lie around 0.
    levels = (0.0, 2.0, 3.0, 4.0, 6.0) if name == "syncnet" else (-2.0, -0.5, 0.0, 0.5, 2.0)
    chances = [calibrated.probability([level] * weights) for level in levels]
    assert chances == sorted(chances) and chances[0] < 0.1 < 0.9 < chances[-1]
    assert all(weight >= 0 for weight in calibrated.weights)
    assert len(FITTED[name]["features"]) == weights


@pytest.mark.parametrize("name", NETWORKS)
def test_a_metric_maps_both_views_into_one_space(name):
    fitted = metric(name)
    assert fitted.picture.shape == fitted.sound.shape == (128, 8)


def test_the_digest_is_that_of_all_numbers_of_a_scorer():
    assert len({digest(name) for name in FITTED}) == len(FITTED)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_probabilities_stay_within_zero_and_one(weight, feature):
    assert 0 <= Calibration(0.0, (weight,)).probability([feature]) <= 1


def test_features_and_weights_must_be_as_many():
    with pytest.raises(ValueError, match="zip"):
        Calibration(0.0, (1.0, 2.0)).probability([1.0])


@pytest.mark.parametrize(
    ("frames", "spoken", "grey", "reason"),
    [
        (75, 40, 3.0, None),
        (60, 25, 0.5, None),
        (59, 10, 0.1, "too_short"),
        (75, 24, 0.1, "too_little_speech"),
        (75, 40, 0.49, "too_still"),
    ],
)
def test_limits_name_what_is_missing(frames, spoken, grey, reason):
    assert Limits(60, 25, 0.5).broken_by(frames, spoken, grey) == reason
