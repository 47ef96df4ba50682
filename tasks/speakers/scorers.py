"""Scorers of active speakers: how well does this face fit this sound?

    scorer = open_scorer("lr-asd", weights, max_shift=25)   # weights: model name to file
    listen = scorer(waveform, frames)                       # once per clip
    evidence = listen(crops, start_frame, spans)            # once per face track

| name | what | weights |
|---|---|---|
| lr-asd | the LR-ASD network as a sync profile, a metric of its views of face and sound, mouth motion | lr-asd |
| light-asd | the same with the Light-ASD network | light-asd |
| syncnet | SyncNet's distances, see `tasks.speakers.lip_sync` | syncnet |
| mouth-motion | correlation of mouth motion and loudness | none |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from schemas.errors import RecipeError
from tasks.speakers.calibration import Metric, metric
from tasks.speakers.evidence import Crops, Evidence, Listener, Scorer, Span
from tasks.speakers.mfcc import mfcc
from tasks.speakers.motion import grey_levels, loudness, mouth_motion
from tasks.speakers.network import Network
from tasks.speakers.profile import (
    correlation_profile,
    interaction,
    joined,
    mean_profile,
    rise_at_zero,
    share_at_zero,
    sound_frames,
)
from tasks.speakers.segments import segment_scores

_PIECE_FRAMES, _CONTEXT_FRAMES = 500, 50
# How far the padding of a network's convolutions reaches into a track and into a clip. Picture and sound of a whole
# clip meet it in the same frames, so that any face would seem to fit any sound if these frames were compared.
_PICTURE_EDGE, _SOUND_EDGE = 9, 6
_FEWEST_FRAMES = 10


@dataclass(frozen=True)
class Hearing:
    """A clip's sound: its loudness float (N,) and a network's view of it float (N, width), None without a network."""

    level: np.ndarray
    heard: np.ndarray | None = None


@dataclass(frozen=True)
class Watched:
    """A face track: mouth motion (T,), a network's view (T, width), its frame scores (2·max_shift + 1, T) at every
    offset, judged in one go, and (T,) as its public demo takes them, see `tasks.speakers.segments`."""

    start_frame: int
    motion: np.ndarray
    seen: np.ndarray | None = None
    scores: np.ndarray | None = None
    plain: np.ndarray | None = None


Weights = Callable[[str], Path]

WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "lr-asd": ("lr-asd",),
    "light-asd": ("light-asd",),
    "syncnet": ("syncnet",),
    "mouth-motion": (),
}
"""What each scorer needs from the model store."""

SCORERS: tuple[str, ...] = tuple(WEIGHTS)


def crops_for(name: str) -> Crops:
    """How the scorer of that name wants to see faces."""
    return Crops(224, "bgr") if name == "syncnet" else Crops(112, "gray")


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
    if name == "syncnet":
        from tasks.speakers.lip_sync import open_lip_sync

        return open_lip_sync(weights("syncnet"), max_shift)
    network = open_network(name, weights)
    fitted = None if network is None else metric(name)

    def scorer(waveform: np.ndarray, frames: int) -> Listener:
        hearing = hear(network, waveform, frames)

        def listen(crops: np.ndarray, start_frame: int, spans: Sequence[Span]) -> list[Evidence]:
            watched = watch(network, hearing, crops, start_frame, max_shift)
            return [weigh(watched, hearing, span, max_shift, fitted) for span in spans]

        return listen

    return scorer


def open_network(name: str, weights: Weights) -> Network | None:
    """The network of a scorer, None for one that has none. Raises as `open_scorer` does."""
    check_name(name)
    if name == "mouth-motion":
        return None
    from tasks.speakers import light_asd, lr_asd

    return {"lr-asd": lr_asd, "light-asd": light_asd}[name].load(weights(name))


def hear(network: Network | None, waveform: np.ndarray, frames: int) -> Hearing:
    """All that is made of a clip's sound, float32 (N,) at 16 kHz."""
    level = loudness(waveform, frames)
    heard = None if network is None else network.hear(mfcc(waveform, 4 * frames)).cpu().numpy()
    return Hearing(level, heard)


def watch(
    network: Network | None, hearing: Hearing, crops: np.ndarray, start_frame: int, max_shift: int
) -> Watched:
    """All that is made of a face track, uint8 (T, 112, 112), before its windows are looked at."""
    seen = None if network is None else network.see(crops).cpu().numpy()
    return judge_again(network, hearing, Watched(start_frame, mouth_motion(crops), seen), max_shift)


def judge_again(network: Network | None, hearing: Hearing, watched: Watched, max_shift: int) -> Watched:
    """The same face with the frame scores that another sound gives it."""
    if network is None:
        return watched
    import torch

    seen, heard = torch.from_numpy(watched.seen), torch.from_numpy(hearing.heard)
    scores = _shifted_scores(network, seen, heard, watched.start_frame, max_shift)
    plain, beside = np.zeros(len(seen), np.float32), heard[watched.start_frame :][: len(seen)]
    if len(beside):
        plain[: len(beside)] = segment_scores(network, beside, seen[: len(beside)])
    return replace(watched, scores=scores, plain=plain)


def weigh(watched: Watched, hearing: Hearing, span: Span, max_shift: int, fitted: Metric | None) -> Evidence:
    """The evidence of one window; a network's views are compared by the `fitted` metric."""
    here = slice(span[0] - watched.start_frame, span[1] - watched.start_frame)
    motion = watched.motion[here]
    moved = correlation_profile(motion, hearing.level, span[0], max_shift)
    if fitted is None:
        features = (rise_at_zero(moved), share_at_zero(moved))
        return Evidence(features, joined(moved), grey_levels=grey_levels(motion))
    scores = watched.scores[:, here]
    match = match_profile(watched, hearing, span, max_shift, fitted)
    unexplained = mean_profile(interaction(scores))
    features = (
        rise_at_zero(unexplained),
        float(scores[max_shift].mean()),
        share_at_zero(match),
        rise_at_zero(moved),
    )
    return Evidence(features, joined(match, unexplained), watched.plain[here], grey_levels(motion))


def match_profile(
    watched: Watched, hearing: Hearing, span: Span, max_shift: int, fitted: Metric
) -> np.ndarray:
    """Correlation, in the metric's space, of a network's views of face and sound at every offset."""
    first = max(span[0], watched.start_frame + _PICTURE_EDGE)
    end = min(span[1], watched.start_frame + len(watched.seen) - _PICTURE_EDGE)
    if end - first < _FEWEST_FRAMES:
        return np.full(2 * max_shift + 1, np.nan)
    face = watched.seen[first - watched.start_frame : end - watched.start_frame] @ fitted.picture
    reach = slice(max(first - max_shift, 0), end + max_shift)
    sound = hearing.heard[reach] @ fitted.sound
    known = slice(max(_SOUND_EDGE - reach.start, 0), max(len(hearing.heard) - _SOUND_EDGE - reach.start, 0))
    return correlation_profile(face, sound, first - reach.start, max_shift, known)


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
