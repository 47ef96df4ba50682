"""What the taggers that are torch networks share: opening their packages and weights, and running in batches."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import ModelCorrupt, ModelMissing

if TYPE_CHECKING:
    import torch

CHUNKS_AT_ONCE = {"cpu": 16, "cuda": 64}
"""Chunks in a batch by type of device: what one core's caches hold, and what keeps a card busy."""


def need_packages(tagger: str, packages: tuple[str, ...], extra: str) -> None:
    """Raise ModelMissing, naming the extra that brings them, unless all packages can be imported."""
    for package in packages:
        try:
            import_module(package)
        # torchaudio built for another torch raises OSError from its shared library.
        except (ImportError, OSError) as error:
            problem = f"needs {package}, which is not installed or cannot be loaded here: {error}"
            action = f"install the `{extra}` extra, or set sounds.model to another tagger such as spectral"
            raise ModelMissing(tagger, problem, action) from error


def read_checkpoint(file: Path) -> Any:
    """What torch saved in a file, on the processor; only tensors and plain containers are let in.

    Raises:
        ModelCorrupt: not a file of torch, or with other things in it.
    """
    import torch

    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, IndexError) as error:
        raise ModelCorrupt(str(file), f"is no checkpoint of torch: {error}", "pull it again") from error


def tag_in_batches(
    logits: Callable[[torch.Tensor], torch.Tensor], device: torch.device, shortest_samples: int = 1
) -> Callable[[np.ndarray], np.ndarray]:
    """The function `tag_chunks` of a network.

    Args:
        logits: from chunks, float32 (n, samples) on `device`, to logits (n, classes).
        device: where the network lies.
        shortest_samples: shorter chunks are filled with silence at their end.
    """
    import torch

    def tag(chunks: np.ndarray) -> np.ndarray:
        missing = max(0, shortest_samples - chunks.shape[1])
        waveforms = torch.from_numpy(np.pad(chunks, ((0, 0), (0, missing))))
        with torch.inference_mode():
            batches = [
                torch.sigmoid(logits(batch.to(device)).float()).cpu()
                for batch in torch.split(waveforms, CHUNKS_AT_ONCE[device.type])
            ]
            return torch.cat(batches).numpy()

    return tag
