"""What the speaker scorers learn from labelled clips, with people left out: a metric, and weights of the features.

The metric is where a network's views of face and sound meet: canonical correlation analysis of the clips whose face
makes their sound. The weights are those of a logistic regression in which no feature may count against its face;
all clips count the same, and right as much as wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from tasks.speakers.calibration import Calibration, Metric
from tasks.speakers.profile import share_at_zero
from tasks.speakers.scorers import match_profile, weigh
from tests.benchmarks.speaker_clips import Recorded, RecordedClip

RIGHT, WRONG = ("orig", "natural_speaking"), ("shift", "swap", "natural_silence")
_SHARE = 2
_RANK, _RIDGE = 8, 3.0
_PENALTY = 5.0
_EDGE = 9


@dataclass(frozen=True)
class Windows:
    """Every window of the labelled set: features (n, k), clip number (n,), frames, speech, mouth motion (n,)."""

    features: np.ndarray
    clips: np.ndarray
    frames: np.ndarray
    spoken_frames: np.ndarray
    grey_levels: np.ndarray
    kinds: np.ndarray
    people: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Per window, whether its face makes its sound."""
        return np.isin(self.kinds[self.clips], RIGHT)

    @property
    def whose(self) -> np.ndarray:
        """Per window, whose face it is."""
        return self.people[self.clips]


class Moments:
    """Second moments of what a network makes of faces and sound in time with each other, by whose face it is."""

    def __init__(self, clips: Sequence[RecordedClip]) -> None:
        self._by_person: dict[str, list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]] = {}
        for clip in clips:
            if clip.clip.kind in RIGHT and clip.windows:
                found = self._by_person.setdefault(clip.clip.identity, [])
                found.append(_moments(max((one for _, one in clip.windows), key=lambda w: len(w.crops))))

    def metric(self, left_out: frozenset[str] = frozenset()) -> Metric:
        """Regularised canonical correlation analysis of all but these people: 8 directions, ridge 3.

        A direction counts by its correlation. Embeddings are standardised first, so the ridge is in units of their
        own variance, and outweighs it: a few minutes of speech cannot tell 128 directions apart.
        """
        parts = [part for who, of in self._by_person.items() if who not in left_out for part in of]
        count = sum(part[0] for part in parts)
        faces, sounds, both = (sum(part[n] for part in parts) / count for n in (1, 2, 3))
        by_face, by_sound = (np.sqrt(np.diag(moments)) + 1e-6 for moments in (faces, sounds))
        whiten = [
            np.linalg.cholesky(moments / np.outer(scale, scale) + _RIDGE * np.eye(len(scale)))
            for moments, scale in ((faces, by_face), (sounds, by_sound))
        ]
        inner = np.linalg.solve(whiten[0], both / np.outer(by_face, by_sound))
        left, strength, right = np.linalg.svd(np.linalg.solve(whiten[1], inner.T).T, full_matrices=False)
        picture = np.linalg.solve(whiten[0].T, left[:, :_RANK]) / by_face[:, None] * strength[:_RANK]
        sound = np.linalg.solve(whiten[1].T, right[:_RANK].T) / by_sound[:, None]
        return Metric(np.round(picture, 5), np.round(sound, 5))


def _moments(one: Recorded) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    first = one.watched.start_frame
    at = np.arange(first + _EDGE, min(first + len(one.watched.seen), len(one.hearing.heard)) - _EDGE)
    face, sound = one.watched.seen[at - first].astype(float), one.hearing.heard[at].astype(float)
    face, sound = face - face.mean(axis=0), sound - sound.mean(axis=0)
    return len(at), face.T @ face, sound.T @ sound, face.T @ sound


def windows_of(clips: Sequence[RecordedClip], fitted: Metric | None, max_shift: int) -> Windows:
    """The features of all windows by one metric."""
    found = [
        (number, one, weigh(one.watched, one.hearing, one.span, max_shift, fitted))
        for number, clip in enumerate(clips)
        for _, one in clip.windows
    ]
    return Windows(
        np.array([evidence.features for _, _, evidence in found]),
        np.array([number for number, _, _ in found]),
        np.array([one.span[1] - one.span[0] for _, one, _ in found]),
        np.array([one.spoken_frames for _, one, _ in found]),
        np.array([evidence.grey_levels for _, _, evidence in found]),
        np.array([clip.clip.kind for clip in clips]),
        np.array([clip.clip.identity for clip in clips]),
    )


def with_metrics(
    windows: Windows, clips: Sequence[RecordedClip], max_shift: int, metrics: dict[str, Metric]
) -> Windows:
    """The same windows, the metric's feature of each by the metric of its own person."""
    shares = [
        share_at_zero(
            match_profile(one.watched, one.hearing, one.span, max_shift, metrics[clip.clip.identity])
        )
        for clip in clips
        for _, one in clip.windows
    ]
    features = windows.features.copy()
    features[:, _SHARE] = shares
    return replace(windows, features=features)


def fit(windows: Windows, chosen: np.ndarray) -> tuple[float, np.ndarray]:
    """Intercept and weights in the features' own units, from the chosen windows; no weight is negative."""
    x, clips, right = windows.features[chosen], windows.clips[chosen], windows.right[chosen]
    weight = 1 / np.bincount(clips)[clips]
    for side in (right, ~right):
        weight[side] *= len(np.unique(clips)) / 2 / weight[side].sum()
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    scaled, sign = (x - mean) / deviation, np.where(right, 1.0, -1.0)

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (at[0] + scaled @ at[1:])
        push = -weight * sign / (1 + np.exp(np.clip(margin, -50, 50)))
        value = (weight * np.logaddexp(0, -margin)).sum() + _PENALTY / 2 * np.square(at[1:]).sum()
        return value, np.concatenate(([push.sum()], push @ scaled + _PENALTY * at[1:]))

    bounds = [(None, None)] + [(0, None)] * x.shape[1]
    found = minimize(loss, np.zeros(1 + x.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x
    weights = found[1:] / deviation
    return float(found[0] - weights @ mean), weights


@dataclass(frozen=True)
class Fold:
    """What was fitted without some people: see the module."""

    calibrated: Calibration
    metric: Metric | None


def folds(clips: Sequence[RecordedClip], max_shift: int) -> tuple[dict[str, Fold], np.ndarray, Windows]:
    """Fits that leave out one person each, every window's probability by the fit without its person, and windows.

    The windows' own features are by metrics without their person.
    """
    moments = Moments(clips) if clips[0].windows[0][1].watched.seen is not None else None
    people = sorted({clip.clip.identity for clip in clips})
    alone = {who: moments.metric(frozenset({who})) if moments else None for who in people}
    windows = windows_of(clips, alone[people[0]], max_shift)
    unseen = with_metrics(windows, clips, max_shift, alone) if moments else windows
    chances, fitted = np.zeros(len(windows.clips)), {}
    for person in people:
        rest = windows
        if moments:
            pairs = {who: moments.metric(frozenset({who, person})) for who in people}
            rest = with_metrics(windows, clips, max_shift, pairs)
        intercept, weights = fit(rest, windows.whose != person)
        mine = windows.whose == person
        chances[mine] = 1 / (1 + np.exp(-(intercept + unseen.features[mine] @ weights)))
        fitted[person] = Fold(Calibration(intercept, tuple(weights)), alone[person])
    return fitted, chances, unseen


def clip_means(windows: Windows, values: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
    """Mean of the (chosen) windows' values for each clip; NaN for a clip without any."""
    chosen = np.ones(len(values), bool) if chosen is None else chosen
    counts = np.bincount(windows.clips[chosen], minlength=len(windows.kinds))
    sums = np.bincount(windows.clips[chosen], values[chosen], minlength=len(windows.kinds))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
