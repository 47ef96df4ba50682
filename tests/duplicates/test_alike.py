"""What is evidence, and what is not: stillness, hum, another sound, another picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from schemas.sections import Duplicates
from tasks.duplicates import Fingerprint, compare
from tests.duplicates.making import flipped, recording

RULES = Duplicates()
ONE, TWO = recording(1), recording(2)


def still(clip: Fingerprint, share: float = 0.0) -> Fingerprint:
    """The clip with its first picture throughout, some bits of which flicker."""
    return replace(clip, pictures=flipped(np.repeat(ONE.pictures[:1], len(clip.pictures), axis=0), share, 5))


def humming(clip: Fingerprint) -> Fingerprint:
    return replace(clip, sounds=np.full_like(clip.sounds, 627_964_279))


def with_sound_of(clip: Fingerprint, other: Fingerprint) -> Fingerprint:
    return replace(clip, sounds=other.sounds)


CASES = {
    "itself": (ONE, ONE, "both"),
    "another": (ONE, TWO, None),
    "another sound": (ONE, with_sound_of(ONE, TWO), "picture"),
    "another picture": (ONE, with_sound_of(TWO, ONE), "sound"),
    "one studio, two days": (still(ONE), still(TWO, 0.05), None),
    "one slide, the same words": (still(ONE), still(ONE), "both"),
    "two films over a hum": (humming(ONE), humming(TWO), None),
    "one studio and its hum": (humming(still(ONE)), humming(still(TWO, 0.05)), None),
    "one film over a hum": (humming(ONE), humming(ONE), "picture"),
    "a worn copy": (ONE, replace(ONE, pictures=flipped(ONE.pictures, 0.25, 3), video_id="x"), "both"),
    "as worn within one source": (ONE, replace(ONE, pictures=flipped(ONE.pictures, 0.25, 3)), "sound"),
    "a worn copy with another sound": (ONE, with_sound_of(still(ONE, 0.25), TWO), None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_pair(name: str) -> None:
    one, other, expected = CASES[name]
    match = compare(one, other, RULES)
    assert (match and match.kind) == expected


def test_a_clip_is_at_no_distance_from_itself() -> None:
    match = compare(ONE, ONE, RULES)
    assert (match.picture_distance, match.sound_distance, match.lag_ms) == (0, 0, 0)
    assert match.overlap_ms >= 7_000


@pytest.mark.parametrize(("shared", "found"), [(25, True), (10, False)])
def test_shared_footage_must_last(shared: int, found: bool) -> None:
    pictures = np.concatenate((ONE.pictures[20 : 20 + shared], TWO.pictures[shared:]))
    match = compare(ONE, replace(TWO, pictures=pictures), RULES)
    assert bool(match) == found
    if match:
        assert (match.lag_ms, match.kind) == (2_400, "picture")
        assert match.overlap_ms >= 2_000


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_too_short_to_tell(length: int) -> None:
    short = replace(
        ONE,
        pictures=ONE.pictures[:length], seen=ONE.seen[:length],
        sounds=ONE.sounds[: min(length, 1)], heard=ONE.heard[: min(length, 1)],
    )  # fmt: skip
    assert compare(ONE, short, RULES) is None
    assert compare(short, ONE, RULES) is None
