"""silero-vad straight from its onnx file: the judge of whether invented speech passes for speech."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

WINDOW, CONTEXT, RATE = 512, 64, 16_000
WINDOW_MS = 32


@lru_cache(maxsize=1)
def _session():
    onnxruntime = pytest.importorskip("onnxruntime")
    found = find_spec("silero_vad")
    if found is None or not found.submodule_search_locations:
        pytest.skip("silero-vad is not installed")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = Path(next(iter(found.submodule_search_locations))) / "data" / "silero_vad.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def speech_probability(sound: np.ndarray) -> np.ndarray:
    """Probability of speech in each window of 32 ms of float32 sound at 16 kHz."""
    session = _session()
    state, context = np.zeros((2, 1, 128), np.float32), np.zeros((1, CONTEXT), np.float32)
    found = []
    for start in range(0, len(sound) - WINDOW + 1, WINDOW):
        window = np.concatenate([context, sound[None, start : start + WINDOW]], axis=1).astype(np.float32)
        feed = {"input": window, "state": state, "sr": np.array(RATE, np.int64)}
        probability, state = session.run(None, feed)
        found.append(probability[0, 0])
        context = window[:, -CONTEXT:]
    return np.array(found)


def inside(count: int, spans: list[tuple[int, int]]) -> np.ndarray:
    """Which windows have their middle in one of the spans (ms)."""
    middle = np.arange(count) * WINDOW_MS + WINDOW_MS / 2
    return np.any([(middle >= start) & (middle < end) for start, end in spans], axis=0)
