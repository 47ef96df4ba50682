"""The detector on sounds made here, and on real speech against silero's own package."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import AnalysisError, RecipeError
from schemas.sections import Speech
from tasks.media import read_waveform
from tasks.speech import open_detector
from tasks.speech.detectors import packaged_checksum
from tasks.speech.silero import open_probabilities
from tests.speech.annotated import MEETING, MEETING_MS, MEETING_TURNS_S


def no_weights(name: str):
    raise AssertionError(f"silero asked for {name}")


@pytest.fixture(scope="module")
def detect():
    return open_detector("silero", Speech(), no_weights)


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    return np.random.default_rng(0).normal(0, level, int(seconds * 16_000)).astype(np.float32)


@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros(0, np.float32),
        np.zeros(100, np.float32),
        np.zeros(48_000, np.float32),
        noise(3),
        np.sin(np.arange(48_000) * 0.2).astype(np.float32),
    ],
    ids=["empty", "shorter than a window", "silence", "noise", "tone"],
)
def test_no_speech(detect, waveform):
    assert detect(waveform) == []


@pytest.mark.parametrize("bad", [np.zeros((2, 512), np.float32), np.full(512, np.nan, np.float32)])
def test_unusable_waveforms_are_errors(detect, bad):
    with pytest.raises(AnalysisError):
        detect(bad)


def test_unknown_name_lists_what_exists():
    with pytest.raises(RecipeError, match=r"'webrtc' is not available.*silero, pyannote"):
        open_detector("webrtc", Speech(), no_weights)
    with pytest.raises(RecipeError, match="silero"):
        packaged_checksum("nothing")


def test_speech_of_a_meeting_as_people_annotated_it(shared_data, detect):
    """Little is found where nobody speaks; asides far from the microphone are lost."""
    waveform = read_waveform(shared_data / MEETING)
    truth, found = np.zeros(MEETING_MS, bool), np.zeros(MEETING_MS, bool)
    for start_s, end_s, _ in MEETING_TURNS_S:
        truth[round(start_s * 1000) : round(end_s * 1000)] = True
    for interval in detect(waveform):
        found[interval.start_ms : interval.end_ms] = True
    assert (truth & found).sum() / found.sum() >= 0.98
    assert (truth & found).sum() / truth.sum() >= 0.68


def test_speech_is_found_where_it_was_put(shared_data, detect):
    speech = read_waveform(shared_data / "audio/speech/jfk.flac")[:32_000]
    quiet = noise(2, 0.001)
    (only,) = detect(np.concatenate([quiet, speech, quiet]))
    assert abs(only.start_ms - 2_000) < 500
    assert abs(only.end_ms - 4_000) < 300
    assert only.score > 0.8


def test_blocks_do_not_show_in_the_probabilities(shared_data):
    """A waveform longer than one call's 512 windows has the same scores as its beginning alone."""
    speech = np.tile(read_waveform(shared_data / "audio/speech/jfk.flac"), 2)
    probabilities = open_probabilities()
    cut = 512 * 400
    np.testing.assert_array_equal(probabilities(speech)[:400], probabilities(speech[:cut]))


def test_works_without_torch_and_without_importing_the_package(shared_data):
    program = """
import sys, json
sys.modules["torch"] = None
from schemas.sections import Speech
from tasks.speech.silero import open_silero
import numpy as np
detect = open_silero(Speech())
found = detect(np.zeros(16000, np.float32))
print(json.dumps([found, "silero_vad" in sys.modules]))
"""
    root = Path(__file__).resolve().parents[2]
    out = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert json.loads(out.stdout) == [[], False]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["audio/speech/jfk.flac", "audio/speech/pyannote_trn00.wav", "videos/voiceover/slides_lecture_122s.mp4"],
)
def test_same_intervals_as_silero_itself(shared_data, detect, name):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("silero_vad's own package needs torch, which is not installed")
    import silero_vad
    import torch

    waveform = read_waveform(shared_data / name)
    model = silero_vad.load_silero_vad(onnx=True)
    theirs = silero_vad.get_speech_timestamps(torch.from_numpy(waveform), model, sampling_rate=16_000)
    ours = detect(waveform)
    assert len(ours) == len(theirs) > 0
    for mine, other in zip(ours, theirs, strict=True):
        assert abs(mine.start_ms - other["start"] / 16) <= 32
        assert abs(mine.end_ms - other["end"] / 16) <= 32
