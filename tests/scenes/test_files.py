"""Clips as files: flashes and beeps, contacts and their sounds, bytes that repeat."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from schemas.errors import MediaError
from tasks.scenes import broadcast, flash_and_beep, render, truth
from tasks.scenes.action import contacts, hammer
from tasks.scenes.scene import Scene, Source
from tests.scenes.reading import pictures, sound

FORMATS = [
    ("mp4", 25, 48_000, 0.0),
    ("mkv", Fraction(30000, 1001), 44_100, 0.0),
    ("mov", Fraction(60000, 1001), 22_050, 0.0),
    ("webm", 24, 48_000, 0.003),
]


@pytest.mark.parametrize(("suffix", "fps", "sample_rate", "lead_s"), FORMATS)
def test_flashes_and_beeps_lie_where_they_were_asked_for(tmp_path, suffix, fps, sample_rate, lead_s):
    path = tmp_path / f"clip.{suffix}"
    shown = flash_and_beep(path, 4, fps, sample_rate, [1.0, 2.345], beeps_s=[0.9, 2.345])
    light = [(time_s, grey.mean() > 128) for time_s, grey in pictures(path, 0, 9, "gray")]
    flashes = [b[0] for a, b in itertools.pairwise(light) if b[1] and not a[1]]
    waveform, rate = sound(path)
    loud = np.flatnonzero(np.abs(waveform) > 0.2) / rate
    beeps = loud[np.flatnonzero(np.diff(loud, prepend=-1) > 0.2)]
    # Matroska and WebM keep whole milliseconds.
    assert flashes == pytest.approx([time_s + lead_s for time_s in shown], abs=0.0006)
    assert all(0 <= time_s - asked < 1 / fps for time_s, asked in zip(shown, [1.0, 2.345], strict=True))
    assert beeps == pytest.approx([0.9 + lead_s, 2.345 + lead_s], abs=0.001)
    assert len(light) == -(-4 * Fraction(fps) // 1)


def small(
    kind: str, container: str = "mp4", rate: Fraction = Fraction(25), sample_rate: int = 48_000
) -> Source:
    scenes = (Scene("tone", 500, 1), Scene(kind, 5000, 8))
    return replace(
        broadcast()[0], name=kind, container=container, width=640, height=360, frame_rate=rate,
        sample_rate=sample_rate, scenes=scenes,
    )  # fmt: skip


def touch(kind: str, picture: np.ndarray) -> float:
    """How far things are from touching: the ball's height, or the gap between the hands, px."""
    if kind == "bounce":
        red, green = picture[:, :, 2].astype(int), picture[:, :, 1].astype(int)
        return -float(np.flatnonzero(((red - green) > 62).any(axis=1)).max())
    row = picture[round(0.42 * picture.shape[0])].astype(int)
    skin = np.flatnonzero(row[:, 2] > row[:, 0] + 40)
    return float(np.diff(skin).max())


@pytest.mark.parametrize(
    ("kind", "container", "rate", "sample_rate"),
    [
        ("bounce", "mp4", Fraction(50), 44_100),
        ("bounce", "mov", Fraction(60000, 1001), 22_050),
        ("bounce", "mkv", Fraction(30), 48_000),
        ("claps", "mkv", Fraction(30), 48_000),
        ("claps", "mp4", Fraction(50), 44_100),
    ],
)
def test_contact_in_the_picture_and_onset_in_the_sound_agree(tmp_path, kind, container, rate, sample_rate):
    """The instant of contact lies where the way down and the way up, each drawn on, meet."""
    source = small(kind, container, rate, sample_rate)
    path = render(source, tmp_path)
    seen = [(time_s, touch(kind, picture)) for time_s, picture in pictures(path, 0.5, 9)]
    times, distance = np.array([s[0] for s in seen]), np.array([s[1] for s in seen])
    waveform, file_rate = sound(path)
    events = truth(source).events
    assert len(events) >= 5
    for event in events:
        at_s = event.time_ms / 1000
        near = np.abs(waveform[round((at_s - 0.1) * file_rate) : round((at_s + 0.1) * file_rate)])
        onset_s = at_s - 0.1 + np.flatnonzero(near > 0.3)[0] / file_rate
        fits = []
        for low, high in ((-0.13, -0.01), (0.01, 0.13)):
            part = (times > at_s + low) & (times < at_s + high)
            fits.append(np.polyfit(times[part] - at_s, distance[part], 2 if part.sum() > 3 else 1))
        grid = np.linspace(-0.06, 0.06, 2401)
        gap = np.polyval(fits[0], grid) - np.polyval(fits[1], grid)
        contact_s = at_s + grid[np.flatnonzero(np.diff(np.sign(gap)))[0]]
        assert onset_s == pytest.approx(at_s, abs=0.002)
        assert abs(contact_s - onset_s) <= 0.5 / rate


def test_the_hammer_is_down_at_each_contact():
    times = contacts("hammer", 6000, 4)
    paint = hammer(times, 6000, 640, 360)

    def handle_y(time_s: float) -> float:
        picture = paint(time_s)[: round(360 * 0.70)].astype(int)
        return float(np.argwhere(picture[:, :, 2] - picture[:, :, 0] > 90)[:, 0].mean())

    for time_ms in times:
        around = np.arange(time_ms - 60, time_ms + 61, 2)
        heights = [handle_y(t / 1000) for t in around]
        assert abs(around[int(np.argmax(heights))] - time_ms) <= 10


def test_rendering_twice_gives_the_same_bytes_and_reports_progress(tmp_path):
    calls = []
    for source in (small("claps"), small("music", "webm")):
        one = render(source, tmp_path / "one", lambda *call: calls.append(call))
        two = render(source, tmp_path / "two")
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (one, two)]
        assert digests[0] == digests[1]
        assert calls[-1] == (source.name, source.frames, source.frames)
        assert [path.name for path in (tmp_path / "one").iterdir()].count(one.name) == 1
    assert not [path for path in (tmp_path / "one").iterdir() if path.name.startswith(".")]


def test_an_unknown_container_is_refused_before_any_work(tmp_path):
    with pytest.raises(MediaError, match="suffix '.avi' is none of"):
        flash_and_beep(tmp_path / "clip.avi", 1, 25, 16_000, [0.5])
    with pytest.raises(MediaError, match="321x180 px is odd"):
        flash_and_beep(tmp_path / "clip.mp4", 1, 25, 16_000, [0.5], size=(321, 180))
    assert not list(tmp_path.iterdir())
