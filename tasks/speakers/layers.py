"""What the networks of speakers have in common: reading a checkpoint, and layers made ready for inference.

Batch normalisation is folded into the convolution before it; kernels that see one frame at a time and kernels that
see one pixel through time run as plain 2-D convolutions with the channels last in memory, which is where the
processor is quickest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from schemas.errors import ModelCorrupt, ModelMissing
from tasks.models.device import torch_device

if TYPE_CHECKING:
    import torch


class Convolution(NamedTuple):
    """Name of a convolution, name of the batch normalisation after it, and shape of its kernel."""

    name: str
    norm: str
    shape: tuple[int, ...]


Network = TypeVar("Network")

_FACE_MEAN, _FACE_DEVIATION = 0.4161, 0.1688


def read_checkpoint(
    path: Path, model: str, title: str, build: Callable[[Mapping[str, torch.Tensor]], Network]
) -> Network:
    """Make a network of the state dict in a file.

    Args:
        model: its name in the model store and in a recipe.
        title: how people call it.
        build: makes the network; raises KeyError, ValueError or RuntimeError for a state dict of something else.

    Raises:
        ModelMissing: torch is not installed, or the device that the environment names is not there.
        ModelCorrupt: the file is no such checkpoint.
    """
    import pickle

    try:
        import torch
    except ImportError as error:
        action = "pip install 'clapper-av[light]', or let the recipe say speakers.model: mouth-motion"
        raise ModelMissing(model, "needs the package torch, which is not installed", action) from error
    action, device = f"pull the model again: clapper models pull {model}", torch_device()
    try:
        return build(torch.load(path, map_location=device, weights_only=True))
    except KeyError as error:
        problem = f"is no {title} checkpoint: it has no entry {error}"
        raise ModelCorrupt(path.name, problem, action) from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, AttributeError, TypeError, ValueError) as error:
        raise ModelCorrupt(path.name, f"is no {title} checkpoint: {error}", action) from error


def entry(state: Mapping[str, torch.Tensor], name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """One entry of a state dict.

    Raises:
        KeyError: it is not there.
        ValueError: it has another shape.
    """
    found = state[name]
    if tuple(found.shape) != shape:
        raise ValueError(f"{name} has the shape {tuple(found.shape)} instead of {shape}")
    return found


def folded(
    state: Mapping[str, torch.Tensor], layer: str, norm: str, shape: tuple[int, ...], epsilon: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Kernel and bias of a layer with the batch normalisation that follows it multiplied in.

    Args:
        layer, norm: their names; the layer may have no bias of its own.
        shape: of the kernel, (outputs, inputs, …).
        epsilon: of the normalisation.

    Raises:
        KeyError, ValueError: as `entry` does.
    """
    outputs = shape[:1]
    gain = (
        entry(state, f"{norm}.weight", outputs)
        / (entry(state, f"{norm}.running_var", outputs) + epsilon).sqrt()
    )
    shift = -entry(state, f"{norm}.running_mean", outputs)
    if f"{layer}.bias" in state:
        shift = shift + entry(state, f"{layer}.bias", outputs)
    kernel = entry(state, f"{layer}.weight", shape) * gain.reshape(-1, *[1] * (len(shape) - 1))
    return kernel, entry(state, f"{norm}.bias", outputs) + shift * gain


def folded_convolutions(
    state: Mapping[str, torch.Tensor], convolutions: Iterable[Convolution], epsilon: float
) -> dict[str, torch.Tensor]:
    """Kernels and biases for `convolved`; those over frames alone or pixels alone become 2-D.

    The state dict's names begin with "model.", those of the result do not.

    Raises:
        KeyError, ValueError: as `entry` does.
    """
    import torch

    weights = {}
    for name, norm, shape in convolutions:
        kernel, bias = folded(state, f"model.{name}", f"model.{norm}", shape, epsilon)
        if kernel.dim() == 5:
            flat = kernel[..., 0] if shape[4] == 1 else kernel[:, :, 0]
            kernel = flat.contiguous(memory_format=torch.channels_last)
        weights[f"{name}.weight"], weights[f"{name}.bias"] = kernel, bias
    return weights


def last_layer(state: Mapping[str, torch.Tensor], width: int) -> dict[str, torch.Tensor]:
    """The layer that tells speaking from silent by what picture and sound say together, for `speaking`.

    Raises:
        KeyError, ValueError: as `entry` does.
    """
    return {
        "FC.weight": entry(state, "lossAV.FC.weight", (2, width)),
        "FC.bias": entry(state, "lossAV.FC.bias", (2,)),
    }


def speaking(weights: Mapping[str, torch.Tensor], x: torch.Tensor) -> np.ndarray:
    """The raw output of the class "speaking", float32 (B, T), of float32 (B, T, width)."""
    from torch.nn.functional import linear

    return linear(x, weights["FC.weight"][1:], weights["FC.bias"][1:])[..., 0].cpu().numpy()


def placed(array: np.ndarray, weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """An array as a tensor where the weights lie."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).to(device_of(weights))


def device_of(weights: Mapping[str, torch.Tensor]) -> torch.device:
    """Where the weights lie."""
    return next(iter(weights.values())).device


def normalised_faces(faces: torch.Tensor) -> torch.Tensor:
    """Crops as the networks were trained on them: uint8 (T, h, w) grey → float32 (T, 1, h, w), channels last."""
    import torch

    x = (faces.float()[:, None] / 255 - _FACE_MEAN) / _FACE_DEVIATION
    return x.contiguous(memory_format=torch.channels_last)


def in_pieces(
    frames: np.ndarray, piece_frames: int, halo_frames: int, embed: Callable[[np.ndarray], torch.Tensor]
) -> torch.Tensor:
    """Embed frames piece by piece, in bounded memory, with the numbers that one go would give.

    Args:
        frames: (T, …), T ≥ 1.
        halo_frames: how far an embedding looks before and after its own frame.
        embed: frames (n, …) → (n, k).
    """
    import torch

    total, pieces = len(frames), []
    for start in range(0, total, piece_frames):
        end = min(start + piece_frames, total)
        first, last = max(start - halo_frames, 0), min(end + halo_frames, total)
        pieces.append(embed(frames[first:last])[start - first : end - first])
    return torch.cat(pieces)


def time_by_pixels(x: torch.Tensor) -> torch.Tensor:
    """Frames (T, C, h, w) as one image (1, C, T, h·w); channels lie last in memory, so that nothing is copied."""
    frames, channels, height, width = x.shape
    return x.permute(0, 2, 3, 1).reshape(1, frames, height * width, channels).permute(0, 3, 1, 2)


def pixels_by_time(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The way back: (1, C, T, h·w) → (T, C, h, w)."""
    return x.permute(0, 2, 3, 1).reshape(-1, height, width, x.shape[1]).permute(0, 3, 1, 2)


def convolved(
    weights: Mapping[str, torch.Tensor], name: str, x: torch.Tensor, padding: tuple[int, int], stride: int = 1
) -> torch.Tensor:
    """A 2-D convolution by name, then the positive part."""
    from torch.nn.functional import conv2d

    return conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, padding).relu_()
