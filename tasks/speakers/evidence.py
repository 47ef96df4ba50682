"""What goes between a scorer and its callers: how it wants to see faces, and what it has to say about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Crops:
    """How a scorer wants to see faces: px of a side, and colour."""

    side: int
    colour: Literal["gray", "bgr"]


@dataclass(frozen=True)
class Evidence:
    """What a scorer has to say about one window of a face track.

    Attributes:
        features: numbers that the calibration turns into a probability.
        profile: float (2·max_shift + 1,), see `tasks.speakers.profile`.
        frame_scores: float (frames,): the model's plain active-speaker scores; empty where it has none.
        grey_levels: how much the mouth moves.
        spoken_frames: how many of the window's frames have speech.
    """

    features: tuple[float, ...]
    profile: np.ndarray
    frame_scores: np.ndarray = field(default_factory=lambda: np.zeros(0))
    grey_levels: float = 0.0
    spoken_frames: int = 0


Span = tuple[int, int]
"""First frame and end frame (exclusive) of a window, counted in the clip."""

Listener = Callable[[np.ndarray, int, Sequence[Span]], list[Evidence]]
"""(crops uint8 (T, side, side) or with 3 channels, see `crops_for`, the track's first frame, windows as clip frames)
→ evidence for each window."""

Scorer = Callable[[np.ndarray, int], Listener]
"""(waveform float32 (N,) at 16 kHz, number of frames of the clip) → a listener for its tracks."""
