"""The LR-ASD network for inference: who speaks, from grey face crops and cepstra.

After J. Liao et al., "LR-ASD: Lightweight and Robust Network for Active Speaker Detection" (IJCV 2025),
and its public code (github.com/Junhua-Liao/LR-ASD, MIT), whose checkpoint this module reads. Batch
normalisation is folded into the convolutions, spatial and temporal convolutions run as plain 2-D ones, and
long tracks go through in pieces with enough overlap to give the same numbers in bounded memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import ModelCorrupt, ModelMissing

if TYPE_CHECKING:
    import torch

CROP_SIDE = 112
EMBEDDING = 128
_PIECE_FRAMES = 200
_HALO_FRAMES = 9  # three blocks, each a 5-tap and a 3-tap convolution over time: 3 × (2 + 1)
_MEAN, _DEVIATION = 0.4161, 0.1688
_BATCH_NORM_EPSILON = 1e-3


@dataclass(frozen=True)
class LrAsd:
    """The network's weights, ready to run. Make one with `load`."""

    weights: dict[str, torch.Tensor]
    memory: torch.nn.GRU

    def see(self, crops: np.ndarray) -> torch.Tensor:
        """Embed a face track. uint8 (T, 112, 112) grey → float32 (T, 128)."""
        import torch

        total, pieces = len(crops), []
        with torch.inference_mode():
            for start in range(0, total, _PIECE_FRAMES):
                end = min(start + _PIECE_FRAMES, total)
                first, last = max(start - _HALO_FRAMES, 0), min(end + _HALO_FRAMES, total)
                pieces.append(self._see_piece(crops[first:last])[start - first : end - first])
            return torch.cat(pieces)

    def hear(self, cepstra: np.ndarray) -> torch.Tensor:
        """Embed the sound. float32 (4·T, 13) → float32 (T, 128)."""
        import torch
        from torch.nn.functional import max_pool2d

        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(cepstra.T))[None, None]
            for block in (1, 2, 3):
                for layer, (height, width) in (
                    ("m_1", (2, 0)),
                    ("m_2", (1, 0)),
                    ("t_1", (0, 2)),
                    ("t_2", (0, 1)),
                ):
                    x = self._convolve(x, f"audioEncoder.block{block}.{layer}", padding=(height, width))
                if block < 3:
                    x = max_pool2d(x, (1, 3), (1, 2), (0, 1))
            return x.mean(dim=2)[0].T

    def judge(self, heard: torch.Tensor, seen: torch.Tensor, lengths: np.ndarray | None = None) -> np.ndarray:
        """Score how well sound and face go together, frame by frame, for a batch of pairs.

        Args:
            heard, seen: float32 (B, T, 128).
            lengths: int (B,): frames that count in each pair, from its first; None: all. What lies beyond
                them changes nothing, and its scores mean nothing.

        Returns:
            float32 (B, T): the raw output of the class "speaking"; above 0 means speaking.
        """
        import torch
        from torch.nn.functional import linear

        with torch.inference_mode():
            x = self._remember(self._gate(torch.cat((heard, seen), dim=2), "fusion"), lengths)
            x = self._gate(x, "detector.attention")
            return linear(x, self.weights["FC.weight"][1:], self.weights["FC.bias"][1:])[..., 0].numpy()

    def _remember(self, x: torch.Tensor, lengths: np.ndarray | None) -> torch.Tensor:
        import torch
        from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

        if lengths is None or (lengths == x.shape[1]).all():
            return self.memory(x)[0]
        packed = pack_padded_sequence(x, torch.as_tensor(lengths), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.memory(packed)[0], batch_first=True, total_length=x.shape[1])[0]

    def _see_piece(self, crops: np.ndarray) -> torch.Tensor:
        import torch
        from torch.nn.functional import max_pool2d

        x = (torch.from_numpy(np.ascontiguousarray(crops)).float()[:, None] / 255 - _MEAN) / _DEVIATION
        x = x.contiguous(memory_format=torch.channels_last)
        for block in (1, 2, 3):
            name = f"visualEncoder.block{block}"
            x = self._convolve(x, f"{name}.s_1", padding=(2, 2), stride=2 if block == 1 else 1)
            x = self._convolve(x, f"{name}.s_2", padding=(1, 1))
            # Channels lie last in memory: to make frames one image of time by pixels copies nothing.
            frames, channels, height, width = x.shape
            x = x.permute(0, 2, 3, 1).reshape(1, frames, height * width, channels).permute(0, 3, 1, 2)
            x = self._convolve(x, f"{name}.t_1", padding=(2, 0))
            x = self._convolve(x, f"{name}.t_2", padding=(1, 0))
            x = x.permute(0, 2, 3, 1).reshape(frames, height, width, -1).permute(0, 3, 1, 2)
            if block < 3:
                x = max_pool2d(x, 3, 2, 1)
        return x.amax(dim=(2, 3))

    def _convolve(
        self, x: torch.Tensor, name: str, padding: tuple[int, int], stride: int = 1
    ) -> torch.Tensor:
        from torch.nn.functional import conv2d

        return conv2d(
            x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], stride, padding
        ).relu_()

    def _gate(self, x: torch.Tensor, name: str) -> torch.Tensor:
        from torch.nn.functional import linear

        return x * linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]).sigmoid()


def load(path: Path) -> LrAsd:
    """Read LR-ASD's public checkpoint (a state dict).

    Raises:
        ModelMissing: torch is not installed.
        ModelCorrupt: the file is no such checkpoint.
    """
    import pickle

    try:
        import torch
    except ImportError as error:
        action = "pip install 'clapper-av[light]', or let the recipe say speakers.model: mouth-motion"
        raise ModelMissing("lr-asd", "needs the package torch, which is not installed", action) from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return LrAsd(_folded(state), _recurrence(state))
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, AttributeError, TypeError) as error:
        raise ModelCorrupt(
            path.name, f"is no LR-ASD checkpoint: {error}", "pull the model again: clapper models pull lr-asd"
        ) from error


def _folded(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of every convolution and gate with its batch normalisation multiplied in, as 2-D kernels."""
    import torch

    weights = {"FC.weight": state["lossAV.FC.weight"], "FC.bias": state["lossAV.FC.bias"]}
    for encoder, kinds in (("visualEncoder", "st"), ("audioEncoder", "mt")):
        for block in (1, 2, 3):
            for kind in kinds:
                for index in (1, 2):
                    name = f"{encoder}.block{block}.{kind}_{index}"
                    kernel, bias = _fold(state, name, f"{encoder}.block{block}.{kind}_norm_{index}")
                    if encoder == "visualEncoder":
                        kernel = kernel[:, :, 0] if kind == "s" else kernel[..., 0]
                        kernel = kernel.contiguous(memory_format=torch.channels_last)
                    weights[f"{name}.weight"], weights[f"{name}.bias"] = kernel, bias
    for name in ("fusion", "detector.attention"):
        kernel, bias = _fold(state, f"{name}.attention", f"{name}.bn")
        weights[f"{name}.weight"], weights[f"{name}.bias"] = kernel[..., 0].contiguous(), bias
    return weights


def _fold(state: dict[str, torch.Tensor], kernel: str, norm: str) -> tuple[torch.Tensor, torch.Tensor]:
    weight, norm = state[f"model.{kernel}.weight"], f"model.{norm}"
    gain = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + _BATCH_NORM_EPSILON).sqrt()
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain
    return weight * gain.reshape(-1, *[1] * (weight.dim() - 1)), bias


def _recurrence(state: dict[str, torch.Tensor]) -> torch.nn.GRU:
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
    return layer.eval().requires_grad_(False)
