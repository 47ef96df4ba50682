"""Windows: an event of a clip is where it was, less the window's start; no picture is encoded twice without need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import MediaError
from schemas.sections import Media
from tasks.media import normalize, read_frames, read_waveform
from tasks.media.check import check_file
from tasks.releases.formats.windows import SHORT_SIDE, Window, cut_windows, windows_of
from tasks.scenes.flash import flash_and_beep

EVENTS_S = tuple(1.0 + 1.92 * number for number in range(15))


def made(
    folder: Path, short_side: int, events_s: tuple[float, ...] = EVENTS_S
) -> tuple[Path, tuple[int, int]]:
    """A clip of 29.04 s, and its size."""
    folder.mkdir(exist_ok=True)
    flash_and_beep(folder / "source.mkv", 29.04, 25, 48_000, EVENTS_S, beeps_s=events_s, size=(64, 64))
    media = Media(short_side=f"{short_side} px", crf=30, preset="ultrafast")
    clip = normalize(folder / "source.mkv", None, media, folder, name=lambda start, end: f"{end}.mp4").clips[
        0
    ]
    return clip.path, (clip.width, clip.height)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[int, int]]:
    return made(tmp_path_factory.mktemp("clip"), SHORT_SIDE)


@pytest.mark.parametrize(
    ("duration_ms", "windows"),
    [
        (8_960, []),
        (9_000, [(0, 9_000)]),
        (10_000, [(0, 10_000)]),
        (18_960, [(0, 10_000)]),
        (19_040, [(0, 10_000), (10_000, 19_040)]),
    ],
)
def test_the_windows_of_a_clip(duration_ms: int, windows: list[tuple[int, int]]) -> None:
    assert [(window.start_ms, window.end_ms) for window in windows_of(duration_ms)] == windows


@given(st.integers(0, 10_000).map(lambda frames: frames * 40))
def test_windows_follow_each_other_and_what_remains_is_short(duration_ms: int) -> None:
    windows = windows_of(duration_ms)
    edges = [0, *(window.end_ms for window in windows)]
    assert [window.start_ms for window in windows] == edges[:-1]
    assert all(9_000 <= window.end_ms - window.start_ms <= 10_000 for window in windows)
    assert 0 <= duration_ms - edges[-1] < 9_000


def events_of(file: Path) -> list[int]:
    check = check_file(file)
    assert check.passed, check.problems
    assert abs(check.events.largest_ms) <= 2
    return [pair.flash_ms for pair in check.events.pairs]


def expected(window: Window) -> list[int]:
    times = (round(time_s * 1000) - window.start_ms for time_s in EVENTS_S)
    # An event at the very edge has no dark before it or is cut off.
    return [time_ms for time_ms in times if 200 <= time_ms < window.end_ms - window.start_ms - 200]


@pytest.mark.parametrize("short_side", [SHORT_SIDE, 48])
def test_events_are_where_they_were(tmp_path: Path, short_side: int) -> None:
    file, size = made(tmp_path / "clip", short_side)
    windows = windows_of(29_040)
    targets = [tmp_path / f"{number}.mp4" for number in range(len(windows))]
    assert cut_windows(file, size, windows, targets) == [None] * 3
    for window, target in zip(windows, targets, strict=True):
        assert [time for time in events_of(target) if time >= 200] == expected(window)
        facts = check_file(target).facts
        assert (facts.frames, facts.samples) == (window.frames, window.frames * 640)
    with_frames = next(read_frames(targets[0])).frames
    assert min(with_frames.shape[1:3]) == SHORT_SIDE


def test_pictures_are_the_clips_own(clip: tuple[Path, tuple[int, int]], tmp_path: Path) -> None:
    windows = windows_of(29_040)
    targets = [tmp_path / f"{number}.mp4" for number in range(3)]
    cut_windows(*clip, windows, targets)
    whole = np.concatenate([batch.frames for batch in read_frames(clip[0], colour="gray")])
    parts = [np.concatenate([batch.frames for batch in read_frames(file, colour="gray")]) for file in targets]
    assert np.array_equal(np.concatenate(parts), whole)
    sound = read_waveform(clip[0])
    heard = np.concatenate([read_waveform(file) for file in targets])
    assert heard.shape == sound.shape
    assert np.corrcoef(heard, sound)[0, 1] > 0.995


def test_a_clip_that_is_a_window_is_copied(tmp_path: Path) -> None:
    flash_and_beep(tmp_path / "source.mkv", 9.4, 25, 48_000, EVENTS_S[:4], size=(96, 64))
    clip = normalize(
        tmp_path / "source.mkv", None, Media(crf=30), tmp_path, name=lambda *span: "clip.mp4"
    ).clips[0]
    cut_windows(clip.path, (clip.width, clip.height), windows_of(clip.duration_ms), [tmp_path / "0.mp4"])
    assert (tmp_path / "0.mp4").read_bytes() == clip.path.read_bytes()


def test_a_silent_window_is_told_and_not_written(tmp_path: Path) -> None:
    file, size = made(tmp_path / "clip", SHORT_SIDE, events_s=(1.0, 2.92, 21.0))
    targets = [tmp_path / f"{number}.mp4" for number in range(3)]
    outcome = cut_windows(file, size, windows_of(29_040), targets)
    assert [each and each.reason for each in outcome] == [None, "silent", None]
    assert [target.exists() for target in targets] == [True, False, True]


def test_a_clip_without_key_frames_in_place_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    clip = tmp_path / "other.mp4"
    flash_and_beep(clip, 29.04, 24, 16_000, EVENTS_S, size=(320, SHORT_SIDE))
    targets = [tmp_path / f"{number}.mp4" for number in range(3)]
    with pytest.raises(MediaError, match="240 pictures from 0 ms on: 250 from a key frame are wanted"):
        cut_windows(clip, (320, SHORT_SIDE), windows_of(29_040), targets)
    assert not any(target.exists() for target in targets)


def test_the_same_window_gives_the_same_bytes(clip: tuple[Path, tuple[int, int]], tmp_path: Path) -> None:
    window = windows_of(29_040)[1:2]
    for name in ("a.mp4", "b.mp4"):
        cut_windows(*clip, window, [tmp_path / name])
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
