"""How much a sound swells and fades: noise that does not, noise in bursts, and real sounds of both kinds."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.conditions.sound import level_dbfs
from tasks.evidence.swing import steadiness, swing_db
from tasks.media import read_waveform

RATE = 16_000


def noise(seconds: float, seed: int = 1) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype(np.float32)


def bursts() -> np.ndarray:
    gate = np.arange(2 * RATE) % (RATE // 2) < RATE // 8
    return noise(2) * (0.001 + gate).astype(np.float32)


def test_noise_is_steady_and_bursts_are_not() -> None:
    assert swing_db(noise(2)) < 3
    assert swing_db(bursts()) > 40
    assert steadiness(swing_db(noise(2))) > 0.95
    assert steadiness(swing_db(bursts())) < 0.01


def test_silence_swings_by_nothing_and_has_no_level() -> None:
    silence = np.zeros(RATE, np.float32)
    assert swing_db(silence) == 0 and level_dbfs(silence) == -math.inf
    assert swing_db(silence[:100]) == 0 and level_dbfs(silence[:0]) == -math.inf


def test_the_level_of_noise() -> None:
    assert level_dbfs(noise(2)) == pytest.approx(-20, abs=0.1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100), st.floats(0.1, 1))
def test_a_sounds_swing_does_not_depend_on_its_level(seed: int, gain: float) -> None:
    """Above the floor, that is."""
    sound = noise(1, seed) * np.linspace(0.2, 1, RATE, dtype=np.float32)
    assert swing_db(sound * np.float32(gain)) == pytest.approx(swing_db(sound), abs=0.1)


@given(st.floats(0, 70), st.floats(0, 70))
def test_what_swings_more_is_less_steady(one: float, other: float) -> None:
    assert (steadiness(one) >= steadiness(other)) == (one <= other) or steadiness(one) == steadiness(other)


STEADY = {"rain", "sea_waves", "wind", "engine", "vacuum_cleaner", "helicopter", "airplane", "train"}
EVENTS = {"dog", "rooster", "door_wood_knock", "mouse_click", "sneezing", "footsteps", "clock_alarm"}


@pytest.mark.slow
def test_real_sounds(shared_data: Path) -> None:
    with (shared_data / "labels/esc.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["category"] in STEADY | EVENTS]
    found = [
        (steadiness(swing_db(read_waveform(shared_data / row["file"]))), row["category"]) for row in rows
    ]
    steady = [chance for chance, category in found if category in STEADY]
    events = [chance for chance, category in found if category in EVENTS]
    assert len(steady) == 16 and len(events) == 14
    assert np.mean([one > other for one in steady for other in events]) > 0.9
