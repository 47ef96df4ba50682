"""Light-ASD gives the public code's numbers, in pieces as in one go."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.errors import ModelCorrupt
from tasks.speakers import light_asd

torch = pytest.importorskip("torch", reason="Light-ASD needs the extra 'light' (torch)")

from tests.speakers.formula_weights import formula_state, light_asd_shapes, scattered  # noqa: E402

SCORES = [
    *(0.120146, 0.117571, -0.090274, -0.064596, -0.010859, 0.086304),
    *(0.241040, 0.187579, 0.166392, 0.160572, 0.207250, 0.334792),
]
"""From the public Light-ASD code with the weights by formula (torch 2.13, CPU)."""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("light-asd") / "weights.model"
    torch.save(formula_state(light_asd_shapes()), path)
    return light_asd.load(path)


def crops(frames: int) -> np.ndarray:
    levels = scattered(frames * 112 * 112, 1) * 128 + 128
    return levels.clip(0, 255).astype(np.uint8).reshape(frames, 112, 112)


def cepstra(frames: int) -> np.ndarray:
    return scattered(4 * frames * 13, 2).reshape(-1, 13) * 30


def test_the_public_state_dict_has_192_entries():
    assert len(light_asd_shapes()) == 192


def test_scores_are_those_of_the_public_code(network):
    heard, seen = network.hear(cepstra(12)), network.see(crops(12))
    assert heard.shape == seen.shape == (12, light_asd.EMBEDDING)
    np.testing.assert_allclose(network.judge(heard[None], seen[None])[0], SCORES, atol=1e-4)


def test_a_long_track_gives_the_same_in_pieces_as_in_one_go(network, monkeypatch):
    whole = network.see(crops(40))
    monkeypatch.setattr(light_asd, "_PIECE_FRAMES", 9)
    torch.testing.assert_close(network.see(crops(40)), whole, atol=1e-4, rtol=1e-4)


def test_frames_beyond_a_pairs_length_change_nothing(network):
    heard, seen = network.hear(cepstra(30)), network.see(crops(30))
    batch = network.judge(torch.stack((heard, heard)), torch.stack((seen, seen)), np.array([12, 30]))
    alone = network.judge(heard[None, :12], seen[None, :12])[0]
    np.testing.assert_allclose(batch[0, :12], alone, atol=1e-5)
    np.testing.assert_allclose(batch[1], network.judge(heard[None], seen[None])[0], atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04 broken"])
def test_a_broken_file_says_what_to_do(tmp_path, content):
    (tmp_path / "weights.model").write_bytes(content)
    with pytest.raises(ModelCorrupt, match="clapper models pull light-asd"):
        light_asd.load(tmp_path / "weights.model")


def test_the_checkpoint_of_lr_asd_is_refused(shared_data):
    with pytest.raises(ModelCorrupt, match=r"is no Light-ASD checkpoint: it has no entry 'model\."):
        light_asd.load(shared_data / "weights/lrasd_pretrain_AVA.model")


def test_an_entry_of_another_shape_is_named(tmp_path):
    state = formula_state(light_asd_shapes()) | {"lossAV.FC.weight": torch.zeros(2, 64)}
    torch.save(state, tmp_path / "weights.model")
    with pytest.raises(ModelCorrupt, match=r"lossAV.FC.weight has the shape \(2, 64\) instead of \(2, 128\)"):
        light_asd.load(tmp_path / "weights.model")
