"""Scorers of active speakers: how well does this face fit this sound?

    scorer = open_scorer("lr-asd", weights, max_shift=25)   # weights: model name to file
    listen = scorer(waveform, frames)                       # once per clip
    evidence = listen(crops, start_frame, spans)            # once per face track

| name | what | weights |
|---|---|---|
| lr-asd | the LR-ASD network as a sync profile, with mouth motion beside it | lr-asd |
| mouth-motion | correlation of mouth motion and loudness | none |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from schemas.errors import RecipeError
from tasks.speakers.mfcc import mfcc
from tasks.speakers.motion import correlation_profile, loudness, mouth_motion
from tasks.speakers.profile import PEAK_FRAMES, interaction, mean_profile, rise_at_zero, sound_frames

_PIECE_FRAMES, _CONTEXT_FRAMES = 500, 50


@dataclass(frozen=True)
class Evidence:
    """What a scorer has to say about one window of a face track.

    Attributes:
        features: numbers that the calibration turns into a probability.
        profile: float (2·max_shift + 1,), see `tasks.speakers.profile`.
        score: the model's plain active-speaker score, mean over the window; None where it has none.
    """

    features: tuple[float, ...]
    profile: np.ndarray
    score: float | None


Listener = Callable[[np.ndarray, int, Sequence[tuple[int, int]]], list[Evidence]]
"""(crops uint8 (T, 112, 112), the track's first frame, windows as clip frames) → evidence for each window."""

Scorer = Callable[[np.ndarray, int], Listener]
"""(waveform float32 (N,) at 16 kHz, number of frames of the clip) → a listener for its tracks."""

Weights = Callable[[str], Path]

SCORERS: Mapping[str, Callable[[Weights, int], Scorer]] = {
    "lr-asd": lambda weights, max_shift: _open_lr_asd(weights("lr-asd"), max_shift),
    "mouth-motion": lambda weights, max_shift: _open_mouth_motion(max_shift),
}

WEIGHTS: Mapping[str, tuple[str, ...]] = {"lr-asd": ("lr-asd",), "mouth-motion": ()}
"""What each scorer needs from the model store."""


def check_name(name: str) -> None:
    """Raise RecipeError, listing the scorers that exist, unless `name` is one of them."""
    if name not in SCORERS:
        raise RecipeError(
            "speakers.model", f"'{name}' is not available", f"set it to one of: {', '.join(SCORERS)}"
        )


def open_scorer(name: str, weights: Weights, max_shift: int) -> Scorer:
    """Open a scorer that searches offsets of up to ±`max_shift` frames.

    Raises:
        RecipeError: no such scorer.
        ModelMissing, ModelCorrupt: its weights.
    """
    check_name(name)
    return SCORERS[name](weights, max_shift)


def _open_mouth_motion(max_shift: int) -> Scorer:
    def scorer(waveform: np.ndarray, frames: int) -> Listener:
        level = loudness(waveform, frames)

        def listen(crops: np.ndarray, start_frame: int, spans: Sequence[tuple[int, int]]) -> list[Evidence]:
            motion = mouth_motion(crops)
            found = []
            for start, end in spans:
                profile = correlation_profile(
                    motion[start - start_frame : end - start_frame], level, start, max_shift
                )
                near = profile[max_shift - PEAK_FRAMES : max_shift + PEAK_FRAMES + 1]
                found.append(Evidence((float(np.nanmax(near)),), profile, None))
            return found

        return listen

    return scorer


def _open_lr_asd(path: Path, max_shift: int) -> Scorer:
    from tasks.speakers import lr_asd

    network = lr_asd.load(path)

    def scorer(waveform: np.ndarray, frames: int) -> Listener:
        level = loudness(waveform, frames)
        heard = network.hear(mfcc(waveform, 4 * frames))

        def listen(crops: np.ndarray, start_frame: int, spans: Sequence[tuple[int, int]]) -> list[Evidence]:
            motion = mouth_motion(crops)
            scores = _shifted_scores(network, network.see(crops), heard, start_frame, max_shift)
            found = []
            for start, end in spans:
                here = slice(start - start_frame, end - start_frame)
                profile = mean_profile(interaction(scores[:, here]))
                plain = float(scores[max_shift, here].mean())
                moved = rise_at_zero(correlation_profile(motion[here], level, start, max_shift))
                found.append(Evidence((rise_at_zero(profile), plain, moved), profile, plain))
            return found

        return listen

    return scorer


def _shifted_scores(network, seen, heard, start_frame: int, max_shift: int) -> np.ndarray:
    """Frame scores of a track at every offset, float32 (2·max_shift + 1, T); NaN where the clip has no sound.

    Picture and sound are embedded once; only the cheap last part of the network runs per offset, in pieces
    of 20 s (with 2 s of context) that bound the memory.
    """
    scores = np.full((2 * max_shift + 1, len(seen)), np.nan, np.float32)
    for start in range(0, len(seen), _PIECE_FRAMES):
        end = min(start + _PIECE_FRAMES, len(seen))
        first, last = max(start - _CONTEXT_FRAMES, 0), min(end + _CONTEXT_FRAMES, len(seen))
        at = sound_frames(start_frame + first, last - first, max_shift)
        known = (at >= 0) & (at < len(heard))
        judged = np.full(at.shape, np.nan, np.float32)
        rows = np.flatnonzero(known.any(axis=1))
        # The known part of a row is one run of frames; the recurrence must see nothing but that run.
        begins, lengths = known.argmax(axis=1)[rows], known.sum(axis=1)[rows]
        columns = np.minimum(begins[:, None] + np.arange(lengths.max()), last - first - 1)
        sounds = np.clip(at[rows[:, None], columns], 0, len(heard) - 1)
        answers = network.judge(heard[sounds], seen[first:last][columns], lengths)
        for row, begin, length, answer in zip(rows, begins, lengths, answers, strict=True):
            judged[row, begin : begin + length] = answer[:length]
        scores[:, start:end] = judged[:, start - first : end - first]
    return scores
