"""SyncNet gives the public code's numbers, slides without a difference, and has the sign right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ModelCorrupt
from tasks.speakers import syncnet

torch = pytest.importorskip("torch", reason="SyncNet needs the extra 'light' (torch)")

from tests.speakers.formula_weights import formula_state, scattered, syncnet_shapes  # noqa: E402

FRAMES = 9
WINDOWS = FRAMES - 4
SHIFT = 3

SEEN = [[0.186913, 1.525558, 0.979432, -1.512759], [0.300369, 1.875789, 0.541307, -1.575239]]
HEARD = [[0.176876, -1.064759, -3.357612, -0.186656], [0.151311, -0.893082, -2.963294, -0.395927]]
"""Of the first and the last window, every 341st number, from the public SyncNetModel.py (torch 2.13, CPU)."""

DISTANCES = [
    [58.62094, 59.47583, 59.977352, 87.72728, 84.7037],
    [58.62094, 59.47583, 87.73156, 85.25658, 84.71743],
    [58.62094, 87.5706, 85.29689, 85.31528, 84.07163],
    [86.99161, 85.164024, 85.3694, 84.656975, 84.07817],
    [84.58414, 85.24621, 84.73946, 84.688034, 58.901314],
    [84.68139, 84.55354, 84.69728, 59.654667, 58.901314],
    [84.00864, 84.58047, 59.977352, 59.654667, 58.901314],
]
"""From the public calc_pdist with vshift 3; its rows begin with the greatest offset."""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("syncnet") / "syncnet.model"
    torch.save(formula_state(syncnet_shapes()), path)
    loaded = syncnet.load(path)
    path.unlink()
    return loaded


def crops(frames: int = FRAMES) -> np.ndarray:
    levels = scattered(frames * 224 * 224 * 3, 1) * 128 + 128
    return levels.clip(0, 255).astype(np.uint8).reshape(frames, 224, 224, 3)


def cepstra(frames: int = FRAMES) -> np.ndarray:
    return scattered(4 * frames * 13, 2).reshape(-1, 13) * 30


def test_embeddings_and_distances_are_those_of_the_public_code(network):
    seen, heard = network.see(crops()), network.hear(cepstra())
    assert seen.shape == heard.shape == (WINDOWS, 1024)
    assert seen.dtype == heard.dtype == torch.float32
    np.testing.assert_allclose(seen[[0, -1], ::341], SEEN, atol=1e-4)
    np.testing.assert_allclose(heard[[0, -1], ::341], HEARD, atol=1e-4)
    apart = syncnet.distances(seen, heard, SHIFT)
    assert apart.dtype == np.float32
    np.testing.assert_allclose(apart[::-1], DISTANCES, atol=1e-4)


def test_the_lip_tower_slides_as_windows_of_five_would(network, monkeypatch):
    film = crops()
    windows = torch.cat([network.see(film[start : start + 5]) for start in range(WINDOWS)])
    whole = network.see(film)
    monkeypatch.setattr(syncnet, "_PIECE_FRAMES", 2)
    for slid in (whole, network.see(film)):
        torch.testing.assert_close(slid, windows, atol=1e-4, rtol=1e-5)


def test_each_window_of_sound_is_heard_on_its_own(network, monkeypatch):
    sound = cepstra()
    windows = torch.cat([network.hear(sound[4 * n : 4 * n + 20]) for n in range(WINDOWS)])
    monkeypatch.setattr(syncnet, "_SOUND_BATCH", 2)
    torch.testing.assert_close(network.hear(sound), windows, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("frames", [0, 1, 4])
def test_what_is_shorter_than_a_window_has_no_embedding(network, frames):
    assert network.see(crops(frames)).shape == (0, 1024)
    assert network.hear(cepstra(frames)).shape == (0, 1024)


@settings(max_examples=40, deadline=None)
@given(st.integers(-12, 12), st.integers(0, 1000), st.booleans())
def test_sound_that_is_early_has_a_positive_offset(early, seed, padded):
    """The sound of picture window t is in sound window t − early."""
    source = torch.from_numpy(np.random.default_rng(seed).normal(size=(100, 32)).astype(np.float32))
    seen, heard = source[20:80], source[20 + early : 80 + early]
    found = syncnet.synchrony(syncnet.distances(seen, heard, 15, padded=padded))
    assert found.offset_frames == early
    assert found.confidence > 0.5
    if not padded:
        assert found.least_distance < 1e-3


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(-10, 10), st.integers(0, 6))
def test_distances_beyond_the_sound_are_to_zero_or_unknown(
    seen_windows, heard_windows, start_frame, max_shift
):
    random = np.random.default_rng(seen_windows)
    seen, heard = (
        torch.from_numpy(random.normal(size=(n, 8)).astype(np.float32)) for n in (seen_windows, heard_windows)
    )
    with_zeros = syncnet.distances(seen, heard, max_shift, start_frame)
    known = syncnet.distances(seen, heard, max_shift, start_frame, padded=False)
    for offset in range(-max_shift, max_shift + 1):
        for window in range(seen_windows):
            row, at = max_shift + offset, start_frame + window - offset
            there = 0 <= at < heard_windows
            expected = (seen[window] - (heard[at] if there else 0)).norm()
            assert with_zeros[row, window] == pytest.approx(float(expected), abs=1e-4)
            assert np.isnan(known[row, window]) != there


def test_a_tracks_sound_within_the_clip_needs_no_padding(network):
    sound = cepstra(20)
    inside = syncnet.distances(network.see(crops()), network.hear(sound), SHIFT, start_frame=5, padded=False)
    assert np.isfinite(inside).all()


@pytest.mark.parametrize("seen_windows", [20, 60])
def test_zeros_beyond_the_ends_make_far_offsets_look_closer(seen_windows):
    """Why there is a mean without padding: of strangers, no offset is closer than another."""
    random = np.random.default_rng(0)
    seen, heard = (
        torch.from_numpy(random.normal(size=(seen_windows, 256)).astype(np.float32)) for _ in range(2)
    )
    for padded in (True, False):
        means = np.nanmean(syncnet.distances(seen, heard, 15, padded=padded), axis=1)
        fall = means[15] - means[[0, -1]].mean()
        assert (fall > 0.5) if padded else (abs(fall) < 0.5)


def test_confidences_are_the_medians_less_the_distances():
    apart = np.full((7, 12), 10.0, np.float32)
    apart[5, :] = 4.0
    apart[5, 6] = 9.0  # one window that does not fit, which the median over 9 takes away
    found = syncnet.synchrony(apart)
    assert found.offset_frames == 2
    assert found.least_distance == pytest.approx(4 + 5 / 12)
    assert found.confidence == pytest.approx(6 - 5 / 12)
    assert found.frame_confidences.shape == (12,)
    np.testing.assert_allclose(found.frame_confidences[1:-1], 6)


def test_nothing_to_compare_is_refused():
    with pytest.raises(ValueError, match="without any"):
        syncnet.synchrony(np.full((7, 3), np.nan))
    with pytest.raises(ValueError, match="without any"):
        syncnet.synchrony(np.zeros((7, 0)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"netcnnlip.0.weight": None}, "no entry 'netcnnlip.0.weight'"),
        (
            {"netfcaud.3.bias": torch.zeros(512)},
            r"netfcaud.3.bias has the shape \(512,\) instead of \(1024,\)",
        ),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, change, says):
    state = {name: torch.zeros(shape) for name, shape in syncnet_shapes().items()} | change
    path = tmp_path / "weights.model"
    torch.save({name: tensor for name, tensor in state.items() if tensor is not None}, path)
    with pytest.raises(ModelCorrupt, match=says):
        syncnet.load(path)
    path.unlink()
