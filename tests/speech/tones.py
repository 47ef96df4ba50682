"""Two voices that are tones, and networks of pyannote's kinds that know them: whole pipelines with a known truth.

A low voice hums at 400 Hz, a high one at 2000 Hz. The networks have no weights to learn: they compare the power
of two bands. Their checkpoints are of the published format, some kilobytes large, and are the same every time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from pyannote.audio import Model
from pyannote.audio.core.task import Problem, Resolution, Specifications

WINDOW, HOP = 640, 320
BANDS_HZ = (200, 800), (1500, 2500)
LOUD = 1e-3
CLASSES_OF_VOICES = 0, 1, 2, 4
"""Powerset of two in three: nobody, the first, the second, first and second; by low + 2 × high."""


def voice(frequency_hz: float, seconds: float) -> np.ndarray:
    """A tone, float32 at 16 kHz."""
    return (0.3 * np.sin(2 * np.pi * frequency_hz * np.arange(int(16_000 * seconds)) / 16_000)).astype(
        np.float32
    )


def low(seconds: float) -> np.ndarray:
    return voice(400, seconds)


def high(seconds: float) -> np.ndarray:
    return voice(2000, seconds)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(16_000 * seconds), np.float32)


def powers(waveforms: torch.Tensor) -> torch.Tensor:
    """(n, 1, samples) to the mean power of both bands, (n, frames, 2)."""
    spectrum = torch.fft.rfft(waveforms[:, 0].unfold(1, WINDOW, HOP)).abs().square() / WINDOW**2
    hertz = torch.fft.rfftfreq(WINDOW, 1 / 16_000)
    return torch.stack([spectrum[..., (hertz >= a) & (hertz <= b)].sum(-1) for a, b in BANDS_HZ], -1)


class ToneModel(Model):
    """What both networks share: frames of 40 ms every 20 ms."""

    def num_frames(self, samples: int) -> int:
        return max(0, (samples - WINDOW) // HOP + 1)

    def receptive_field_size(self, num_frames: int = 1) -> int:
        return WINDOW + (num_frames - 1) * HOP

    def receptive_field_center(self, frame: int = 0) -> int:
        return frame * HOP + WINDOW // 2


class ToneSegmentation(ToneModel):
    dimension = 7

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        heard = (powers(waveforms) > LOUD).long()
        classes = torch.tensor(CLASSES_OF_VOICES)[heard[..., 0] + 2 * heard[..., 1]]
        return torch.log(0.99 * torch.nn.functional.one_hot(classes, 7) + 0.001)


class ToneEmbedding(ToneModel):
    dimension = 8

    def forward(self, waveforms: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        return self.forward_embedding(self.forward_frames(waveforms), weights)

    def forward_frames(self, waveforms: torch.Tensor) -> torch.Tensor:
        return powers(waveforms)

    def forward_embedding(self, frames: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        if weights is None:
            weights = torch.ones(frames.shape[:2])
        shares = torch.nn.functional.interpolate(weights[:, None], frames.shape[1])[:, 0, :, None]
        heard = (frames * shares).sum(1) / shares.sum(1).clamp_min(1e-6)
        return torch.nn.functional.pad(heard / heard.sum(1, keepdim=True).clamp_min(1e-9), (0, 6))


def write_models(folder: Path) -> dict[str, Path]:
    """The four files of community-1, by their names in the model store."""
    names = ("pyannote-segmentation", "pyannote-embedding", "pyannote-plda-transform", "pyannote-plda")
    suffixes = (".bin", ".bin", ".npz", ".npz")
    files = {name: folder / f"{name}{suffix}" for name, suffix in zip(names, suffixes, strict=True)}
    speakers = {"classes": ["a", "b", "c"], "powerset_max_classes": 2, "permutation_invariant": True}
    _save(ToneSegmentation(), files["pyannote-segmentation"], Problem.MONO_LABEL_CLASSIFICATION, **speakers)
    _save(ToneEmbedding(), files["pyannote-embedding"], Problem.REPRESENTATION)
    np.savez(files["pyannote-plda-transform"], mean1=np.zeros(8), mean2=np.zeros(8), lda=np.eye(8))
    np.savez(files["pyannote-plda"], mu=np.zeros(8), tr=np.eye(8), psi=np.linspace(8, 1, 8))
    return files


def _save(model: Model, file: Path, problem: Problem, **more) -> None:
    resolution = Resolution.FRAME if problem is Problem.MONO_LABEL_CLASSIFICATION else Resolution.CHUNK
    model.specifications = Specifications(problem=problem, resolution=resolution, duration=5.0, **more)
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": "2.6.6",
        "epoch": 0,
        "global_step": 0,
    }
    model.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, file)
