"""The LR-ASD network for inference: who speaks, from grey face crops and cepstra.

After J. Liao et al., "LR-ASD: Lightweight and Robust Network for Active Speaker Detection" (IJCV 2025),
and its public code (github.com/Junhua-Liao/LR-ASD, MIT), whose checkpoints this module reads. Long tracks go
through in pieces with enough overlap to give the same numbers in bounded memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tasks.models.device import reduced
from tasks.speakers.layers import (
    Convolution,
    convolved,
    device_of,
    folded,
    folded_convolutions,
    in_pieces,
    last_layer,
    normalised_faces,
    pixels_by_time,
    placed,
    read_checkpoint,
    speaking,
    time_by_pixels,
)

if TYPE_CHECKING:
    import torch

CROP_SIDE = 112
EMBEDDING = 128
_CHANNELS = (1, 32, 64, 128)
_PIECE_FRAMES = 200
_HALO_FRAMES = 9  # three blocks, each a 5-tap and a 3-tap convolution over time: 3 × (2 + 1)
_BATCH_NORM_EPSILON = 1e-3


@dataclass(frozen=True)
class LrAsd:
    """The network's weights, ready to run. Make one with `load`."""

    weights: Mapping[str, torch.Tensor]
    memory: torch.nn.GRU

    def see(self, crops: np.ndarray) -> torch.Tensor:
        """Embed a face track. uint8 (T, 112, 112) grey → float32 (T, 128)."""
        with reduced(device_of(self.weights)):
            return in_pieces(crops, _PIECE_FRAMES, _HALO_FRAMES, self._see_piece).float()

    def hear(self, cepstra: np.ndarray) -> torch.Tensor:
        """Embed the sound. float32 (4·T, 13) → float32 (T, 128)."""
        from torch.nn.functional import max_pool2d

        with reduced(device_of(self.weights)):
            x = placed(cepstra.T, self.weights)[None, None]
            for block in (1, 2, 3):
                for layer, (height, width) in (
                    ("m_1", (2, 0)),
                    ("m_2", (1, 0)),
                    ("t_1", (0, 2)),
                    ("t_2", (0, 1)),
                ):
                    x = convolved(self.weights, f"audioEncoder.block{block}.{layer}", x, (height, width))
                if block < 3:
                    x = max_pool2d(x, (1, 3), (1, 2), (0, 1))
            return x.mean(dim=2)[0].T.float()

    def judge(self, heard: torch.Tensor, seen: torch.Tensor, lengths: np.ndarray | None = None) -> np.ndarray:
        """Score pairs of sound and face, see `tasks.speakers.network`."""
        import torch

        with torch.inference_mode():
            both = torch.cat((heard, seen), dim=2).to(device_of(self.weights))
            x = self._remember(self._gate(both, "fusion"), lengths)
            x = self._gate(x, "detector.attention")
            return speaking(self.weights, x)

    def _remember(self, x: torch.Tensor, lengths: np.ndarray | None) -> torch.Tensor:
        import torch
        from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

        if lengths is None or (lengths == x.shape[1]).all():
            return self.memory(x)[0]
        packed = pack_padded_sequence(x, torch.as_tensor(lengths), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.memory(packed)[0], batch_first=True, total_length=x.shape[1])[0]

    def _see_piece(self, crops: np.ndarray) -> torch.Tensor:
        from torch.nn.functional import max_pool2d

        x = normalised_faces(placed(crops, self.weights))
        for block in (1, 2, 3):
            name = f"visualEncoder.block{block}"
            x = convolved(self.weights, f"{name}.s_1", x, (2, 2), stride=2 if block == 1 else 1)
            x = convolved(self.weights, f"{name}.s_2", x, (1, 1))
            height, width = x.shape[2:]
            x = convolved(self.weights, f"{name}.t_1", time_by_pixels(x), (2, 0))
            x = pixels_by_time(convolved(self.weights, f"{name}.t_2", x, (1, 0)), height, width)
            if block < 3:
                x = max_pool2d(x, 3, 2, 1)
        return x.amax(dim=(2, 3))

    def _gate(self, x: torch.Tensor, name: str) -> torch.Tensor:
        from torch.nn.functional import linear

        return x * linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]).sigmoid()


def load(path: Path) -> LrAsd:
    """Read one of LR-ASD's public checkpoints (a state dict): trained on AVA, or fine-tuned on TalkSet.

    Raises:
        ModelMissing: torch is not installed.
        ModelCorrupt: the file is no such checkpoint.
    """
    return read_checkpoint(path, "lr-asd", "LR-ASD", lambda state: LrAsd(_weights(state), _recurrence(state)))


def _weights(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Every convolution and gate with its batch normalisation multiplied in, as 2-D kernels, and the last layer."""
    weights = folded_convolutions(state, _convolutions(), _BATCH_NORM_EPSILON) | last_layer(state, EMBEDDING)
    for name, width in (("fusion", 2 * EMBEDDING), ("detector.attention", EMBEDDING)):
        kernel, bias = folded(
            state, f"model.{name}.attention", f"model.{name}.bn", (width, width, 1), _BATCH_NORM_EPSILON
        )
        weights[f"{name}.weight"], weights[f"{name}.bias"] = kernel[..., 0].contiguous(), bias
    return weights


def _convolutions() -> list[Convolution]:
    found = []
    for block in (1, 2, 3):
        before, after = _CHANNELS[block - 1 : block + 1]
        picture, sound = (f"{encoder}Encoder.block{block}" for encoder in ("visual", "audio"))
        half = after // 2
        for index, inputs, outputs, reach in ((1, before, half, 5), (2, half, after, 3)):
            for name, kind, shape in (
                (picture, "s", (outputs, inputs, 1, reach, reach)),
                (picture, "t", (after, after, reach, 1, 1)),
                (sound, "m", (outputs, inputs, reach, 1)),
                (sound, "t", (after, after, 1, reach)),
            ):
                found.append(Convolution(f"{name}.{kind}_{index}", f"{name}.{kind}_norm_{index}", shape))
    return found


def _recurrence(state: Mapping[str, torch.Tensor]) -> torch.nn.GRU:
    """The two opposite recurrences over time as one two-way layer."""
    import torch

    layer = torch.nn.GRU(2 * EMBEDDING, EMBEDDING // 2, batch_first=True, bidirectional=True)
    layer.load_state_dict(
        {
            f"{kind}_l0{suffix}": state[f"model.detector.gru_{way}.{kind}_l0"]
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            for way, suffix in (("forward", ""), ("backward", "_reverse"))
        }
    )
    return layer.to(next(iter(state.values())).device).eval().requires_grad_(False)
