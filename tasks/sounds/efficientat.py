"""EfficientAT's smallest useful tagger, mn04: 0.98 million weights, all 527 classes of AudioSet, mAP 0.432.

The front end (32 kHz, 25 ms windows every 10 ms, 128 mel bands as Kaldi spaces them) and the network follow
Schmid et al. (ICASSP 2023), https://github.com/fschmid56/EfficientAT (MIT): probabilities differ by at most 4e-6
from that code's on 24 real files. A chunk of any length is tagged as it is, as its authors' inference does.
torch is imported when a tagger is opened, not before.

On 100 environmental sounds, going through 16 kHz (as clips do) costs nothing that can be measured: mean average
precision 0.843 for 0.845.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import ModelCorrupt
from tasks.models.device import reduced, torch_device
from tasks.sounds.audioset import audioset_classes
from tasks.sounds.networks import need_packages, read_checkpoint, tag_in_batches
from tasks.sounds.tagger import Tagger

if TYPE_CHECKING:
    import torch

SAMPLE_RATE = 32_000
FFT_SAMPLES, WINDOW_SAMPLES, HOP_SAMPLES = 1024, 800, 320
MEL_BANDS, HIGHEST_HZ = 128, 15_000
WIDTH = 0.4
SHORTEST_SAMPLES = SAMPLE_RATE // 10
"""Shorter chunks are filled with silence: the front end mirrors half a window at both ends."""


def open_mn04(weights: Callable[[str], Path]) -> Tagger:
    """The tagger with the weights named `mn04` in the model store.

    Raises:
        ModelMissing: the weights or torch are not on this machine.
        ModelCorrupt: the weights are not a state dict of this network.
    """
    file = weights("mn04")
    need_packages("mn04", ("torch",), extra="light")
    import torch

    from tasks.sounds.mobilenet import MobileNet, fold_norms

    network = MobileNet(WIDTH, len(audioset_classes()))
    try:
        network.load_state_dict(read_checkpoint(file), strict=True)
    except (RuntimeError, AttributeError, TypeError) as error:
        raise ModelCorrupt(str(file), f"is no state dict of mn04: {error}", "pull it again") from error
    device = torch_device()
    network = fold_norms(network.eval()).to(device, memory_format=torch.channels_last)
    window = torch.hann_window(WINDOW_SAMPLES, periodic=False, device=device)
    bands = torch.from_numpy(mel_bands()).to(device)

    def logits(chunks: torch.Tensor) -> torch.Tensor:
        spectrograms = log_mel(chunks, window, bands)[:, None]
        with reduced(device):
            # Channels last: a third of the time of the default layout, measured on one core.
            return network(spectrograms.contiguous(memory_format=torch.channels_last))

    ids = tuple(one.id for one in audioset_classes())
    tag = tag_in_batches(logits, device, SHORTEST_SAMPLES)
    return Tagger("mn04", SAMPLE_RATE, ids, limited=False, tag_chunks=tag)


def log_mel(waveforms: torch.Tensor, window: torch.Tensor, bands: torch.Tensor) -> torch.Tensor:
    """Log-mel spectrograms, float32 (n, 128, frames), of float32 (n, samples) at 32 kHz, about −1…1.

    High frequencies are raised first (each sample less 0.97 of the one before, which costs one sample).
    """
    import torch

    sharpened = waveforms[:, 1:] - 0.97 * waveforms[:, :-1]
    spectra = torch.stft(
        sharpened, FFT_SAMPLES, HOP_SAMPLES, WINDOW_SAMPLES, window, center=True, return_complex=True
    )
    power = spectra.real.square() + spectra.imag.square()
    return (torch.log(torch.matmul(bands, power) + 1e-5) + 4.5) / 5


def mel_bands() -> np.ndarray:
    """Triangular mel filters as in Kaldi, float32 (128, 513): equal on the mel scale, each with its peak at 1."""
    edges = np.linspace(0, _mel(HIGHEST_HZ), MEL_BANDS + 2)[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    mels = _mel(np.arange(FFT_SAMPLES // 2 + 1) * SAMPLE_RATE / FFT_SAMPLES)
    slopes = np.minimum((mels - left) / (centre - left), (right - mels) / (right - centre))
    return np.maximum(slopes, 0).astype(np.float32)


def _mel(hertz: float | np.ndarray) -> float | np.ndarray:
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)
