"""How wrong the machine labels are, as far as that was ever measured: only numbers that can be traced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tasks.speakers.calibration import FILE as CALIBRATION

FILE = Path(__file__).with_name("measured.yaml")


def measured_errors(models: Iterable[str]) -> list[str]:
    """What is known of the labels that these models made, a sentence for each measurement.

    Args:
        models: names, with or without their checksums.
    """
    names = {model.partition("@")[0] for model in models}
    fitted = (_of_speakers(name) for name in sorted(names))
    return [
        *(sentence for sentence in fitted if sentence),
        *(
            f"{_what(one)}: {one['says']} (tests/benchmarks/{one['by']}.py, {one['date']})."
            for one in _noted()
            if one["model"] is None or one["model"] in names
        ),
    ]


def unmeasured(models: Iterable[str]) -> list[str]:
    """Those models of which no measurement is known, by name."""
    known = {one["model"] for one in _noted()}
    names = {model.partition("@")[0] for model in models}
    return sorted(name for name in names - known if name != "none" and not _of_speakers(name))


def _of_speakers(name: str) -> str | None:
    """The errors of a scorer of active speakers, from the file of its calibration; None where it was not fitted."""
    calibrated = _calibrated()
    found = calibrated["scorers"].get(name, {}).get("each_identity_left_out_in_turn")
    if not found:
        return None
    return (
        f"Active speaker ({name}): area under the ROC curve {found['auc_speaking_against_silent']:.2f} for "
        f"speaking against silent faces, {found['auc_original_against_shifted']:.2f} for original against "
        f"shifted sound, {found['auc_original_against_swapped']:.2f} for original against swapped sound; "
        f"Brier score of the probability {found['brier']:.2f}; right of {found['clips']} clips at one half: "
        f"{found['accuracy_at_one_half']:.0%} ({calibrated['data']}, each person left out of the fit in "
        f"turn; tasks/speakers/calibration.json, {calibrated['date']})."
    ).replace("%", " %")


def _what(one: Mapping[str, Any]) -> str:
    """`Faces (yunet)`."""
    return str(one["of"]).capitalize() + (f" ({one['model']})" if one["model"] else "")


@cache
def _noted() -> list[Mapping[str, Any]]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


@cache
def _calibrated() -> Mapping[str, Any]:
    return json.loads(CALIBRATION.read_text(encoding="utf-8"))
