"""The sync contract, measured event by event on sources of many kinds."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest

from schemas.sections import Media
from tasks.media import Normalized, normalize
from tests.media.making import FLASH_S, Recording, events_between, record, steady
from tests.media.measuring import (
    counts_by_ffmpeg,
    events_by_ffmpeg,
    events_by_pyav,
    pictures_by_pyav,
    sound_by_pyav,
)

MEDIA = Media(clip_length="4 s", min_clip_length="1 s", short_side="64 px")
SOUND_BOUND, PICTURE_BOUND = Fraction(2, 1000), Fraction(20, 1000)
END = 9.5


def uneven(start: float, end: float) -> list[Fraction]:
    """Time stamps with steps of 11 to 95 ms, and one hole of 700 ms."""
    steps = np.random.default_rng(7).integers(11, 95, 1000)
    times = [Fraction(int(ms), 1000) + Fraction(start) for ms in accumulate(steps, initial=0)]
    return [time for time in times if time < end and not 5.2 <= time < 5.9]


EVENTS = events_between(0, END)
RECORDINGS = [
    Recording("25.mp4", steady(25, 0, END), [(0, END)], EVENTS, rate=44_100),
    Recording("2997.mp4", steady(Fraction(30_000, 1001), 0, END), [(0, END)], EVENTS),
    Recording("23976.mov", steady(Fraction(24_000, 1001), 0, END), [(0, END)], EVENTS, rate=44_100),
    Recording("60.mkv", steady(60, 0, END), [(0, END)], EVENTS),
    Recording("5994.mkv", steady(Fraction(60_000, 1001), 0, END), [(0, END)], EVENTS, rate=44_100),
    Recording("10.mp4", steady(10, 0, END), [(0, END)], EVENTS, rate=32_000),
    Recording(
        "broadcast.ts", steady(25, 0, END), [(0, END)], EVENTS, video_codec="mpeg2video", audio_codec="mp2"
    ),
    Recording(
        "web.webm", steady(30, 0, END), [(0, END)], EVENTS, video_codec="libvpx", audio_codec="libopus"
    ),
    Recording("uneven.mkv", uneven(0, END), [(0, END)], EVENTS, audio_codec="pcm_s16le"),
    Recording("uneven.mp4", uneven(0, END), [(0, END)], EVENTS),
    Recording("sound-late.mp4", steady(25, 0, END), [(0.5, END)], EVENTS),
    Recording(
        "sound-late.mkv", steady(Fraction(30_000, 1001), 0, END), [(0.517, END)], EVENTS, audio_codec="flac"
    ),
    Recording("picture-late.mkv", steady(25, 0.71, END), [(0, END)], EVENTS),
    Recording("picture-late.mp4", steady(Fraction(30_000, 1001), 0.71, END), [(0, END)], EVENTS),
    Recording("both-late.mkv", steady(25, 3.333, END + 3), [(3, END + 3)], events_between(3, END + 3)),
    Recording("sound-gap.mkv", steady(25, 0, END), [(0, 2.5), (3.2, END)], EVENTS, audio_codec="pcm_s16le"),
]


def normalized(source: Path, folder: Path, media: Media = MEDIA, segments=None) -> Normalized:
    return normalize(source, segments, media, folder, name=lambda start, end: f"{start}_{end}.mp4")


@pytest.fixture(scope="module", params=RECORDINGS, ids=lambda recording: recording.file)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Normalized]:
    """A source and its clips."""
    folder = tmp_path_factory.mktemp("case")
    source = record(request.param, folder)
    return source, normalized(source, folder / "clips")


def partners(truth: list[Fraction], found: list[Fraction], start: Fraction, end: Fraction) -> list[tuple]:
    """Every event of the source that lies well within a clip, with the nearest one found in the clip."""
    inside = [time - start for time in truth if start + Fraction(1, 20) <= time <= end - FLASH_S]
    return [(time, min(found, key=lambda other: abs(other - time))) for time in inside]


def test_every_event_keeps_its_time(case: tuple[Path, Normalized]) -> None:
    source, made = case
    flashes, beeps = events_by_pyav(source)
    assert len(made.clips) >= 2
    checked = 0
    for clip in made.clips:
        start, end = Fraction(clip.source_start_ms, 1000), Fraction(clip.source_end_ms, 1000)
        for reader in (events_by_ffmpeg, events_by_pyav):
            seen, heard = reader(clip.path)
            for truth, found in partners(flashes, seen, start, end):
                assert abs(truth - found) <= PICTURE_BOUND, (
                    clip.path.name,
                    reader,
                    float(truth),
                    float(found),
                )
                checked += 1
            for truth, found in partners(beeps, heard, start, end):
                assert abs(truth - found) <= SOUND_BOUND, (clip.path.name, reader, float(truth), float(found))
                checked += 1
    assert checked >= 2 * 2 * 7


def test_files_are_as_described_for_every_reader(case: tuple[Path, Normalized]) -> None:
    _, made = case
    for clip in made.clips:
        assert clip.samples == 640 * clip.frames
        assert clip.source_end_ms - clip.source_start_ms == clip.duration_ms == 40 * clip.frames
        assert counts_by_ffmpeg(clip.path) == (clip.frames, clip.samples)
        pictures = pictures_by_pyav(clip.path)
        assert [time for time, _ in pictures] == [Fraction(n, 25) for n in range(clip.frames)]
        start, rate, samples = sound_by_pyav(clip.path)
        assert (start, rate, len(samples)) == (0, 16_000, clip.samples)
        assert clip.certificate.picture_skew_ms <= 20
        assert clip.certificate.sound_skew_ms <= 1
    lengths = [clip.frames for clip in made.clips]
    assert lengths[:-1] == [100] * (len(lengths) - 1)
    for before, after in zip(made.clips, made.clips[1:], strict=False):
        assert before.source_end_ms == after.source_start_ms


def test_torchcodec_reads_the_same(tmp_path: Path) -> None:
    decoders = pytest.importorskip("torchcodec.decoders")
    clip = normalized(record(RECORDINGS[1], tmp_path), tmp_path / "clips").clips[0]
    sound = decoders.AudioDecoder(clip.path).get_all_samples()
    assert (tuple(sound.data.shape), sound.pts_seconds) == ((1, clip.samples), 0)
    frames = decoders.VideoDecoder(clip.path)
    assert len(frames) == clip.frames
    assert [frames.get_frame_at(n).pts_seconds for n in (0, 1, 99)] == pytest.approx([0, 0.04, 3.96])


def test_a_25_fps_source_keeps_its_own_frames_when_the_sound_comes_late(tmp_path: Path) -> None:
    recording = Recording("late.mkv", steady(25, 0, 5), [(0.013, 5)], EVENTS[:4], audio_codec="pcm_s16le")
    clip = normalized(record(recording, tmp_path), tmp_path / "clips").clips[0]
    assert (clip.source_start_ms, clip.certificate.picture_skew_ms, clip.certificate.repeated_frames) == (
        40,
        0,
        0,
    )


def test_what_was_put_in_or_left_away_is_counted(tmp_path: Path) -> None:
    gap = next(each for each in RECORDINGS if each.file == "sound-gap.mkv")
    made = normalized(record(gap, tmp_path), tmp_path / "gap")
    assert [clip.certificate.inserted_silence_ms for clip in made.clips] == [700, 0, 0]
    samples = sound_by_pyav(made.clips[0].path)[2]
    assert np.abs(samples[16_000 * 26 // 10 : 16_000 * 31 // 10]).max() < 0.01
    slow = next(each for each in RECORDINGS if each.file == "10.mp4")
    made = normalized(record(slow, tmp_path), tmp_path / "slow")
    assert [clip.certificate.repeated_frames for clip in made.clips][:2] == [60, 60]


def test_spans_with_one_stream_only_are_named(tmp_path: Path) -> None:
    recording = Recording("edges.mkv", steady(25, 0.4, 9), [(0, 6)], EVENTS, audio_codec="pcm_s16le")
    made = normalized(record(recording, tmp_path), tmp_path / "clips")
    assert [(clip.source_start_ms, clip.source_end_ms) for clip in made.clips] == [(400, 4400), (4400, 6000)]
    assert [(part.start_ms, part.end_ms, part.reason) for part in made.left_out] == [
        (0, 400, "no_picture"),
        (6000, 9000, "no_sound"),
    ]


@pytest.mark.slow
def test_no_drift_over_a_quarter_of_an_hour(tmp_path: Path) -> None:
    end = 900
    events = events_between(0, end, every=30.137)
    recording = Recording(
        "long.mp4", steady(Fraction(30_000, 1001), 0, end), [(0, end)], events, rate=44_100, size=(32, 32)
    )
    source = record(recording, tmp_path)
    made = normalized(
        source, tmp_path / "clips", Media(clip_length="1 min", short_side="32 px", preset="ultrafast")
    )
    assert [clip.frames for clip in made.clips][:-1] == [1500] * 14
    assert made.clips[-1].frames >= 1498
    for clip in (made.clips[0], made.clips[-1]):
        start, end_s = Fraction(clip.source_start_ms, 1000), Fraction(clip.source_end_ms, 1000)
        seen, heard = events_by_ffmpeg(clip.path)
        checked = 0
        for found, bound in ((seen, PICTURE_BOUND + Fraction(1001, 30_000)), (heard, SOUND_BOUND)):
            for truth, near in partners(list(events), found, start, end_s):
                assert 0 <= near - truth + SOUND_BOUND <= bound + SOUND_BOUND
                checked += 1
        assert checked >= 2
