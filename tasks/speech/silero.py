"""silero-vad without its package's imports: the ONNX file inside its wheel, run by onnxruntime.

The package imports torch; its weights do not need it. The wheel's *sequence* export computes many windows in
one call, bit for bit what the window-by-window model computes, in half the time (measured: 4.4 ms of one core
per second of sound) and without holding Python's lock.

Source of the model and of the method: https://github.com/snakers4/silero-vad (MIT).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np

from schemas.errors import AnalysisError, ModelMissing
from schemas.sections import Speech
from schemas.units import SAMPLE_RATE
from tasks.speech.intervals import SpeechInterval, speech_intervals

WINDOW_SAMPLES, CONTEXT_SAMPLES = 512, 64
WINDOW_MS = WINDOW_SAMPLES * 1000 // SAMPLE_RATE
PAD_MS = 30
_WINDOWS_PER_CALL = 512


def silero_weights() -> Path:
    """The ONNX file in the installed silero-vad wheel, found without importing the package.

    Raises:
        ModelMissing: the package is not installed, or too old to have the file.
    """
    found = importlib.util.find_spec("silero_vad")
    action = "run `pip install --no-deps 'silero-vad>=6.2.3'`"
    if found is None or not found.submodule_search_locations:
        raise ModelMissing(
            "silero", "the package silero-vad (MIT), which carries the weights, is absent", action
        )
    file = Path(found.submodule_search_locations[0]) / "data" / "silero_vad_16k_sequence.onnx"
    if not file.is_file():
        raise ModelMissing("silero", f"the installed silero-vad has no {file.name}", action)
    return file


def open_silero(settings: Speech) -> Callable[[np.ndarray], list[SpeechInterval]]:
    """A detector of speech; see `tasks.speech.detectors.Detector`. Raises ModelMissing."""
    probabilities = open_probabilities()

    def detect(waveform: np.ndarray) -> list[SpeechInterval]:
        duration_ms = len(waveform) * 1000 // SAMPLE_RATE
        return speech_intervals(probabilities(waveform), WINDOW_MS, duration_ms, settings, PAD_MS)

    return detect


def open_probabilities() -> Callable[[np.ndarray], np.ndarray]:
    """A function from a waveform, float32 (N,) at 16 kHz, to speech probabilities, float32 (ceil(N / 512),).

    Raises:
        ModelMissing: see `silero_weights`.
        AnalysisError: (from the function) the waveform is not one-dimensional, or not finite.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # the export carries unused initialisers, and a warning for each
    session = onnxruntime.InferenceSession(
        str(silero_weights()), sess_options=options, providers=["CPUExecutionProvider"]
    )

    def probabilities(waveform: np.ndarray) -> np.ndarray:
        if waveform.ndim != 1 or not np.isfinite(waveform).all():
            raise AnalysisError(
                "waveform",
                f"shape {waveform.shape}, wanted (samples,) and finite",
                "decode it to mono float32",
            )
        windows = _windows(waveform)
        hidden = cell = np.zeros((1, 1, 128), np.float32)
        scores = [np.zeros(0, np.float32)]
        for first in range(0, len(windows), _WINDOWS_PER_CALL):
            block = np.ascontiguousarray(windows[first : first + _WINDOWS_PER_CALL])
            score, hidden, cell = session.run(None, {"input": block, "h": hidden, "c": cell})
            scores.append(score)
        return np.concatenate(scores)

    return probabilities


def _windows(waveform: np.ndarray) -> np.ndarray:
    """A view, float32 (ceil(N / 512), 64 + 512): each window after the last 64 samples of the one before."""
    count = -(-len(waveform) // WINDOW_SAMPLES)
    if not count:
        return np.zeros((0, CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32)
    padded = np.zeros(CONTEXT_SAMPLES + count * WINDOW_SAMPLES, np.float32)
    padded[CONTEXT_SAMPLES : CONTEXT_SAMPLES + len(waveform)] = waveform
    return np.lib.stride_tricks.sliding_window_view(padded, CONTEXT_SAMPLES + WINDOW_SAMPLES)[
        ::WINDOW_SAMPLES
    ]
