"""What is said of the errors of machine labels can be traced: to the calibration, or to a benchmark that is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from schemas.recipe import PROFILES
from tasks.releases.documents.measured import FILE, measured_errors, unmeasured
from tasks.speakers.calibration import FILE as CALIBRATION

ROOT = Path(__file__).resolve().parents[3]
NOTED = yaml.safe_load(FILE.read_text(encoding="utf-8"))
MODELS = {model for profile in PROFILES.values() for model in profile.values()}


@pytest.mark.parametrize("one", NOTED, ids=lambda one: f"{one['of']} {one['model']}")
def test_each_measurement_names_a_benchmark_and_a_model_that_exist(one: dict) -> None:
    assert (ROOT / "tests" / "benchmarks" / f"{one['by']}.py").is_file()
    assert one["model"] is None or one["model"] in MODELS


@pytest.mark.parametrize("scorer", ["lr-asd", "light-asd", "mouth-motion"])
def test_speakers_are_told_as_their_calibration_has_them(scorer: str) -> None:
    fitted = json.loads(CALIBRATION.read_text())["scorers"][scorer]["each_identity_left_out_in_turn"]
    said = measured_errors([f"{scorer}@0123456789abcdef"])[0]
    for name in (
        "auc_speaking_against_silent",
        "auc_original_against_shifted",
        "auc_original_against_swapped",
        "brier",
    ):
        assert f"{fitted[name]:.2f}" in said
    assert f"right of {fitted['clips']} clips" in said


def test_only_what_was_used_is_told() -> None:
    said = " ".join(measured_errors(["yunet@1", "silero"]))
    assert "Faces (yunet)" in said and "Speech (silero)" in said
    assert not any(name in said for name in ("haar", "mn04", "lr-asd", "spectral"))


def test_what_was_never_measured_is_named() -> None:
    assert unmeasured(["beats@1@2", "syncnet@3", "yunet", "lr-asd", "none"]) == ["beats", "syncnet"]
