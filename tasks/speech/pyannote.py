"""pyannote.audio without its hub: the pipelines of community-1, put together from files of the model store.

Nothing is downloaded and nothing is reported home: weights come as verified files, waveforms as arrays (so it does
not matter whether torchcodec works), and pyannote's telemetry is switched off before the package is imported.
The import takes about ten seconds of one core, so it happens when a detector or a diarizer is opened.

The networks are loaded here and handed over as objects. Given paths, pyannote.audio guesses the toolkit from words
in them: weights in a folder with the word nvidia in its path would be read as those of another one.

Source of the models and of the method: https://huggingface.co/pyannote/speaker-diarization-community-1 (CC BY 4.0)
and https://github.com/pyannote/pyannote-audio (MIT). Networks run in full precision.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import AnalysisError, ModelMissing
from schemas.sections import Speech
from schemas.units import SAMPLE_RATE
from tasks.models.device import torch_device
from tasks.models.packages import forget_redirects
from tasks.speech.intervals import SpeechInterval

if TYPE_CHECKING:
    from types import ModuleType

Weights = Callable[[str], Path]
"""From a name in the model store to the verified file (raises ModelMissing, ModelCorrupt)."""

Span = tuple[float, float, str]
"""Start and end in seconds, and the label of a voice."""

DETECTION_WEIGHTS = ("pyannote-segmentation",)
DIARIZATION_WEIGHTS = (
    "pyannote-segmentation", "pyannote-embedding", "pyannote-plda-transform", "pyannote-plda",
)  # fmt: skip

COMMUNITY_1: Mapping[str, Any] = {
    "clustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8},
    "segmentation": {"min_duration_off": 0.0},
}
"""The parameters that community-1 publishes in its config.yaml."""

_WINDOWS_AT_ONCE = 32
_VOICES_AT_ONCE = {"cpu": 12, "cuda": 96}
"""Windows of 10 s for the segmentation; and voices, of which each window has three, for the embedding, whose
activations take 50 MB for each window of a batch."""

_SHORTEST_SAMPLES = SAMPLE_RATE // 10
"""Shorter sounds have too few frames of 17 ms for a beginning and an end."""


def open_pyannote(settings: Speech, weights: Weights) -> Callable[[np.ndarray], list[SpeechInterval]]:
    """A detector of speech; see `tasks.speech.detectors.Detector`.

    `settings.threshold` is held against the share of overlapping windows in which somebody speaks, which is also
    what an interval's score is the mean of; pyannote's own threshold is the default 0.5.

    Raises:
        ModelMissing: the weights or the package are not on this machine.
    """
    files = {name: weights(name) for name in DETECTION_WEIGHTS}
    audio = import_pyannote()
    pipeline = audio.pipelines.VoiceActivityDetection(
        segmentation=_network(audio, files["pyannote-segmentation"]), batch_size=_WINDOWS_AT_ONCE
    )
    pipeline.onset = pipeline.offset = settings.threshold
    pipeline.instantiate(
        {"min_duration_on": settings.min_speech / 1000, "min_duration_off": settings.min_silence / 1000}
    )
    pipeline.to(torch_device())

    def detect(waveform: np.ndarray) -> list[SpeechInterval]:
        heard: dict[str, Any] = {}
        file = _in_memory(waveform)
        if len(waveform) < _SHORTEST_SAMPLES:
            return []
        speech = pipeline(file, hook=lambda step, result, **_: heard.update({step: result}))
        duration_ms = len(waveform) * 1000 // SAMPLE_RATE
        return _scored(speech.get_timeline().support(), heard["segmentation"], duration_ms)

    return detect


def open_diarizer(weights: Weights) -> Callable[[np.ndarray], list[Span]]:
    """A function from a waveform, float32 (N,) mono at 16 kHz, to who speaks when; voices may overlap.

    Raises:
        ModelMissing: the weights or the package are not on this machine.
        AnalysisError: (from the function) the waveform is not one-dimensional, or not finite.
    """
    files = {name: weights(name) for name in DIARIZATION_WEIGHTS}
    audio = import_pyannote()
    plda = import_module("pyannote.audio.core.plda").PLDA
    device = torch_device()
    pipeline = audio.pipelines.SpeakerDiarization(
        segmentation=_network(audio, files["pyannote-segmentation"]),
        segmentation_batch_size=_WINDOWS_AT_ONCE,
        embedding=hear_windows_once(_network(audio, files["pyannote-embedding"])),
        embedding_batch_size=_VOICES_AT_ONCE[device.type],
        embedding_exclude_overlap=True,
        plda=plda(files["pyannote-plda-transform"], files["pyannote-plda"]),
        clustering="VBxClustering",
    )
    pipeline.instantiate(COMMUNITY_1)
    pipeline.to(device)

    def diarize(waveform: np.ndarray) -> list[Span]:
        file = _in_memory(waveform)
        if len(waveform) < _SHORTEST_SAMPLES:
            return []
        # A voice heard for a frame or two has no deviation, which numpy would tell about.
        with np.errstate(all="ignore"):
            tracks = pipeline(file).speaker_diarization.itertracks(yield_label=True)
        return [(segment.start, segment.end, str(label)) for segment, _, label in tracks]

    return diarize


def import_pyannote() -> ModuleType:
    """The package pyannote.audio with its pipelines, telemetry off.

    Raises:
        ModelMissing: it is not installed, or its libraries cannot be loaded.
    """
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
    # It warns at length of torchcodec, which waveforms do not pass through, and of the precision that it sets.
    warnings.filterwarnings("ignore", module=r"pyannote\.")
    try:
        import_module("pyannote.audio.pipelines")
    # A torchaudio built for another torch raises OSError from its shared library.
    except (ImportError, OSError) as error:
        problem = f"pyannote.audio is not installed, or cannot be loaded here: {error}"
        action = "run `pip install 'clapper-av[full]'`, or set speech.model to silero and turns.model to none"
        raise ModelMissing("pyannote", problem, action) from error
    # It loads speechbrain where that is installed; and lightning, which advises to rewrite the checkpoints.
    forget_redirects()
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    return import_module("pyannote.audio")


def hear_windows_once(network: Any) -> Any:
    """The embedding network, which then takes a third of the time: it hears each window once for all its voices.

    The pipeline asks for the voices of a window one after another, with the same sound and other weights, and
    weights count in the last layers only, which pool over time.
    """
    import torch

    unshared = network.forward

    def forward(waveforms: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        if weights is None:
            return unshared(waveforms)
        fresh = torch.ones(len(waveforms), dtype=torch.bool, device=waveforms.device)
        fresh[1:] = (waveforms[1:] != waveforms[:-1]).flatten(1).any(1)
        frames = network.forward_frames(waveforms[fresh])
        return network.forward_embedding(frames[fresh.cumsum(0) - 1], weights)

    network.forward = forward
    return network


def _network(audio: ModuleType, file: Path) -> Any:
    """A network from its checkpoint, which runs code when it is read: only pinned files come here."""
    return audio.Model.from_pretrained(file).eval()


def _in_memory(waveform: np.ndarray) -> dict[str, Any]:
    if waveform.ndim != 1 or not np.isfinite(waveform).all():
        raise AnalysisError(
            "waveform", f"shape {waveform.shape}, wanted (samples,) and finite", "decode it to mono float32"
        )
    import torch

    samples = torch.from_numpy(np.array(waveform, np.float32))[None]
    return {"waveform": samples, "sample_rate": SAMPLE_RATE, "uri": "clip"}


def _scored(segments: Iterable[Any], scores: Any, duration_ms: int) -> list[SpeechInterval]:
    """Intervals in milliseconds with the mean of the frames' scores, float (frames, 1), whose middles they hold."""
    frames = scores.sliding_window
    middles_s = frames.start + frames.duration / 2 + frames.step * np.arange(len(scores.data))
    intervals = []
    for segment in segments:
        inside = scores.data[(middles_s >= segment.start) & (middles_s < segment.end), 0]
        start_ms = max(0, round(segment.start * 1000))
        end_ms = min(duration_ms, round(segment.end * 1000))
        if start_ms < end_ms and len(inside):
            score = float(np.clip(np.nanmean(inside), 0, 1))
            intervals.append(SpeechInterval(start_ms, end_ms, round(score, 4)))
    return intervals
