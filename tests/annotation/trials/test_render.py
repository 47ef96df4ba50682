"""What is made from clips: sound moved by just so much, another's sound as loud, excerpts in sync."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.trials.render import excerpt, replacing, shift, shifted, swap
from schemas.errors import Dropped, MediaError
from schemas.sections import Media
from schemas.units import OffsetMs
from tasks.conditions.loudness import loudness_of
from tasks.media import normalize, read_frames, read_waveform
from tasks.media.check import check_file
from tests.annotation.trials.making import MEDIA, flashing, murmuring, write_clip
from tests.media.making import beep_times

FLASHES = (1.68, 3.2, 4.8, 6.28)
MARGIN = 160
"""Samples in which the edge of a moved sound fades."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def flashes(folder: Path) -> Path:
    return flashing(folder / "flashes.mp4", FLASHES)


def beeps_ms(path: Path) -> list[float]:
    return [float(time * 1000) for time in beep_times(read_waveform(path), 16_000, level=0.1)]


# Shifted ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset_ms", [-800, -500, -120, 0, 40, 120, 500, 800])
@pytest.mark.parametrize("edges_ms", [None, 0, 800])
def test_beeps_come_earlier_by_the_offset(
    flashes: Path, tmp_path: Path, offset_ms: OffsetMs, edges_ms: int | None
) -> None:
    made = tmp_path / "made.mp4"
    shift(flashes, made, offset_ms, MEDIA, edges_ms)
    assert beeps_ms(made) == pytest.approx([time * 1000 - offset_ms for time in FLASHES], abs=2)


@pytest.mark.parametrize("offset_ms", [-480, -200, 0, 200, 480])
def test_a_stranger_measures_the_same_offset(flashes: Path, tmp_path: Path, offset_ms: OffsetMs) -> None:
    made = tmp_path / "made.mp4"
    shift(flashes, made, offset_ms, MEDIA)
    check = check_file(made)
    assert check.problems == ()
    assert check.events is not None
    assert len(check.events.pairs) == len(FLASHES)
    assert [pair.offset_ms for pair in check.events.pairs] == pytest.approx([offset_ms] * 4, abs=2)


def test_the_picture_of_every_offset_is_the_clips_own(flashes: Path, tmp_path: Path) -> None:
    own = check_file(flashes).facts.frames_xxh3
    for offset_ms in (-800, 0, 800):
        shift(flashes, tmp_path / f"{offset_ms}.mp4", offset_ms, MEDIA, 800)
        assert check_file(tmp_path / f"{offset_ms}.mp4").facts.frames_xxh3 == own


def test_silence_and_size_do_not_tell_offsets_from_each_other(folder: Path, tmp_path: Path) -> None:
    clip = murmuring(folder / "speech.mp4", 8, seed=3)
    sizes, silences = [], set()
    for offset_ms in (-800, -200, 0, 120, 800):
        made = tmp_path / f"{offset_ms}.mp4"
        shift(clip, made, offset_ms, MEDIA, 800)
        heard = np.flatnonzero(np.abs(read_waveform(made)) > 0.01)
        silences.add((round(heard[0] / 800), round(heard[-1] / 800)))
        sizes.append(made.stat().st_size)
    assert len(silences) == 1
    # The sound is nine tenths of these files, a tenth of real ones.
    assert max(sizes) < 1.08 * min(sizes)


@pytest.mark.slow
def test_real_clips_of_all_offsets_are_of_one_size(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "videos" / "talk" / "cnn_4up_demo.mp4"
    media = Media(short_side="360 px", clip_length="10 s")
    clip = normalize(source, None, media, tmp_path / "clips", lambda start, end: f"{start}.mp4").clips[0]
    sizes = []
    for offset_ms in (-800, -200, 0, 200, 800):
        made = tmp_path / f"{offset_ms}.mp4"
        shift(clip.path, made, offset_ms, media, 800)
        check = check_file(made)
        assert check.problems == ()
        assert check.facts.frames_xxh3 == clip.certificate.facts.frames_xxh3
        sizes.append(made.stat().st_size)
    assert max(sizes) < 1.01 * min(sizes)


@given(
    st.integers(0, 4_000),
    st.integers(-30, 30).map(lambda steps: steps * 4),
    st.integers(0, 40).map(lambda n: n * 4),
)
def test_moved_samples_are_the_same_samples(count: int, offset_ms: int, edges_ms: int) -> None:
    waveform = np.arange(1, count + 1, dtype=np.float32)
    moved = shifted(waveform, OffsetMs(offset_ms), edges_ms)
    move, edge = offset_ms * 16, edges_ms * 16
    places = np.arange(count)
    there = (places + move >= 0) & (places + move < count) & (places >= edge) & (places < count - edge)
    assert moved.shape == waveform.shape
    assert not moved[~there].any()
    kept = np.flatnonzero(there)
    inner = kept[MARGIN:-MARGIN]
    assert (moved[inner] == waveform[inner + move]).all()
    assert (moved[kept] <= waveform[kept + move]).all()
    if not move and not edge:
        assert (moved == waveform).all()


@given(st.integers(0, 4_000), st.integers(-1_000, 1_000).map(lambda steps: steps * 4))
def test_what_leaves_at_one_end_comes_in_at_the_other(count: int, offset_ms: int) -> None:
    waveform = np.arange(1, count + 1, dtype=np.float32)
    turned, move = shifted(waveform, OffsetMs(offset_ms)), offset_ms * 16
    assert turned.shape == waveform.shape
    whole = np.roll(waveform, -move)
    joint = -move % count if count else 0
    far = [n for n in range(count) if not joint or abs(n - joint) > MARGIN]
    assert (turned[far] == whole[far]).all()
    assert (turned <= whole).all()


# With another's sound -----------------------------------------------------------------------------------------


def test_the_other_sound_is_heard_as_loud_as_the_own(folder: Path, tmp_path: Path) -> None:
    clip = murmuring(folder / "clip.mp4", 5, seed=5, loudness=0.03)
    other = murmuring(folder / "other.mp4", 7, seed=6, loudness=0.2)
    made = tmp_path / "made.mp4"
    swap(clip, other, made, MEDIA)
    own, its, heard = read_waveform(clip), read_waveform(other), read_waveform(made)
    assert loudness_of(heard).lufs == pytest.approx(loudness_of(own).lufs, abs=0.3)
    assert abs(loudness_of(its).lufs - loudness_of(own).lufs) > 10
    assert np.corrcoef(heard, its[: len(heard)])[0, 1] > 0.95
    assert abs(np.corrcoef(heard, own)[0, 1]) < 0.1
    before, after = check_file(clip), check_file(made)
    assert after.problems == ()
    assert after.facts.frames_xxh3 == before.facts.frames_xxh3


def test_a_shorter_sound_is_followed_by_silence(folder: Path, tmp_path: Path) -> None:
    clip, other = murmuring(folder / "long.mp4", 5, seed=7), murmuring(folder / "short.mp4", 3, seed=8)
    made = tmp_path / "made.mp4"
    swap(clip, other, made, MEDIA)
    heard = read_waveform(made)
    assert len(heard) == 5 * 16_000
    assert np.abs(heard[3 * 16_000 + 1024 :]).max() < 0.001
    assert np.abs(heard[: 3 * 16_000]).max() > 0.05


def test_a_silent_sound_is_refused(folder: Path, tmp_path: Path) -> None:
    clip = murmuring(folder / "loud.mp4", 3, seed=9)
    silent = write_clip(folder / "silent.mp4", [16] * 75, np.zeros(75 * 640))
    with pytest.raises(MediaError, match="is silent"):
        swap(clip, silent, tmp_path / "made.mp4", MEDIA)
    assert not list(tmp_path.iterdir())


@given(st.integers(0, 2**32), st.floats(0.001, 1), st.floats(0.001, 1), st.integers(9_600, 20_000))
def test_no_sound_is_raised_to_full_scale(seed: int, own: float, its: float, count: int) -> None:
    rng = np.random.default_rng(seed)
    clip = (own * rng.uniform(-1, 1, 16_000)).astype(np.float32)
    sound = (its * rng.uniform(-1, 1, count)).astype(np.float32)
    sound[0] = its
    placed = replacing(sound, clip)
    assert placed.shape == clip.shape
    assert np.abs(placed).max() <= max(0.8901, np.abs(sound).max())


# Excerpts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start_ms", "end_ms"), [(0, 8_000), (1_040, 7_640), (2_000, 6_000), (5_960, 8_000)])
def test_an_excerpt_is_the_part_of_its_clip_in_sync(
    flashes: Path, tmp_path: Path, start_ms: int, end_ms: int
) -> None:
    made = tmp_path / "made.mp4"
    excerpt(flashes, made, start_ms, end_ms, MEDIA)
    within = [time * 1000 - start_ms for time in FLASHES if start_ms <= time * 1000 < end_ms]
    check = check_file(made)
    assert check.problems == ()
    assert check.facts.frames == (end_ms - start_ms) // 40
    assert beeps_ms(made) == pytest.approx(within, abs=2)
    lumas = np.concatenate([batch.frames.mean(axis=(1, 2)) for batch in read_frames(made, colour="gray")])
    lit = np.flatnonzero((lumas[1:] > 128) & (lumas[:-1] < 128)) + 1
    assert [int(frame) * 40 for frame in lit] == [round(time) for time in within]
    assert list(tmp_path.iterdir()) == [made]


def test_every_frame_of_an_excerpt_is_the_one_of_its_clip(folder: Path, tmp_path: Path) -> None:
    clip = murmuring(folder / "counting.mp4", 6, seed=11)
    made = tmp_path / "made.mp4"
    excerpt(clip, made, 2_520, 4_600, MEDIA)
    whole, part = (
        np.concatenate([batch.frames.mean(axis=(1, 2)) for batch in read_frames(path, colour="gray")])
        for path in (clip, made)
    )
    assert part == pytest.approx(whole[63:115], abs=2)
    heard, own = read_waveform(made), read_waveform(clip)[63 * 640 : 115 * 640]
    lags = range(-40, 41)
    alike = [np.corrcoef(heard[100:-100], np.roll(own, lag)[100:-100])[0, 1] for lag in lags]
    assert lags[int(np.argmax(alike))] == 0


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "problem"),
    [
        (0, 960, "at least 1000 ms"),
        (20, 2_000, "frames of 40 ms"),
        (0, 1_990, "frames of 40 ms"),
        (7_000, 8_040, "200 frames"),
        (3_000, 2_000, "at least"),
    ],
)
def test_an_excerpt_that_cannot_be_is_refused(
    flashes: Path, tmp_path: Path, start_ms: int, end_ms: int, problem: str
) -> None:
    with pytest.raises(MediaError, match=problem):
        excerpt(flashes, tmp_path / "made.mp4", start_ms, end_ms, MEDIA)
    assert not list(tmp_path.iterdir())


def test_an_excerpt_without_sound_is_dropped(folder: Path, tmp_path: Path) -> None:
    sound = np.zeros(150 * 640)
    sound[:1000] = 0.5
    clip = write_clip(folder / "hush.mp4", [16, 90] * 75, sound)
    with pytest.raises(Dropped, match="silent"):
        excerpt(clip, tmp_path / "made.mp4", 4_000, 6_000, MEDIA)


def test_the_same_excerpt_has_the_same_bytes(flashes: Path, tmp_path: Path) -> None:
    for name in ("one", "other"):
        excerpt(flashes, tmp_path / name, 1_000, 3_000, MEDIA)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
