"""Scores in segments: each segment is judged on its own, and all lengths count the same."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.speakers.segments import DURATIONS_SECONDS, segment_scores

torch = pytest.importorskip("torch", reason="the networks need the extra 'light' (torch)")

from tasks.speakers import light_asd, lr_asd  # noqa: E402
from tests.speakers.formula_weights import formula_state, light_asd_shapes, scattered  # noqa: E402


@pytest.fixture(scope="module", params=["lr-asd", "light-asd"])
def network(request, tmp_path_factory):
    if request.param == "lr-asd":
        return lr_asd.load(request.getfixturevalue("shared_data") / "weights/lrasd_pretrain_AVA.model")
    path = tmp_path_factory.mktemp("segments") / "weights.model"
    torch.save(formula_state(light_asd_shapes()), path)
    return light_asd.load(path)


def embeddings(frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.from_numpy(scattered(frames * 128, salt).reshape(frames, 128)) for salt in (1, 2))


@pytest.mark.parametrize("frames", [1, 25, 26, 160])
def test_scores_are_the_mean_over_segments_of_all_lengths(network, frames):
    heard, seen = embeddings(frames)
    expected = np.zeros(frames)
    for seconds in DURATIONS_SECONDS:
        for start in range(0, frames, 25 * seconds):
            here = slice(start, min(start + 25 * seconds, frames))
            expected[here] += network.judge(heard[here][None], seen[here][None])[0] / len(DURATIONS_SECONDS)
    np.testing.assert_allclose(segment_scores(network, heard, seen), expected, atol=1e-4)
