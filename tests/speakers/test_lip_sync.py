"""SyncNet as a scorer: with made-up weights its distances mean nothing, but what is moved must move them."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="SyncNet needs the extra 'light' (torch)")

from tasks.speakers.lip_sync import open_lip_sync  # noqa: E402
from tests.speakers.formula_weights import formula_state, syncnet_shapes  # noqa: E402

FRAMES, MAX_SHIFT = 40, 8


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("weights") / "syncnet_v2.model"
    torch.save(formula_state(syncnet_shapes()), path)
    return open_lip_sync(path, MAX_SHIFT)


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (FRAMES, 224, 224, 3), np.uint8)


def sound(early_frames: int = 0) -> np.ndarray:
    """Noise that swells and fades; the same, coming so much earlier."""
    random = np.random.default_rng(2)
    whole = random.normal(0, 0.1, 640 * (FRAMES + 20)) * (1 + np.sin(np.arange(640 * (FRAMES + 20)) / 3000))
    first = 640 * (10 + early_frames)
    return whole[first : first + 640 * FRAMES].astype(np.float32)


def test_sound_that_comes_earlier_moves_the_profile_up(scorer, film) -> None:
    (still,), (moved,) = (scorer(sound(early), FRAMES)(film, 0, [(15, 25)]) for early in (0, 3))
    assert moved.profile[3:] == pytest.approx(still.profile[:-3], abs=1e-4)
    assert moved.profile != pytest.approx(still.profile, abs=1e-3)


def test_every_frame_has_a_score_and_windows_see_only_their_own(scorer, film) -> None:
    listen = scorer(sound(), FRAMES)
    whole, first, last = listen(film, 0, [(0, FRAMES), (0, 20), (20, FRAMES)])
    assert [len(one.frame_scores) for one in (whole, first, last)] == [FRAMES, 20, 20]
    (alone,) = listen(film[:20], 0, [(0, 20)])
    assert alone.features == pytest.approx(first.features, abs=1e-4)
    assert alone.profile == pytest.approx(first.profile, abs=1e-4, nan_ok=True)
    assert all(len(one.profile) == 2 * MAX_SHIFT + 1 and one.grey_levels > 0 for one in (whole, first, last))


def test_a_track_shorter_than_the_network_sees_tells_nothing(scorer, film) -> None:
    (found,) = scorer(sound(), FRAMES)(film[:3], 5, [(5, 8)])
    assert found.features == (0.0,) and np.isnan(found.profile).all()
