"""Real files that other tools stumble over."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import Dropped
from schemas.sections import Media
from tasks.media import probe, read_frames, read_waveform
from tests.media.measuring import counts_by_ffmpeg
from tests.media.test_contract import normalized

MEDIA = Media(clip_length="5 s", min_clip_length="1 s")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("corrupted.mp4", "no_audio"),
        ("no_audio_stream.mp4", "no_audio"),
        ("no_duration.webm", "silent"),
        ("silent_track.mp4", "silent"),
    ],
)
def test_real_files_that_give_no_clip(name: str, reason: str, shared_data: Path, tmp_path: Path) -> None:
    with pytest.raises(Dropped) as caught:
        normalized(shared_data / "videos" / "edge" / name, tmp_path / "clips", MEDIA)
    assert caught.value.reason == reason


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chaplin.mp4", "failing_audio.mp4", "fps90000.mp4", "pancake.mkv"])
def test_real_files_are_cut_exactly(name: str, shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "videos" / "edge" / name
    made = normalized(source, tmp_path / "clips", MEDIA)
    assert made.clips
    for clip in made.clips:
        assert counts_by_ffmpeg(clip.path) == (
            clip.frames,
            clip.samples == 640 * clip.frames and clip.samples,
        )
        assert min(clip.width, clip.height) == 256
    kept = sum(clip.duration_ms for clip in made.clips)
    lost = sum(part.length_ms for part in made.left_out)
    assert kept + lost == pytest.approx(probe(source).duration_ms, abs=80)


@pytest.mark.slow
def test_no_shift_where_a_public_transcode_has_none(shared_data: Path, tmp_path: Path) -> None:
    """Picture and sound of our clip against the original and another tool's 25 fps, 256 px, 16 kHz version."""
    pairs = shared_data / "videos" / "transcode_pairs"
    original, other = pairs / "ZYc410CE4Rg_0_10000.orig.mp4", pairs / "ZYc410CE4Rg_0_10000.ref25fps256.mp4"
    clip = normalized(original, tmp_path / "clips", Media(clip_length="10 s")).clips[0]
    assert abs(best_lag(read_waveform(original)[:160_000], read_waveform(clip.path))) <= 2
    # Two conversions of one source may be one 1024-sample AAC frame apart, and no more.
    assert abs(best_lag(read_waveform(other)[:160_000], read_waveform(clip.path))) <= 1024
    theirs, ours = motion(other), motion(clip.path)
    shift = (
        int(np.argmax([np.corrcoef(theirs[10:-10], np.roll(ours, n)[10:-10])[0, 1] for n in range(-5, 6)]))
        - 5
    )
    assert abs(Fraction(shift, 25)) <= Fraction(1, 25)


def best_lag(one: np.ndarray, other: np.ndarray, most: int = 3200) -> int:
    """Samples by which `other` comes later than `one`, by the peak of their correlation."""
    size = 1 << 19
    cross = np.fft.irfft(np.fft.rfft(other, size) * np.conj(np.fft.rfft(one, size)), size)
    return int(np.argmax(np.concatenate([cross[-most:], cross[: most + 1]]))) - most


def motion(path: Path) -> np.ndarray:
    frames = np.concatenate([batch.frames for batch in read_frames(path, size=(64, 48), colour="gray")])
    return np.abs(np.diff(frames.astype(np.int16), axis=0)).mean(axis=(1, 2))[:245]
