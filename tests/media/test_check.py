"""The judgement of a clip by its file alone: exact clips pass, each kind of damage fails in its own words."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import av
import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from schemas.certificate import FileFacts
from schemas.errors import MediaError
from schemas.sections import Media
from tasks.media import normalize
from tasks.media.check import check_file, differences, file_facts, judge
from tasks.media.check_apart import check_apart
from tasks.media.facts import Measured, PictureStream, SoundStream, measure
from tasks.scenes import flash_and_beep

MEDIA = Media(clip_length="4 s", min_clip_length="1 s", short_side="64 px")
FLASHES = (0.52, 1.4, 2.28, 3.16)
LAST_BIT_OF_22 = 1 << 10


def clip_of(source: Path) -> Path:
    made = normalize(
        source, None, MEDIA, source.parent / "clips", name=lambda a, b: f"{source.stem}_{a}_{b}.mp4"
    )
    return made.clips[0].path


def flashing(folder: Path, early_ms: int) -> Path:
    beeps = [time - early_ms / 1000 for time in FLASHES]
    source = folder / f"early{early_ms}.mp4"
    flash_and_beep(source, 4.2, 25, 48_000, FLASHES, beeps, size=(98, 66))
    return clip_of(source)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of flashes and beeps, normalised; 94 px wide or so, which is no whole line of memory."""
    return flashing(tmp_path_factory.mktemp("clip"), 0)


def ffmpeg(*arguments: str | Path) -> bytes:
    command = ["ffmpeg", "-nostdin", "-v", "error", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


# Damage ------------------------------------------------------------------------------------------------------


def remuxed(*options: str, suffix: str = ".mp4") -> Callable[[Path, Path], Path]:
    def damage(clip: Path, folder: Path) -> Path:
        path = folder / f"damaged{suffix}"
        ffmpeg("-i", clip, *options, path)
        return path

    return damage


def later_by(milliseconds: int) -> Callable[[Path, Path], Path]:
    def damage(clip: Path, folder: Path) -> Path:
        path = folder / "later.mp4"
        inputs = ("-i", clip, "-itsoffset", f"{milliseconds / 1000}", "-i", clip)
        ffmpeg(*inputs, "-map", "0:v", "-map", "1:a", "-c", "copy", path)
        return path

    return damage


def edit_list_moved_by(samples: int) -> Callable[[Path, Path], Path]:
    """Have the sound's edit list begin later in the stream: what is heard comes earlier."""

    def damage(clip: Path, folder: Path) -> Path:
        data = bytearray(clip.read_bytes())
        place = data.rindex(b"elst") + 4 + 4 + 4 + 4  # version and flags, count, duration
        media_time = int.from_bytes(data[place : place + 4], "big") + samples
        data[place : place + 4] = media_time.to_bytes(4, "big")
        path = folder / "edited.mp4"
        path.write_bytes(data)
        return path

    return damage


def without_packets(clip: Path, path: Path, unwanted: Callable[[str, list[int], int], bool]) -> Path:
    """Copy a clip but for packets that `unwanted(kind, stamps of the kind in ticks, number)` names."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        packets = [packet for packet in source.demux() if packet.dts is not None]
        for index, stream in streams.items():
            own = [packet for packet in packets if packet.stream_index == index]
            stamps = [packet.pts for packet in own]
            kept = [p for n, p in enumerate(own) if not unwanted(p.stream.type, stamps, n)]
            for packet in kept:
                packet.stream = stream
        for packet in packets:
            if packet.stream in streams.values():
                target.mux(packet)
    return path


def without_a_frame(clip: Path, folder: Path) -> Path:
    """Leave out the first picture that is shown before both of its neighbours in the file: no other needs it."""
    found: list[int] = []

    def unwanted(kind: str, stamps: list[int], n: int) -> bool:
        if kind == "video" and not found and 0 < n < len(stamps) - 1:
            found.extend([n] if stamps[n] < min(stamps[n - 1], stamps[n + 1]) else [])
            return bool(found)
        return False

    path = without_packets(clip, folder / "dropped.mp4", unwanted)
    assert found
    return path


def with_a_hole(clip: Path, folder: Path) -> Path:
    """Leave out three packets of sound, 192 ms."""
    return without_packets(clip, folder / "hole.mp4", lambda kind, _, n: kind == "audio" and 20 <= n < 23)


def with_bytes(change: Callable[[bytes], bytes]) -> Callable[[Path, Path], Path]:
    def damage(clip: Path, folder: Path) -> Path:
        path = folder / "changed.mp4"
        path.write_bytes(change(clip.read_bytes()))
        return path

    return damage


def scrambled(data: bytes) -> bytes:
    """Noise over the middle of the media data."""
    middle = (data.index(b"mdat") + len(data)) // 2
    noise = np.random.default_rng(3).integers(0, 256, 300, np.uint8).tobytes()
    return data[:middle] + noise + data[middle + len(noise) :]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (later_by(3), "sound ends 3.0 ms after the picture: 2 ms at most"),
        (later_by(40), "640 a frame"),
        (edit_list_moved_by(48), "sound ends 3.0 ms before the picture: 2 ms at most"),
        (edit_list_moved_by(1), "63999 samples for 100 frames: 64000 are wanted, 640 a frame"),
        (without_a_frame, "64000 samples for 99 frames: 63360 are wanted, 640 a frame"),
        (without_a_frame, "frames are not at their time (25 a second from 0), by 40.0 ms at most: frame"),
        (with_a_hole, "the stamps of the sound break off 1 times, first at"),
        (with_a_hole, "the largest gap is 192.0 ms: 0 ms is wanted"),
        (remuxed("-c:v", "copy", "-ar", "44100"), "the sound has 44100 samples a second: 16000 are wanted"),
        (remuxed("-c:v", "copy", "-ac", "2"), "the sound has 2 channels: 1 is wanted"),
        (remuxed("-r", "30", "-c:a", "copy"), "frame 1 is at 0.033 s, not at 0.040 s"),
        (remuxed("-c:v", "mpeg4", "-c:a", "copy"), "the picture is mpeg4: H.264 is wanted"),
        (remuxed("-pix_fmt", "yuv444p", "-c:a", "copy"), "the picture is in yuv444p: yuv420p is wanted"),
        (remuxed("-c:v", "copy", "-c:a", "flac", suffix=".mkv"), "the sound is flac: AAC is wanted"),
        (remuxed("-c", "copy", "-an"), "0 sound streams: 1 is wanted"),
        (remuxed("-c", "copy", "-vn"), "0 picture streams: 1 is wanted"),
        (remuxed("-c", "copy", "-map", "0", "-map", "0:a"), "2 sound streams: 1 is wanted"),
        (with_bytes(lambda data: data[: len(data) * 2 // 3]), "the header tells of 100 frames, and the file holds"),
        (with_bytes(scrambled), "cannot be decoded"),
        (with_bytes(lambda _: b"A talk about sound and vision.\n" * 9), "is no media file that can be opened"),
        (with_bytes(lambda _: b""), "the file is empty: 0 bytes"),
        (lambda _, folder: folder / "nowhere.mp4", "there is no such file"),
    ],
)  # fmt: skip
def test_every_kind_of_damage_fails_in_words(
    clip: Path, tmp_path: Path, damage: Callable[[Path, Path], Path], sentence: str
) -> None:
    check = check_file(damage(clip, tmp_path))
    assert not check.passed
    assert any(sentence in problem for problem in check.problems), check.problems


def test_an_exact_clip_passes(clip: Path) -> None:
    check = check_file(clip)
    assert check.problems == ()
    facts = check.facts
    assert (facts.frames, facts.samples) == (100, 64_000)
    assert (facts.picture_first_pts_ms, facts.picture_last_pts_ms) == (0, 3960)
    assert (facts.sound_first_pts_ms, facts.sound_last_pts_ms) == (0, 4000 - 1 / 16)
    assert (facts.start_skew_ms, facts.end_skew_ms, facts.drift_ms_per_hour) == (0, 0, 0)
    assert facts == file_facts(clip)
    assert "x264" in facts.encoder
    assert "Lavc" in facts.encoder


def test_facts_need_a_whole_file(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no media file"):
        file_facts(with_bytes(lambda _: b"words")(clip, tmp_path))
    with pytest.raises(MediaError, match="no picture or no sound"):
        file_facts(remuxed("-c", "copy", "-an")(clip, tmp_path))
    with pytest.raises(MediaError, match="cannot be decoded"):
        file_facts(with_bytes(scrambled)(clip, tmp_path))


# The same bits as the ffmpeg program -------------------------------------------------------------------------


def digest(data: bytes) -> str:
    return xxhash.xxh3_128_hexdigest(data)


def test_frames_are_those_of_the_ffmpeg_program(clip: Path) -> None:
    raw = ffmpeg("-i", clip, "-map", "0:v", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-")
    assert file_facts(clip).frames_xxh3 == digest(raw)


def test_samples_are_those_of_the_ffmpeg_program(clip: Path) -> None:
    """To the sample where they begin and end. The bits are the same since FFmpeg 6, when the decoder got another
    transform; before, the last of 22 bits may differ."""
    raw = ffmpeg("-c:a", "aac_fixed", "-i", clip, "-map", "0:a", "-f", "s32le", "-")
    pieces: list[np.ndarray] = []
    facts = measure(clip, heard=lambda _, __, samples: pieces.append(samples[:, 0].copy())).facts
    ours, theirs = np.concatenate(pieces), np.frombuffer(raw, "<i4")
    assert len(ours) == len(theirs) == facts.samples
    assert facts.samples_xxh3 == digest(ours.astype("<i4").tobytes())
    assert np.abs(ours.astype(np.int64) - theirs).max() <= LAST_BIT_OF_22
    version = int(ffmpeg("-version").split(b"version ")[1].lstrip(b"n").split(b".")[0])
    if version >= 6:
        assert facts.samples_xxh3 == digest(raw)


@pytest.mark.parametrize("codec", ["pcm_s16le", "flac", "pcm_s24le"])
def test_other_sound_has_the_bits_of_its_own_decoder(clip: Path, tmp_path: Path, codec: str) -> None:
    path = remuxed("-c:v", "copy", "-ac", "2", "-ar", "44100", "-c:a", codec, suffix=".mkv")(clip, tmp_path)
    raw = ffmpeg("-i", path, "-map", "0:a", "-c:a", "pcm_s32le", "-f", "s32le", "-")
    assert measure(path).facts.samples_xxh3 == digest(raw)


# Certificates ------------------------------------------------------------------------------------------------


def test_differences_name_both_values(clip: Path) -> None:
    check = check_file(clip)
    certified = asdict(check.facts)
    assert differences(check, certified) == ()
    (problem,) = differences(check, {**certified, "frames": 99})
    assert problem == "frames is 100, and 99 in the certificate"
    (problem,) = differences(check, {**certified, "samples_xxh3": "0" * 32})
    assert check.facts.samples_xxh3 in problem
    assert "the decoders are not" in problem


# The judge by itself -----------------------------------------------------------------------------------------


def measured(frames: int, **changes: float) -> Measured:
    """What an exact clip of so many frames gives, with some facts changed."""
    facts = FileFacts("", frames, 640 * frames, 0.0, 40.0 * (frames - 1), 0.0, 40.0 * frames - 1 / 16, 0.0, 0.0,
                      0.0, "", "", "")  # fmt: skip
    return Measured(
        replace(facts, **changes), 1, 1, PictureStream("h264", "yuv420p", 64, 64, frames),
        SoundStream("aac", 1, 16_000, 0), frames, 1, 0, (0, 0.0), 0.0, 0, 0.0, 0.0, (), 0,
    )  # fmt: skip


@given(
    st.integers(1, 10**6),
    st.sampled_from(["start_skew_ms", "end_skew_ms", "drift_ms_per_hour"]),
    st.floats(-1e6, 1e6, allow_nan=False),
)
def test_a_clip_passes_exactly_when_its_numbers_are_within_bounds(
    frames: int, name: str, value: float
) -> None:
    problems = judge(measured(frames, **{name: value}))
    assert bool(problems) == (abs(value) > 2)
    if name == "end_skew_ms" and problems:
        assert f"{abs(value):.1f} ms {'before' if value > 0 else 'after'} the picture" in problems[0]


@given(st.integers(1, 10**6), st.integers(-5000, 5000).filter(bool))
def test_one_sample_too_many_or_too_few_is_a_problem(frames: int, off: int) -> None:
    (problem,) = judge(measured(frames, samples=640 * frames + off))
    assert problem.startswith(f"{640 * frames + off} samples for {frames} frames: {640 * frames} are wanted")


# A process of its own ----------------------------------------------------------------------------------------


def test_a_check_apart_says_the_same(clip: Path, tmp_path: Path) -> None:
    for path in (clip, later_by(3)(clip, tmp_path)):
        assert check_apart(path) == check_file(path)


def test_a_hang_is_a_problem(clip: Path) -> None:
    check = check_apart(clip, seconds=0.01)
    assert check.problems == ("the decoder gave no answer within 0.01 s and was stopped",)


def test_a_crash_is_a_problem(clip: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    crasher = tmp_path / "python"
    crasher.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crasher.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(crasher))
    assert check_apart(clip).problems == ("the decoder crashed (SIGSEGV)",)
