"""mn04 with its real weights: they load strictly, and known sounds get their classes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import ModelCorrupt, RecipeError
from tasks.media import read_waveform
from tasks.sounds import open_tagger
from tasks.sounds.efficientat import SAMPLE_RATE, mel_bands

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


@pytest.fixture(scope="module")
def tagger(shared_data):
    return open_tagger("mn04", lambda name: shared_data / "weights" / f"{name}_as_mAP_432.pt")


def best(tagger, waveform: np.ndarray) -> str:
    return tagger.names[int(tagger.tag(waveform[None])[0].argmax())]


@needs_torch
@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("audio/speech/jfk.flac", "Speech"),
        ("videos/music/vta-ldm__-BAKe6QGTUk_000030.mp4", "Music"),
        ("videos/impact/vas_fireworks_02997.mp4", "Fireworks"),
        ("videos/vehicle/difffoley_car.mp4", "Vehicle"),
        ("audio/esc50/4-165791-A-45.flac", "Train"),
    ],
)
def test_known_sounds(tagger, shared_data, file, name):
    assert best(tagger, read_waveform(shared_data / file, SAMPLE_RATE)[: 10 * SAMPLE_RATE]) == name


@needs_torch
@pytest.mark.slow
def test_scores_are_those_of_the_public_code(tagger):
    """Recorded from EfficientAT's own front end and network, on a sound that a formula makes."""
    t, places = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE, np.arange(2 * SAMPLE_RATE)
    swelling_sweep = np.sin(2 * np.pi * (300 * t + 400 * t**2)) * (1 + np.sin(2 * np.pi * 4 * t))
    waveform = 0.3 * swelling_sweep + 0.02 * np.sin(12.9898 * places.astype(np.float64) ** 2)
    scores = dict(zip(tagger.names, tagger.tag(waveform[None].astype(np.float32))[0], strict=True))
    recorded = {
        "Music": 0.462671,
        "Musical instrument": 0.134542,
        "Synthesizer": 0.120274,
        "Electronic music": 0.058624,
        "Sampler": 0.039334,
        "Speech": 0.025399,
        "Theremin": 0.025182,
        "Keyboard (musical)": 0.022599,
    }
    assert {name: scores[name] for name in recorded} == pytest.approx(recorded, abs=1e-5)
    assert sum(scores.values()) == pytest.approx(1.54940, abs=1e-3)


@needs_torch
@pytest.mark.slow
def test_scores_do_not_depend_on_the_batch(tagger, shared_data):
    speech = read_waveform(shared_data / "audio/speech/jfk.flac", SAMPLE_RATE)
    chunks = np.stack([speech[i * 9_000 :][:64_000] for i in range(20)])
    together = tagger.tag(chunks)
    assert together.shape == (20, 527)
    assert np.array_equal(together, tagger.tag(chunks))
    np.testing.assert_allclose(together, np.concatenate([tagger.tag(one[None]) for one in chunks]), atol=1e-4)


@needs_torch
@pytest.mark.slow
def test_very_short_chunks_are_filled_up(tagger):
    assert np.isfinite(tagger.tag(np.zeros((1, 10), np.float32))).all()


@needs_torch
@pytest.mark.slow
def test_other_weights_are_refused(tmp_path):
    import torch

    for content in ({"features.0.0.weight": torch.zeros(3)}, [1, 2]):
        file = tmp_path / "mn04.pt"
        torch.save(content, file)
        with pytest.raises(ModelCorrupt, match="state dict"):
            open_tagger("mn04", lambda name, file=file: file)


def test_opening_the_registry_does_not_import_torch():
    program = "import sys, tasks.sounds; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).resolve().parents[2], check=True)


def test_without_torch_it_says_what_to_do(tmp_path):
    program = """
import sys
sys.modules["torch"] = None
from schemas.errors import ModelMissing
from tasks.sounds import open_tagger
try:
    open_tagger("mn04", lambda name: None)
except ModelMissing as error:
    print(error)
"""
    root = Path(__file__).resolve().parents[2]
    out = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert "needs torch" in out.stdout
    assert "spectral" in out.stdout


def test_unknown_tagger_lists_what_exists():
    with pytest.raises(RecipeError, match=r"'yamnet' is not available.*beats, ast, mn04, spectral"):
        open_tagger("yamnet", lambda name: Path(name))


def test_mel_bands_are_triangles_side_by_side():
    bands = mel_bands()
    assert bands.shape == (128, 513)
    assert bands.min() == 0 and bands.max() <= 1
    # Wherever two neighbours overlap they add up to one; above 15 kHz nothing is heard.
    hertz = np.arange(513) * 31.25
    inner = (hertz > 200) & (hertz < 14_500)
    np.testing.assert_allclose(bands.sum(0)[inner], 1, atol=1e-5)
    assert not bands[:, hertz > 15_000].any()
