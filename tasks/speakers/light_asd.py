"""The Light-ASD network for inference: who speaks, from grey face crops and cepstra.

After J. Liao et al., "A Light Weight Model for Active Speaker Detection" (CVPR 2023), and its public code
(github.com/Junhua-Liao/Light-ASD, MIT), whose checkpoints this module reads: the one trained on AVA and the one
fine-tuned on TalkSet. It is used as LR-ASD is, see `tasks.speakers.lr_asd`.
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
_REACHES = (3, 5)
_PIECE_FRAMES = 200
_HALO_FRAMES = 6  # three blocks, each with a convolution of 5 taps over time: 3 × 2
_BATCH_NORM_EPSILON = 1e-3


@dataclass(frozen=True)
class LightAsd:
    """The network's weights, ready to run. Make one with `load`."""

    weights: Mapping[str, torch.Tensor]
    forward: torch.nn.GRU
    backward: torch.nn.GRU

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
                name = f"audioEncoder.block{block}"
                branches = []
                for reach in _REACHES:
                    y = convolved(self.weights, f"{name}.m_{reach}", x, (reach // 2, 0))
                    branches.append(convolved(self.weights, f"{name}.t_{reach}", y, (0, reach // 2)))
                x = convolved(self.weights, f"{name}.last", branches[0] + branches[1], (0, 0))
                if block < 3:
                    x = max_pool2d(x, (1, 3), (1, 2), (0, 1))
            return x.mean(dim=2)[0].T.float()

    def judge(self, heard: torch.Tensor, seen: torch.Tensor, lengths: np.ndarray | None = None) -> np.ndarray:
        """Score pairs of sound and face, see `tasks.speakers.network`."""
        import torch
        from torch.nn.functional import gelu

        with torch.inference_mode():
            x = gelu(self.forward((heard + seen).to(device_of(self.weights)))[0])
            turned = _turned(x, lengths)
            x = gelu(torch.gather(self.backward(torch.gather(x, 1, turned))[0], 1, turned))
            return speaking(self.weights, x)

    def _see_piece(self, crops: np.ndarray) -> torch.Tensor:
        from torch.nn.functional import max_pool2d

        x = normalised_faces(placed(crops, self.weights))
        for block in (1, 2, 3):
            name = f"visualEncoder.block{block}"
            branches = []
            for reach in _REACHES:
                y = convolved(
                    self.weights, f"{name}.s_{reach}", x, (reach // 2, reach // 2), 2 if block == 1 else 1
                )
                height, width = y.shape[2:]
                branches.append(
                    convolved(self.weights, f"{name}.t_{reach}", time_by_pixels(y), (reach // 2, 0))
                )
            x = convolved(self.weights, f"{name}.last", branches[0].add_(branches[1]), (0, 0))
            x = pixels_by_time(x, height, width)
            if block < 3:
                x = max_pool2d(x, 3, 2, 1)
        return x.amax(dim=(2, 3))


def load(path: Path) -> LightAsd:
    """Read one of Light-ASD's public checkpoints (a state dict of 192 entries).

    Raises:
        ModelMissing: torch is not installed.
        ModelCorrupt: the file is no such checkpoint.
    """
    return read_checkpoint(path, "light-asd", "Light-ASD", _network)


def _network(state: Mapping[str, torch.Tensor]) -> LightAsd:
    return LightAsd(_weights(state), _recurrence(state, "forward"), _recurrence(state, "backward"))


def _weights(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Every convolution as a 2-D one with its batch normalisation multiplied in, and the last layer."""
    return folded_convolutions(state, _convolutions(), _BATCH_NORM_EPSILON) | last_layer(state, EMBEDDING)


def _convolutions() -> list[Convolution]:
    found = []
    for block in (1, 2, 3):
        before, after = _CHANNELS[block - 1 : block + 1]
        picture, sound = (f"{encoder}Encoder.block{block}" for encoder in ("visual", "audio"))
        for reach in _REACHES:
            for name, kind, shape in (
                (picture, "s", (after, before, 1, reach, reach)),
                (picture, "t", (after, after, reach, 1, 1)),
                (sound, "m", (after, before, reach, 1)),
                (sound, "t", (after, after, 1, reach)),
            ):
                found.append(Convolution(f"{name}.{kind}_{reach}", f"{name}.bn_{kind}_{reach}", shape))
        found.append(Convolution(f"{picture}.last", f"{picture}.bn_last", (after, after, 1, 1, 1)))
        found.append(Convolution(f"{sound}.last", f"{sound}.bn_last", (after, after, 1, 1)))
    return found


def _recurrence(state: Mapping[str, torch.Tensor], way: str) -> torch.nn.GRU:
    import torch

    layer = torch.nn.GRU(EMBEDDING, EMBEDDING, batch_first=True)
    kinds = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    layer.load_state_dict({kind: state[f"model.GRU.gru_{way}.{kind}"] for kind in kinds})
    return layer.to(next(iter(state.values())).device).eval().requires_grad_(False)


def _turned(x: torch.Tensor, lengths: np.ndarray | None) -> torch.Tensor:
    """Indices that put each pair's frames in reverse, and what lies beyond its length where it was: like `x`.

    So the second recurrence starts at a pair's own last frame; applied twice, they change nothing.
    """
    import torch

    pairs, frames, _ = x.shape
    ends = torch.full((pairs,), frames) if lengths is None else torch.as_tensor(lengths)
    ends, at = ends.to(x.device), torch.arange(frames, device=x.device)[None]
    index = torch.where(at < ends[:, None], ends[:, None] - 1 - at, at)
    return index[..., None].expand_as(x)
