"""SyncNet for inference: how far lips and sound are apart, at every offset.

After J. S. Chung and A. Zisserman, "Out of time: automated lip sync in the wild" (2016), and its public code
(github.com/joonson/syncnet_python, MIT), whose checkpoint `syncnet_v2.model` this module reads.

    network = load(path)
    seen, heard = network.see(crops), network.hear(mfcc(waveform, 4 * frames))
    found = synchrony(distances(seen, heard, max_shift=15))

Both towers look at 0.2 s: five frames, or twenty hops of cepstra. That of the lips slides: only its first layer looks
at several frames, all of them, so one pass over a track gives what a pass over every window of five would. That of
the sound cannot: its convolutions pad each window's own borders, so the windows go through in batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tasks.models.device import reduced
from tasks.speakers.layers import device_of, entry, folded, placed, read_checkpoint
from tasks.speakers.profile import sound_frames

if TYPE_CHECKING:
    import torch

CROP_SIDE = 224
EMBEDDING = 1024
WINDOW_FRAMES = 5
_HOPS_PER_FRAME = 4
_WINDOW_HOPS = WINDOW_FRAMES * _HOPS_PER_FRAME
_COEFFICIENTS = 13
_PIECE_FRAMES = 20
_SOUND_BATCH = 64
_MEDIAN_FRAMES = 9
_BATCH_NORM_EPSILON = 1e-5
_DISTANCE_EPSILON = 1e-6  # torch's pairwise_distance adds it to every difference

_LAYERS = {
    "netcnnlip.0": (96, 3, 5, 7, 7),
    "netcnnlip.4": (256, 96, 1, 5, 5),
    "netcnnlip.8": (256, 256, 1, 3, 3),
    "netcnnlip.11": (256, 256, 1, 3, 3),
    "netcnnlip.14": (256, 256, 1, 3, 3),
    "netcnnlip.18": (512, 256, 1, 6, 6),
    "netfclip.0": (512, 512),
    "netcnnaud.0": (64, 1, 3, 3),
    "netcnnaud.4": (192, 64, 3, 3),
    "netcnnaud.8": (384, 192, 3, 3),
    "netcnnaud.11": (256, 384, 3, 3),
    "netcnnaud.14": (256, 256, 3, 3),
    "netcnnaud.18": (512, 256, 5, 4),
    "netfcaud.0": (512, 512),
}
"""The layers that batch normalisation follows, and the shapes of their kernels."""


@dataclass(frozen=True)
class SyncNet:
    """The network's weights, ready to run. Make one with `load`."""

    weights: Mapping[str, torch.Tensor]

    def see(self, crops: np.ndarray) -> torch.Tensor:
        """Embed every five frames of a face track.

        Args:
            crops: uint8 (T, 224, 224, 3), BGR.

        Returns:
            float32 (T − 4, 1024); row t is of the frames t … t + 4. (The public loop leaves out the last.)
            Memory: about 170 MB beside the crops, whatever T is.
        """
        import torch

        windows = max(len(crops) - WINDOW_FRAMES + 1, 0)
        device = device_of(self.weights)
        pieces = [torch.zeros(0, EMBEDDING, device=device)]
        with reduced(device):
            for start in range(0, windows, _PIECE_FRAMES):
                end = min(start + _PIECE_FRAMES, windows)
                pieces.append(self._see_piece(crops[start : end + WINDOW_FRAMES - 1]))
        return torch.cat(pieces).float()

    def hear(self, cepstra: np.ndarray) -> torch.Tensor:
        """Embed the sound that belongs to every five frames.

        Args:
            cepstra: float32 (4·T, 13), as `tasks.speakers.mfcc` gives them.

        Returns:
            float32 (T − 4, 1024).
        """
        import torch

        if len(cepstra) < _WINDOW_HOPS:
            return torch.zeros(0, EMBEDDING, device=device_of(self.weights))
        views = np.lib.stride_tricks.sliding_window_view(cepstra, _WINDOW_HOPS, axis=0)[::_HOPS_PER_FRAME]
        pieces = []
        with reduced(device_of(self.weights)):
            for start in range(0, len(views), _SOUND_BATCH):
                batch = np.ascontiguousarray(views[start : start + _SOUND_BATCH], np.float32)
                pieces.append(self._hear_batch(placed(batch, self.weights)[:, None]))
        return torch.cat(pieces).float()

    def _see_piece(self, crops: np.ndarray) -> torch.Tensor:
        from torch.nn.functional import conv3d, max_pool2d

        film = placed(crops, self.weights).float().permute(3, 0, 1, 2)[None]
        first = "netcnnlip.0"
        x = conv3d(film, self.weights[f"{first}.weight"], self.weights[f"{first}.bias"], (1, 2, 2))
        # (1, C, T, h, w) with the channels last in memory is (T, C, h, w) in the same place.
        x = max_pool2d(x[0].transpose(0, 1).relu_(), 3, 2)
        x = max_pool2d(self._convolve(x, "netcnnlip.4", 1, 2), 3, 2, 1)
        for index in (8, 11, 14):
            x = self._convolve(x, f"netcnnlip.{index}", 1)
        x = self._convolve(max_pool2d(x, 3, 2), "netcnnlip.18", 0)
        return self._embed(x, "netfclip")

    def _hear_batch(self, x: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import max_pool2d

        x = self._convolve(self._convolve(x, "netcnnaud.0", 1), "netcnnaud.4", 1)
        x = max_pool2d(x, 3, (1, 2))
        for index in (8, 11, 14):
            x = self._convolve(x, f"netcnnaud.{index}", 1)
        x = self._convolve(max_pool2d(x, 3, 2), "netcnnaud.18", 0)
        return self._embed(x, "netfcaud")

    def _convolve(self, x: torch.Tensor, name: str, padding: int, stride: int = 1) -> torch.Tensor:
        from torch.nn.functional import conv2d

        weights = self.weights
        return conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, padding).relu_()

    def _embed(self, x: torch.Tensor, block: str) -> torch.Tensor:
        from torch.nn.functional import linear

        weights = self.weights
        x = linear(x.flatten(1), weights[f"{block}.0.weight"], weights[f"{block}.0.bias"]).relu_()
        return linear(x, weights[f"{block}.3.weight"], weights[f"{block}.3.bias"])


@dataclass(frozen=True)
class Synchrony:
    """What the distances of one stretch say.

    Attributes:
        offset_frames: at which picture and sound are closest; **positive: the audio is early**.
        confidence: median of the mean distances over all offsets, less the least. There is no absolute scale; above 3
            is commonly held to be sure.
        least_distance: the mean distance at that offset.
        frame_confidences: float32 (T,): the same median less each window's own distance at that offset, median over
            9 windows with zeros beyond the ends, as in the public code. Window t is about frame t + 2.
    """

    offset_frames: int
    confidence: float
    least_distance: float
    frame_confidences: np.ndarray


def distances(
    seen: torch.Tensor, heard: torch.Tensor, max_shift: int, start_frame: int = 0, padded: bool = True
) -> np.ndarray:
    """Euclidean distance of each seen window to the sound at every offset.

    Args:
        seen: float32 (T, 1024), from `see`.
        heard: float32 (N, 1024), from `hear`, of the whole clip or of this track alone.
        max_shift: greatest offset, in frames.
        start_frame: which row of `heard` belongs to the first of `seen`.
        padded: take zeros for sound before the beginning and after the end, as the public code does. Such distances
            are smaller than real ones of strangers, so they draw the mean of far offsets down, the more the shorter
            the track. False gives NaN there, and `synchrony` then takes the mean over what has sound.

    Returns:
        float32 (2·max_shift + 1, T); row max_shift + d is of offset d, **d > 0: the audio is early**, as in
        `tasks.speakers.profile`. (The public code numbers its rows the other way.)
    """
    import torch
    from torch.nn.functional import pad

    at = sound_frames(start_frame, len(seen), max_shift)
    silent = (at < 0) | (at >= len(heard))
    rows = torch.from_numpy(np.where(silent, len(heard), at))
    with torch.inference_mode():
        known = pad(heard, (0, 0, 0, 1))
        found = [(seen - known[row] + _DISTANCE_EPSILON).norm(dim=1) for row in rows]
        result = torch.stack(found).cpu().numpy()
    return result if padded else np.where(silent, np.float32(np.nan), result)


def synchrony(distances: np.ndarray) -> Synchrony:
    """Offset and confidences of a stretch, from its `distances`, float (2·m + 1, T).

    Offsets at which no window has sound are left out.

    Raises:
        ValueError: there is not one distance.
    """
    counts = (~np.isnan(distances)).sum(axis=1)
    if not counts.any():
        raise ValueError(f"synchrony needs distances, and got {distances.shape} without any")
    means = np.where(counts > 0, np.nansum(distances, axis=1) / np.maximum(counts, 1), np.nan)
    # Of equal offsets the public code takes the largest, since its rows begin there.
    best = len(means) - 1 - int(np.nanargmin(means[::-1]))
    median = np.nanmedian(means)
    return Synchrony(
        offset_frames=best - len(means) // 2,
        confidence=float(median - means[best]),
        least_distance=float(means[best]),
        frame_confidences=_median(median - distances[best]),
    )


def _median(values: np.ndarray) -> np.ndarray:
    """The median over 9 values, with zeros before the first and after the last; unknown values count as zero."""
    padded = np.pad(np.nan_to_num(values), _MEDIAN_FRAMES // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _MEDIAN_FRAMES)
    return np.median(windows, axis=1).astype(np.float32)


def load(path: Path) -> SyncNet:
    """Read the public checkpoint `syncnet_v2.model` (a state dict).

    Raises:
        ModelMissing: torch is not installed.
        ModelCorrupt: the file is no such checkpoint.
    """
    return read_checkpoint(path, "syncnet", "SyncNet", lambda state: SyncNet(_weights(state)))


def _weights(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Every layer with its batch normalisation multiplied in; kernels of one frame as 2-D ones."""
    import torch

    weights = {}
    for name, shape in _LAYERS.items():
        block, index = name.split(".")
        kernel, bias = folded(state, name, f"{block}.{int(index) + 1}", shape, _BATCH_NORM_EPSILON)
        if len(shape) == 5 and shape[2] == 1:
            kernel = kernel[:, :, 0]
        if kernel.dim() > 3:
            last = torch.channels_last if kernel.dim() == 4 else torch.channels_last_3d
            kernel = kernel.contiguous(memory_format=last)
        weights[f"{name}.weight"], weights[f"{name}.bias"] = kernel, bias
    for block in ("netfclip", "netfcaud"):
        weights[f"{block}.3.weight"] = entry(state, f"{block}.3.weight", (EMBEDDING, 512))
        weights[f"{block}.3.bias"] = entry(state, f"{block}.3.bias", (EMBEDDING,))
    return weights
