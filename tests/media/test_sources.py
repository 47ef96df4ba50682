"""Sources that cannot be used, and the word for why; segments; sameness of bytes."""

from __future__ import annotations

import os
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from schemas.errors import Dropped, MediaError
from schemas.sections import Media
from tasks.media import Segment, normalize, probe, read_frames
from tests.media.making import Recording, events_between, record, steady
from tests.media.measuring import events_by_ffmpeg
from tests.media.test_contract import MEDIA, PICTURE_BOUND, SOUND_BOUND, normalized, partners

EVENTS = events_between(0, 9)


def plain(file: str, **changes: object) -> Recording:
    return Recording(
        **{"file": file, "pictures": steady(25, 0, 9), "sound": [(0, 9)], "events": EVENTS, **changes}
    )


def reason(source: Path, folder: Path) -> str:
    with pytest.raises(Dropped) as caught:
        normalized(source, folder)
    assert not folder.exists() or not any(folder.iterdir())
    return caught.value.reason


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sound": []}, "no_audio"),
        ({"pictures": []}, "no_video"),
        ({"loudness": 0.0}, "silent"),
        ({"pictures": steady(25, 0, 0.9), "sound": [(0, 0.9)]}, "too_short"),
        ({"pictures": steady(25, 0, 4), "sound": [(3.5, 9)]}, "too_short"),
        ({"pictures": steady(25, 5, 9), "sound": [(0, 4)]}, "too_short"),
    ],
)
def test_recordings_that_give_no_clip(changes: dict, expected: str, tmp_path: Path) -> None:
    assert reason(record(plain("bad.mkv", **changes), tmp_path), tmp_path / "clips") == expected


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert reason(tmp_path / "empty.mp4", tmp_path / "clips") == "empty_file"


def test_a_file_cut_short(tmp_path: Path) -> None:
    whole = record(plain("whole.mp4", options={"movflags": "faststart"}), tmp_path)
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    assert reason(tmp_path / "cut.mp4", tmp_path / "clips") == "corrupt"


@pytest.mark.parametrize(
    "content", [b"<html>video unavailable</html>", b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n"]
)
def test_no_media(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "page.mp4").write_bytes(content)
    with pytest.raises(MediaError, match=r"no media file .*\d+ bytes"):
        normalized(tmp_path / "page.mp4", tmp_path / "clips")


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    song = record(plain("song.m4a", pictures=[]), tmp_path)
    cover, with_cover = tmp_path / "cover.png", tmp_path / "with-cover.m4a"
    run("-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1", cover)
    run(
        "-i",
        song,
        "-i",
        cover,
        "-map",
        "0",
        "-map",
        "1",
        "-c",
        "copy",
        "-disposition:v",
        "attached_pic",
        with_cover,
    )
    assert reason(with_cover, tmp_path / "clips") == "no_video"


def test_a_clip_without_any_sound_is_named(tmp_path: Path) -> None:
    source = record(plain("gap.mkv", sound=[(0, 3.9), (8.1, 9)], audio_codec="pcm_s16le"), tmp_path)
    made = normalized(source, tmp_path / "clips")
    assert [clip.source_start_ms for clip in made.clips] == [0, 8000]
    assert [(part.start_ms, part.end_ms, part.reason) for part in made.left_out] == [(4000, 8000, "no_sound")]


def test_listed_segments(tmp_path: Path) -> None:
    source = record(plain("listed.mkv", audio_codec="pcm_s16le"), tmp_path)
    segments = [
        Segment(5000, 8003, "barking", "test"),
        Segment(1017, 4017, "sneezing", "train"),
        Segment(3000, 6000),
        Segment(3000, 6000),
        Segment(8000, 11_000),
        Segment(20_000, 23_000),
        Segment(2000, 2500),
    ]
    made = normalized(source, tmp_path / "clips", segments=segments)
    spans = [(clip.source_start_ms, clip.source_end_ms, clip.label, clip.list_split) for clip in made.clips]
    assert spans == [
        (1017, 4017, "sneezing", "train"),
        (3000, 6000, None, None),
        (5000, 8000, "barking", "test"),
        (8000, 9000, None, None),
    ]
    assert [(part.start_ms, part.end_ms, part.reason) for part in made.left_out] == [
        (2000, 2500, "shorter_than_minimum"),
        (3000, 6000, "listed_twice"),
        (9000, 11_000, "outside_source"),
        (20_000, 23_000, "outside_source"),
    ]
    for clip in made.clips:
        start, end = Fraction(clip.source_start_ms, 1000), Fraction(clip.source_end_ms, 1000)
        for found, bound in zip(events_by_ffmpeg(clip.path), (PICTURE_BOUND * 3, SOUND_BOUND), strict=True):
            for truth, near in partners(list(EVENTS), found, start, end):
                assert abs(near - truth) <= bound


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    source = record(plain("noise.mkv", size=(160, 120)), tmp_path)
    first, second = (normalized(source, tmp_path / name) for name in ("first", "second"))
    assert len(first.clips) == 3
    for one, other in zip(first.clips, second.clips, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()
        assert one.certificate == other.certificate


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system cannot confine a process to one core"
)
def test_the_number_of_cores_does_not_change_the_bytes(tmp_path: Path) -> None:
    source = tmp_path / "grain.mp4"
    grain = "testsrc2=size=320x180:rate=25:duration=4,noise=alls=40:allf=t"
    run("-f", "lavfi", "-i", grain, "-f", "lavfi", "-i", "sine=duration=4", "-preset", "ultrafast", source)
    media = Media(clip_length="4 s", short_side="180 px")
    cores = os.sched_getaffinity(0)
    made = [
        normalized(source, tmp_path / str(turn), media).clips[0].certificate.facts.sha256 for turn in range(2)
    ]
    os.sched_setaffinity(0, {min(cores)})
    try:
        made += [normalized(source, tmp_path / "confined", media).clips[0].certificate.facts.sha256]
    finally:
        os.sched_setaffinity(0, cores)
    assert len(set(made)) == 1


def test_square_pixels(tmp_path: Path) -> None:
    square, wide = record(plain("square.mp4"), tmp_path), tmp_path / "wide.mp4"
    run("-i", square, "-c", "copy", "-bsf:v", "h264_metadata=sample_aspect_ratio=4/3", wide)
    assert probe(wide).video.pixel_aspect == Fraction(4, 3)
    for source, size in ((square, (96, 64)), (wide, (128, 64))):
        clip = normalized(source, tmp_path / source.stem).clips[0]
        assert (clip.width, clip.height) == size


@pytest.mark.parametrize(
    ("pixels", "matrix"), [("yuv420p10le", "bt2020nc"), ("yuv444p", "bt709"), ("yuvj420p", "smpte170m")]
)
def test_other_pixels_become_8_bit_and_keep_the_name_of_their_colours(
    pixels: str, matrix: str, tmp_path: Path
) -> None:
    source = tmp_path / "deep.mkv"
    picture = "color=0x808080:size=96x64:rate=25:duration=3"
    run("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=duration=3", "-pix_fmt", pixels,
        "-colorspace", matrix, source)  # fmt: skip
    assert probe(source).video.pix_fmt == pixels
    clip = probe(normalized(source, tmp_path / "clips").clips[0].path)
    assert (clip.video.pix_fmt, clip.video.colours[0], clip.video.codec) == ("yuv420p", matrix, "h264")
    frame = next(read_frames(clip.path)).frames[0]
    assert abs(int(frame[32, 48].mean()) - 128) <= 3


def test_high_dynamic_range_becomes_standard(tmp_path: Path) -> None:
    source = tmp_path / "hdr.mkv"
    # 573 of 1023 in limited range is 203 cd/m² on the PQ curve, which is white in standard range.
    picture = "nullsrc=size=96x64:rate=25:duration=3,format=yuv420p10le,geq=lum=573:cb=512:cr=512"
    run("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=duration=3", "-pix_fmt", "yuv420p10le",
        "-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "smpte2084", source)  # fmt: skip
    assert probe(source).video.colours[2] == "smpte2084"
    clip = normalized(source, tmp_path / "clips").clips[0]
    assert probe(clip.path).video.colours == ("bt709", "bt709", "bt709")
    frame = next(read_frames(clip.path, colour="gray")).frames[0]
    assert abs(int(frame[32, 48]) - 255) <= 6


@pytest.mark.parametrize(("turn", "bright"), [(0, "left"), (90, "bottom"), (180, "right"), (270, "top")])
def test_upright(turn: int, bright: str, tmp_path: Path) -> None:
    lying, turned = tmp_path / "lying.mp4", tmp_path / "turned.mp4"
    picture = "color=black:size=96x64:rate=25:duration=3,drawbox=w=48:color=white:t=fill"
    run("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=duration=3", lying)
    # This option counts counter-clockwise, and says nothing when it is 0.
    run("-i", lying, "-c", "copy", *(["-metadata:s:v", f"rotate={turn}"] if turn else []), turned)
    assert probe(turned).video.rotation == -turn % 360
    clip = normalized(turned, tmp_path / "clips").clips[0]
    assert (clip.width, clip.height) == ((64, 96) if turn % 180 else (96, 64))
    frame = next(read_frames(clip.path, colour="gray")).frames[0]
    height, width = frame.shape
    sides = {
        "left": frame[:, : width // 3],
        "right": frame[:, -width // 3 :],
        "top": frame[: height // 3],
        "bottom": frame[-height // 3 :],
    }
    assert max(sides, key=lambda side: sides[side].mean()) == bright


def test_names_that_programs_could_misread(tmp_path: Path) -> None:
    folder = tmp_path / "100%d: -i 'odd' [name]"
    folder.mkdir()
    source = record(plain("plain.mkv"), tmp_path).rename(folder / "-y:1,2;%03d.mkv")
    assert len(normalized(source, folder / "clips").clips) == 3


def test_an_interlaced_source_keeps_its_times(tmp_path: Path) -> None:
    source = tmp_path / "interlaced.ts"
    lit = "if(lt(mod(N,25),5),235,16)"
    picture = f"nullsrc=size=96x64:rate=25:duration=6,geq=lum='{lit}':cb=128:cr=128"
    run("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=duration=6", "-c:v", "mpeg2video",
        "-flags", "+ilme+ildct", "-top", "1", "-c:a", "mp2", source)  # fmt: skip
    assert probe(source).video.interlaced
    made = normalized(source, tmp_path / "clips", MEDIA)
    flashes, _ = events_by_ffmpeg(made.clips[0].path)
    start = Fraction(made.clips[0].source_start_ms, 1000) - probe(source).video.start_time
    assert len(flashes) >= 3
    for flash in flashes:
        assert abs((flash + start) - round(flash + start)) <= PICTURE_BOUND


def test_progress_is_told(tmp_path: Path) -> None:
    source, told = record(plain("long.mkv"), tmp_path), []
    normalize(source, None, MEDIA, tmp_path / "clips", lambda start, end: f"{start}.mp4", told.append)
    assert told == sorted(told)
    assert 1000 <= told[0] <= 1100
    assert len(told) == 8


def run(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)
