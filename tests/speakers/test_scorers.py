"""Scorers over a made-up network: what is compared, what is left out at the edges, and what is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="networks need the extra 'light' (torch)")

from schemas.errors import RecipeError  # noqa: E402
from tasks.speakers.calibration import Metric  # noqa: E402
from tasks.speakers.profile import peak, share_at_zero  # noqa: E402
from tasks.speakers.scorers import Hearing, Watched, hear, match_profile, open_scorer, watch, weigh  # noqa: E402

SHIFT, FRAMES = 25, 150
IDENTITY = Metric(np.eye(4), np.eye(4))


class Echo:
    """A network that sees the brightness of four stripes, hears given numbers, and judges by their product."""

    def __init__(self, heard: np.ndarray) -> None:
        self._heard = torch.from_numpy(heard)

    def see(self, crops):
        return torch.from_numpy(crops[:, ::28, 0].astype(np.float32))

    def hear(self, cepstra):
        assert cepstra.shape == (4 * len(self._heard), 13)
        return self._heard

    def judge(self, heard, seen, lengths=None):
        return (heard * seen).sum(dim=2).numpy()


def film(early: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Crops (FRAMES, 112, 112) whose stripes show what is heard, and what is heard (FRAMES, 4), so much earlier."""
    noise = np.random.default_rng(seed).integers(0, 256, (FRAMES + 64, 4))
    signal = np.lib.stride_tricks.sliding_window_view(noise, 5, axis=0).mean(axis=2).astype(int)
    crops = np.repeat(signal[30 : 30 + FRAMES], 28, axis=1)[:, :, None].repeat(112, axis=2).astype(np.uint8)
    return crops, signal[30 + early : 30 + early + FRAMES].astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(st.integers(-20, 20), st.integers(0, 1000))
def test_sound_that_is_early_has_a_positive_offset(early, seed):
    crops, heard = film(early, seed)
    network = Echo(heard)
    hearing = hear(network, np.zeros(640 * FRAMES, np.float32), FRAMES)
    watched = watch(network, hearing, crops, 0, SHIFT)
    evidence = weigh(watched, hearing, (30, 105), SHIFT, IDENTITY)
    assert peak(evidence.profile)[0] == pytest.approx(early, abs=1)
    assert len(evidence.frame_scores) == 75
    # A peak at the edge of what counts as no offset has a foot on either side of it.
    assert (evidence.features[2] > 0.5) == (abs(early) <= 2)
    assert abs(early) > 1 or evidence.features[2] > 0.9


def test_edges_of_track_and_clip_are_not_compared():
    """Whatever stands in the first and last frames of both, it makes no face fit a sound."""
    random = np.random.default_rng(5)
    seen, heard = (random.normal(size=(FRAMES, 4)) for _ in range(2))
    plain = match_profile(_watched(seen), Hearing(np.zeros(FRAMES), heard), (0, FRAMES), SHIFT, IDENTITY)
    for part in (slice(0, 6), slice(-6, None)):
        seen[part], heard[part] = 50, 50
    marked = match_profile(_watched(seen), Hearing(np.zeros(FRAMES), heard), (0, FRAMES), SHIFT, IDENTITY)
    np.testing.assert_allclose(marked, plain)


def test_a_track_too_short_to_compare_gives_finite_evidence():
    crops, heard = film(0, 1)
    network = Echo(heard)
    hearing = hear(network, np.zeros(640 * FRAMES, np.float32), FRAMES)
    evidence = weigh(watch(network, hearing, crops[:20], 40, SHIFT), hearing, (40, 60), SHIFT, IDENTITY)
    assert peak(evidence.profile)[1] > 0  # the network alone has judged
    assert np.isfinite(evidence.features).all()
    assert evidence.features[2] == share_at_zero(np.full(51, np.nan))


def test_an_unknown_scorer_names_those_that_exist():
    with pytest.raises(RecipeError, match="lr-asd, light-asd"):
        open_scorer("oracle", lambda name: pytest.fail(f"asked for weights of {name}"), SHIFT)


def _watched(seen: np.ndarray) -> Watched:
    return Watched(0, np.zeros(len(seen)), seen, np.zeros((2 * SHIFT + 1, len(seen))))
