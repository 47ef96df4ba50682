"""The network gives the public code's numbers, in pieces as in one go."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from schemas.errors import ModelCorrupt, ModelMissing
from tasks.speakers import lr_asd
from tasks.speakers.mfcc import mfcc

torch = pytest.importorskip("torch", reason="LR-ASD needs the extra 'light' (torch)")

FIRST_CEPSTRA = [22.16651, -36.533159, -9.303396, -8.858128, -1.284136, -6.948773, -2.032613]
"""Of the noise below, from python_speech_features 0.6."""

SCORES = {0: -2.750584, 5: -3.809085, 10: -4.014207, 20: -3.919384, 29: -2.966944}
"""Of the noise below, by frame, from the public LR-ASD code with its AVA weights (torch 2.13, CPU)."""


@pytest.fixture(scope="module")
def network(shared_data):
    return lr_asd.load(shared_data / "weights/lrasd_pretrain_AVA.model")


def noise(frames: int = 30) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    crops = random.integers(0, 256, (frames, 112, 112), dtype=np.uint8)
    samples = np.round(random.normal(0, 0.1, frames * 640) * 32768)
    return crops, np.concatenate((samples, np.zeros(240))).astype(np.float32) / 32768


def test_cepstra_are_those_of_python_speech_features():
    found = mfcc(noise()[1], 120)
    assert found.shape == (120, 13) and found.dtype == np.float32
    np.testing.assert_allclose(found[0, :7], FIRST_CEPSTRA, atol=1e-4)


def test_cepstra_beyond_the_sound_are_those_of_silence():
    found = mfcc(np.ones(160, np.float32), 40)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[10:], np.repeat(found[10:11], 30, axis=0))


def test_scores_are_those_of_the_public_code(network):
    crops, waveform = noise()
    scores = network.judge(network.hear(mfcc(waveform, 120))[None], network.see(crops)[None])[0]
    np.testing.assert_allclose(scores[list(SCORES)], list(SCORES.values()), atol=1e-4)


def test_a_long_track_gives_the_same_in_pieces_as_in_one_go(network, monkeypatch):
    crops, _ = noise(90)
    whole = network.see(crops)
    monkeypatch.setattr(lr_asd, "_PIECE_FRAMES", 25)
    torch.testing.assert_close(network.see(crops), whole, atol=1e-4, rtol=1e-4)


def test_frames_beyond_a_pairs_length_change_nothing(network):
    crops, waveform = noise()
    heard, seen = network.hear(mfcc(waveform, 120)), network.see(crops)
    alone = network.judge(heard[None, :12], seen[None, :12])[0]
    batch = network.judge(torch.stack((heard, heard)), torch.stack((seen, seen)), np.array([12, 30]))
    np.testing.assert_allclose(batch[0, :12], alone, atol=1e-5)
    np.testing.assert_allclose(batch[1], network.judge(heard[None], seen[None])[0], atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04 broken"])
def test_a_broken_file_says_what_to_do(tmp_path, content):
    (tmp_path / "weights.model").write_bytes(content)
    with pytest.raises(ModelCorrupt, match="clapper models pull lr-asd"):
        lr_asd.load(tmp_path / "weights.model")


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    torch.save({"layer.weight": torch.zeros(3)}, tmp_path / "weights.model")
    with pytest.raises(ModelCorrupt):
        lr_asd.load(tmp_path / "weights.model")


def test_without_torch_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelMissing, match=r"clapper-av\[light\]"):
        lr_asd.load(tmp_path / "weights.model")
