"""Frame scores as the public demos of LR-ASD and Light-ASD take them: judged in segments of several lengths.

The networks learnt on short pieces, and over a long track their recurrence drifts; so the demos judge every track in
segments of one to six seconds and take the mean. They embed each segment anew; here picture and sound are embedded
once, and only the cheap last part runs six times. What that changes is the embedding within 9 frames of a
segment's border, which knows the true neighbours instead of zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.units import FRAME_RATE
from tasks.speakers.network import Network

if TYPE_CHECKING:
    import torch

DURATIONS_SECONDS = (1, 2, 3, 4, 5, 6)


def segment_scores(network: Network, heard: torch.Tensor, seen: torch.Tensor) -> np.ndarray:
    """Score of every frame of a track at offset 0.

    Args:
        heard, seen: float32 (T, 128), T ≥ 1, of the same frames.

    Returns:
        float32 (T,): the mean over segments of all durations; above 0 means speaking.
    """
    total = np.zeros(len(seen), np.float32)
    for seconds in DURATIONS_SECONDS:
        total += _judged_in_segments(network, heard, seen, seconds * FRAME_RATE)
    return total / len(DURATIONS_SECONDS)


def _judged_in_segments(network: Network, heard: torch.Tensor, seen: torch.Tensor, frames: int) -> np.ndarray:
    """All segments of one length as one batch."""
    from torch.nn.functional import pad

    segments = -(-len(seen) // frames)
    missing = segments * frames - len(seen)
    batch = [pad(x, (0, 0, 0, missing)).reshape(segments, frames, -1) for x in (heard, seen)]
    lengths = np.full(segments, frames)
    lengths[-1] -= missing
    return network.judge(*batch, lengths).reshape(-1)[: len(seen)]
