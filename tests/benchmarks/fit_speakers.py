"""Fit all that the speaker scorers learn, and say how well it does on people it has not seen.

    python -m tests.benchmarks.fit_speakers --data ../shared/data [--write] [--weights light-asd=FILE]

Every labelled clip goes through normalising, shots, faces and speech as in a run; each scorer is fitted on the
windows of the faces of its own profile's detector (networks: YuNet; mouth-motion: Haar). Right: original and
naturally speaking; wrong: shifted, swapped and silent. Fitted are, in this order:

    metric   where a network's views of face and sound meet: canonical correlation analysis of the right clips
    weights  logistic regression of the features, none of which may count against its face; all clips count the same,
             and right as much as wrong
    lag      median offset of the right windows, in which picture and sound are in time
    limits   the shortest track of which three in four are judged right, the least speech that was met in more than a
             few windows and did not make them worse, and half of the least mouth motion that was met

Printed, and kept in the file: figures with each identity left out of all of these in turn, where a clip's
probability is the mean of its windows. The weights of a fold are fitted on features whose metric has seen neither
the one left out nor the one that the feature is of.
"""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

from tasks.speakers.calibration import FILE, Limits, Metric
from tasks.speakers.profile import peak
from tasks.speakers.scorers import Network, open_network, watch, weigh
from tests.benchmarks.speaker_clips import (
    KEPT,
    RecordedClip,
    asd_minis,
    clips_with_items,
    context_of,
    eyes_and_ears,
    max_shift_of,
    observed,
    record,
    weights_in,
)
from tests.benchmarks.speaker_folds import RIGHT, Fold, Moments, Windows, clip_means, fit, folds

NETWORK_FEATURES = (
    "what neither picture nor sound explains of the network's scores, rise at no offset",
    "plain score",
    "metric, share of its profile's weight at no offset",
    "mouth motion and loudness, rise at no offset",
)
FEATURES = {
    "lr-asd": NETWORK_FEATURES,
    "light-asd": NETWORK_FEATURES,
    "mouth-motion": (
        "mouth motion and loudness, rise at no offset",
        "mouth motion and loudness, share of the profile's weight at no offset",
    ),
}
PROFILES = {"lr-asd": "light", "light-asd": "light", "mouth-motion": "embedded"}
_LENGTHS_FRAMES, _SPOKEN_FRAMES, _FEWEST_WINDOWS = (62, 50, 37, 25), (15, 25, 38, 50), 8
_GOOD_ENOUGH = 0.75


def gather(name: str, data: Path, folder: Path, weights: Callable[[str], Path]) -> list[RecordedClip]:
    """All clips of the labelled set, their faces watched."""
    context = context_of(PROFILES[name], data, folder)
    workers, network, clips = eyes_and_ears(context), open_network(name, weights), asd_minis(data)
    return [
        record(clip, observed(item, workers, {}), network, context)
        for clip, item in clips_with_items(data, folder, clips)
    ]


def lag_frames(
    clips: Sequence[RecordedClip], metrics: dict[str, Metric | None], chances: np.ndarray, max_shift: int
) -> float:
    """Median offset of the windows of right clips that are believed."""
    offsets, number = [], 0
    for clip in clips:
        for _, one in clip.windows:
            if clip.clip.kind in RIGHT and chances[number] > 0.5:
                fitted = metrics[clip.clip.identity]
                offsets.append(peak(weigh(one.watched, one.hearing, one.span, max_shift, fitted).profile)[0])
            number += 1
    return round(float(np.median(offsets)), 2)


def limits_of(
    clips: Sequence[RecordedClip],
    fitted: dict[str, Fold],
    chances: np.ndarray,
    windows: Windows,
    network: Network | None,
    max_shift: int,
) -> tuple[Limits, dict[str, float]]:
    """What cannot be told, and the accuracies that say so, by frames of a track and by frames with speech."""
    said: dict[str, float] = {}
    hit = (chances > 0.5) == windows.right
    frames = _LENGTHS_FRAMES[0] + 1
    for shorter in _LENGTHS_FRAMES:
        share = _accuracy_of_short(clips, fitted, network, shorter, max_shift)
        said[f"accuracy_of_tracks_of_{shorter}_frames"] = share
        if share < _GOOD_ENOUGH:
            break
        frames = shorter
    everywhere = np.ones(len(hit), bool)
    spoken, usual = 0, _weighted(hit, windows, everywhere)
    for low, high in pairwise(_SPOKEN_FRAMES):
        here = (windows.spoken_frames >= low) & (windows.spoken_frames < high)
        if here.sum() < _FEWEST_WINDOWS:
            spoken = high
            continue
        share = _weighted(hit, windows, here)
        said[f"accuracy_from_{low}_to_{high - 1}_spoken_frames"] = share
        if share >= min(_GOOD_ENOUGH, usual):
            break
        spoken = high
    return Limits(frames, spoken, round(float(windows.grey_levels.min()) / 2, 2)), said


def _weighted(hit: np.ndarray, windows: Windows, here: np.ndarray) -> float:
    """Mean accuracy of right and of wrong windows."""
    sides = [hit[here & side].mean() for side in (windows.right, ~windows.right) if (here & side).any()]
    return round(float(np.mean(sides)), 3)


def _accuracy_of_short(
    clips: Sequence[RecordedClip],
    fitted: dict[str, Fold],
    network: Network | None,
    frames: int,
    max_shift: int,
) -> float:
    """Mean accuracy of right and of wrong, of tracks cut to so many frames around the middle of a clip's window."""
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for clip in clips:
        if not clip.windows:
            continue
        _, one = clip.windows[len(clip.windows) // 2]
        start = (one.span[0] + one.span[1] - frames) // 2
        if start < one.span[0]:
            continue
        inside = slice(start - one.watched.start_frame, start - one.watched.start_frame + frames)
        watched = watch(network, one.hearing, np.ascontiguousarray(one.crops[inside]), start, max_shift)
        fold, span = fitted[clip.clip.identity], (start, start + frames)
        evidence = weigh(watched, one.hearing, span, max_shift, fold.metric)
        right = clip.clip.kind in RIGHT
        hits[right].append((fold.calibrated.probability(evidence.features) > 0.5) == right)
    return round(float(np.mean([np.mean(of) for of in hits.values()])), 3)


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
        "brier": round(float(np.square(chances - right)[known].mean()), 3),
        "log_loss": round(float(log_loss(right[known], chances[known])), 3),
        "accuracy_at_one_half": round(float(((chances > 0.5) == right)[known].mean()), 3),
        "clips": int(known.sum()),
    }


def reliability(windows: Windows, chances: np.ndarray) -> list[dict[str, float]]:
    """Of the clips in each fifth of the range: how many, their mean probability and how many are right."""
    right = np.isin(windows.kinds, RIGHT)
    rows = []
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        here = (chances >= low) & (chances < low + 0.2 + 1e-9 * (low > 0.7))
        if here.any():
            mean = round(float(chances[here].mean()), 3)
            rows.append(
                {"clips": int(here.sum()), "said": mean, "right": round(float(right[here].mean()), 3)}
            )
    return rows


def fit_scorer(name: str, clips: Sequence[RecordedClip], network: Network | None, max_shift: int) -> dict:
    """All that is written down of one scorer."""
    fitted, chances, windows = folds(clips, max_shift)
    limits, said = limits_of(clips, fitted, chances, windows, network, max_shift)
    # The final weights meet features by the final metric; they are fitted on features of people unseen by theirs.
    intercept, weights = fit(windows, np.ones(len(windows.clips), bool))
    judged = np.array(
        [
            limits.broken_by(*of) is None
            for of in zip(windows.frames, windows.spoken_frames, windows.grey_levels, strict=True)
        ]
    )
    by_clip = clip_means(windows, chances)
    metrics = {person: fold.metric for person, fold in fitted.items()}
    written = {
        "features": list(FEATURES[name]),
        "intercept": round(intercept, 5),
        "weights": [round(float(weight), 5) for weight in weights],
        "lag_frames": lag_frames(clips, metrics, chances, max_shift),
        "limits": {
            "frames": limits.frames,
            "spoken_frames": limits.spoken_frames,
            "grey_levels": limits.grey_levels,
        },
        "windows": len(windows.clips),
        "each_identity_left_out_in_turn": figures(windows, by_clip) | {"clips_in_all": len(clips)},
        "the_same_of_judged_windows_only": figures(windows, clip_means(windows, chances, judged)),
        "reliability": reliability(windows, by_clip),
        "why_the_limits": said,
    }
    if network is not None:
        final = Moments(clips).metric()
        written["metric"] = {"picture": final.picture.tolist(), "sound": final.sound.tolist()}
    for number, feature in enumerate(FEATURES[name]):
        alone = clip_means(windows, windows.features[:, number])
        print(f"{name}: {feature}, alone:", figures(windows, 1 / (1 + np.exp(-alone))))
    return written


def written_down(said: dict) -> str:
    """JSON with one row of a matrix in a line."""
    text = json.dumps(said, indent=2)
    for scorer in said["scorers"].values():
        for row in (row for matrix in scorer.get("metric", {}).values() for row in matrix):
            text = text.replace(json.dumps(row, indent=2).replace("\n", "\n          "), json.dumps(row), 1)
    return text + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=KEPT, help="where normalised clips are kept")
    parser.add_argument(
        "--scorers", nargs="+", choices=FEATURES, default=["lr-asd", "mouth-motion"], help="those to fit"
    )
    parser.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="MODEL=FILE",
        help="weights outside the data's folder",
    )
    parser.add_argument("--write", action="store_true", help="write tasks/speakers/calibration.json")
    wanted = parser.parse_args()
    elsewhere = {name: Path(file) for name, _, file in (pair.partition("=") for pair in wanted.weights)}
    usual = weights_in(wanted.data)
    fitted = json.loads(FILE.read_text(encoding="utf-8"))["scorers"] if FILE.exists() else {}

    def weights(model: str) -> Path:
        return elsewhere.get(model) or usual(model)

    for name in wanted.scorers:
        clips = gather(name, wanted.data, wanted.folder, weights)
        max_shift = max_shift_of(context_of(PROFILES[name], wanted.data, wanted.folder))
        fitted[name] = fit_scorer(name, clips, open_network(name, weights), max_shift)
        shown = {key: value for key, value in fitted[name].items() if key != "metric"}
        print(json.dumps({name: shown}, indent=2))
    said = {
        "date": datetime.date.today().isoformat(),
        "data": f"asd_minis/labels.csv of the open labelled set: {len(clips)} clips "
        f"of {len({clip.clip.identity for clip in clips})} identities",
        "method": "canonical correlation analysis (rank 8, ridge 3), then logistic regression (penalty 5, no "
        "negative weight) on standardised features, clips and classes weighted equally",
        "scorers": fitted,
    }
    if wanted.write:
        FILE.write_text(written_down(said), encoding="utf-8")


if __name__ == "__main__":
    main()
