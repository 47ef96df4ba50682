"""What a network of active speakers is: LR-ASD and Light-ASD both are one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch


class Network(Protocol):
    """Views of faces and of sound, frame by frame, and a judge of the two together."""

    def see(self, crops: np.ndarray) -> torch.Tensor:
        """Embed a face track. uint8 (T, 112, 112) grey → float32 (T, 128)."""
        ...

    def hear(self, cepstra: np.ndarray) -> torch.Tensor:
        """Embed the sound. float32 (4·T, 13) → float32 (T, 128)."""
        ...

    def judge(self, heard: torch.Tensor, seen: torch.Tensor, lengths: np.ndarray | None = None) -> np.ndarray:
        """Score how well sound and face go together, frame by frame, for a batch of pairs.

        Args:
            heard, seen: float32 (B, T, 128).
            lengths: int (B,): frames that count in each pair, from its first; None: all. What lies beyond
                them changes nothing, and its scores mean nothing.

        Returns:
            float32 (B, T): the raw output of the class "speaking"; above 0 means speaking.
        """
        ...
