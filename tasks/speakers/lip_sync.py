"""The scorer `syncnet`: how close SyncNet places what lips and sound say, at every offset.

The profile is the mean distance with its sign turned, so that like everywhere here more is better. Its height at the
peak over its median is SyncNet's own confidence (Chung & Zisserman, "Out of time", 2016, and the public code). Sound
beyond the clip's ends is left out instead of taken for zeros, which would draw the far offsets down.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.speakers import syncnet
from tasks.speakers.evidence import Evidence, Listener, Scorer, Span
from tasks.speakers.mfcc import mfcc
from tasks.speakers.motion import grey_levels, mouth_motion
from tasks.speakers.profile import mean_profile, rise_at_zero

CROP_SIDE = 224
_AROUND = syncnet.WINDOW_FRAMES // 2
"""A window of the network is about its middle frame, so many after its first."""


def open_lip_sync(path: Path, max_shift: int) -> Scorer:
    """Open the scorer; its listeners want crops uint8 (T, 224, 224, 3) BGR.

    Raises:
        ModelMissing, ModelCorrupt: as `syncnet.load` does.
    """
    network = syncnet.load(path)

    def scorer(waveform: np.ndarray, frames: int) -> Listener:
        heard = network.hear(mfcc(waveform, 4 * frames))

        def listen(crops: np.ndarray, start_frame: int, spans: Sequence[Span]) -> list[Evidence]:
            distances = syncnet.distances(network.see(crops), heard, max_shift, start_frame, padded=False)
            motion = mouth_motion(_grey_middles(crops))
            return [
                _weigh(distances, motion, (start - start_frame, end - start_frame)) for start, end in spans
            ]

        return listen

    return scorer


def _weigh(distances: np.ndarray, motion: np.ndarray, span: Span) -> Evidence:
    """The evidence of the frames `span`, counted from the track's first.

    Args:
        distances: float (2·max_shift + 1, T − 4), NaN where there is no sound.
    """
    start, end = span
    here = distances[:, start : max(end - 2 * _AROUND, start)]
    moved = grey_levels(motion[start:end])
    if not np.isfinite(here).any():
        return Evidence((0.0,), np.full(len(distances), np.nan), grey_levels=moved)
    profile = mean_profile(-here)
    # The frames at both ends, which no window has in its middle, get the score of the nearest that one has.
    around = np.pad(syncnet.synchrony(here).frame_confidences, _AROUND, mode="edge")
    return Evidence((rise_at_zero(profile),), profile, around, moved)


def _grey_middles(crops: np.ndarray) -> np.ndarray:
    """The faces as the other scorers see them: grey, the middle 112 px."""
    import cv2

    edge = CROP_SIDE // 4
    return np.stack([cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)[edge:-edge, edge:-edge] for crop in crops])
