"""Fit the calibration of the speaker scorers, and say how well it does on people it has not seen.

    python -m tests.benchmarks.fit_speakers --data ../shared/data [--write]

Every labelled clip goes through normalising, shots, faces and speech as in a run; each scorer is fitted on the
windows of the faces of its own profile's detector (lr-asd: YuNet; mouth-motion: Haar). Right: original and
naturally speaking; wrong: shifted, swapped and silent. Windows are weighted so that all clips count the same,
and right as much as wrong. Printed: ROC AUC by kind with each identity left out of the fit in turn, where a
clip's probability is the mean of its windows.
"""

from __future__ import annotations

import argparse
import datetime
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from schemas.units import FRAME_RATE
from tasks.speakers.calibration import FILE
from tasks.speakers.scorers import open_scorer
from tasks.speakers.stage import evidence_of_item
from tests.benchmarks.speaker_clips import (
    KEPT,
    asd_minis,
    clips_with_items,
    context_of,
    eyes_and_ears,
    observed,
)

FEATURES = {
    "lr-asd": ("sync profile, rise at no offset", "plain score", "mouth motion, rise at no offset"),
    "mouth-motion": ("mouth motion, best correlation near no offset",),
}
PROFILES = {"lr-asd": "light", "mouth-motion": "embedded"}
RIGHT, WRONG = ("orig", "natural_speaking"), ("shift", "swap", "natural_silence")
_STRENGTH = 0.2


@dataclass(frozen=True)
class Windows:
    """Features (n, k) and clip number (n,) of every window; kind and identity of every clip."""

    features: np.ndarray
    clips: np.ndarray
    kinds: np.ndarray
    people: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Per window, whether its face makes its sound."""
        return np.isin(self.kinds[self.clips], RIGHT)


def gather(scorer_name: str, data: Path, folder: Path) -> Windows:
    """The features of all windows of the open labelled set."""
    context = context_of(PROFILES[scorer_name], data, folder)
    settings, workers = context.recipe.speakers, eyes_and_ears(context)
    scorer = open_scorer(scorer_name, context.weights, settings.max_offset * FRAME_RATE // 1000)
    features, numbers, clips = [], [], asd_minis(data)
    for number, (_, item) in enumerate(clips_with_items(data, folder, clips)):
        seen = observed(item, workers, {})
        found = evidence_of_item(seen, Path(item.row["path"]), scorer, settings)
        for _, _, _, evidence in found:
            features.append(evidence.features)
            numbers.append(number)
    kinds, people = (np.array([getattr(clip, name) for clip in clips]) for name in ("kind", "identity"))
    return Windows(np.array(features), np.array(numbers), kinds, people)


def fit(windows: Windows, chosen: np.ndarray) -> tuple[float, np.ndarray]:
    """Intercept and weights in the features' own units, from the chosen windows."""
    x, clips, right = windows.features[chosen], windows.clips[chosen], windows.right[chosen]
    weight = 1 / np.bincount(clips)[clips]
    for side in (right, ~right):
        weight[side] *= len(weight) / 2 / weight[side].sum()
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    model = LogisticRegression(C=_STRENGTH).fit((x - mean) / deviation, right, sample_weight=weight)
    weights = model.coef_[0] / deviation
    return float(model.intercept_[0] - weights @ mean), weights


def left_out(windows: Windows) -> np.ndarray:
    """Probability of each clip by a fit without its identity; NaN for a clip without windows."""
    chances = np.zeros(len(windows.clips))
    people = windows.people[windows.clips]
    for person in np.unique(people):
        intercept, weights = fit(windows, people != person)
        unseen = people == person
        chances[unseen] = 1 / (1 + np.exp(-(intercept + windows.features[unseen] @ weights)))
    return clip_means(windows, chances)


def clip_means(windows: Windows, values: np.ndarray) -> np.ndarray:
    """Mean of the windows' values for each clip; NaN for a clip without windows."""
    counts = np.bincount(windows.clips, minlength=len(windows.kinds))
    sums = np.bincount(windows.clips, values, minlength=len(windows.kinds))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def figures(windows: Windows, chances: np.ndarray) -> dict[str, float]:
    """ROC AUC for each pair of kinds, and overall figures; clips without windows are left out."""
    known = ~np.isnan(chances)
    right = np.isin(windows.kinds, RIGHT)

    def auc(good: str, bad: str) -> float:
        of = known & np.isin(windows.kinds, (good, bad))
        return round(float(roc_auc_score(windows.kinds[of] == good, chances[of])), 3)

    return {
        "auc_original_against_shifted": auc("orig", "shift"),
        "auc_original_against_swapped": auc("orig", "swap"),
        "auc_speaking_against_silent": auc("natural_speaking", "natural_silence"),
        "auc_all": round(float(roc_auc_score(right[known], chances[known])), 3),
        "log_loss": round(float(log_loss(right[known], chances[known])), 3),
        "accuracy_at_one_half": round(float(((chances > 0.5) == right)[known].mean()), 3),
        "clips_with_windows": int(known.sum()),
        "clips": len(known),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=KEPT, help="where normalised clips are kept")
    parser.add_argument("--scorers", nargs="+", choices=FEATURES, default=list(FEATURES), help="those to fit")
    parser.add_argument("--write", action="store_true", help="write tasks/speakers/calibration.json")
    wanted = parser.parse_args()
    fitted = json.loads(FILE.read_text(encoding="utf-8"))["scorers"] if FILE.exists() else {}
    for name in wanted.scorers:
        windows = gather(name, wanted.data, wanted.folder)
        intercept, weights = fit(windows, np.ones(len(windows.clips), bool))
        fitted[name] = {
            "features": list(FEATURES[name]),
            "intercept": round(intercept, 5),
            "weights": [round(float(weight), 5) for weight in weights],
            "windows": len(windows.clips),
            "each_identity_left_out_in_turn": figures(windows, left_out(windows)),
        }
        for number, feature in enumerate(FEATURES[name]):
            alone = clip_means(windows, windows.features[:, number])
            print(f"{name}: {feature}, alone:", figures(windows, 1 / (1 + np.exp(-alone))))
    said = {
        "date": datetime.date.today().isoformat(),
        "data": f"asd_minis/labels.csv of the open labelled set: {len(windows.kinds)} clips "
        f"of {len(np.unique(windows.people))} identities",
        "method": "logistic regression, C = 0.2 on standardised features, clips and classes weighted equally",
        "scorers": {name: fitted[name] for name in FEATURES if name in fitted},
    }
    print(json.dumps(said, indent=2))
    if wanted.write:
        FILE.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
