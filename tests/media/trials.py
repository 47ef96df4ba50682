"""The torture chamber's table: every usual rate, container and codec, and what makes sources awkward."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import numpy as np

from tests.media.chamber import (
    END,
    LONG_END,
    Scene,
    Step,
    Trial,
    by_pyav,
    copy,
    cut,
    delayed,
    encode,
    on_bytes,
    scene,
    without_packets,
)
from tests.media.making import events_between, steady

R23976, R2997, R5994 = Fraction(24_000, 1001), Fraction(30_000, 1001), Fraction(60_000, 1001)
T23976, T2997, T5994 = "1001:24000", "1001:30000", "1001:60000"

FRAGMENTED = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")
WRAP_S = Fraction(1 << 33, 90_000)
TS_PACKET = 188
PICTURE_S = 0.042
"""The picture that ffmpeg 5.1 is early when it cuts a head away without encoding pictures that come out of order."""
PRE_SKIP_S = 0.0085
"""Opus begins 6.5 ms before its first sample that counts; ffmpeg 5.1 subtracts that twice from Matroska's whole
milliseconds when the sound begins at zero."""


def uneven(end: float, *holes: tuple[float, float]) -> list[Fraction]:
    """Stamps with steps of 11 to 95 ms, and none within the holes."""
    steps = np.random.default_rng(7).integers(11, 95, 1000)
    times = [Fraction(int(ms), 1000) for ms in accumulate(steps, initial=0)]
    return [time for time in times if time < end and not any(start <= time < stop for start, stop in holes)]


def varied(rate: int, **changes) -> Scene:
    """A scene at an uneven rate with two holes, of 1 s and of half a second."""
    return scene(30, rate, pictures=uneven(END, (2.6, 3.6), (5.0, 5.5)), **changes)


MP4 = [
    Trial("23976.mp4", scene(R23976, 44_100), (encode(".mp4"),)),
    Trial("24-hevc.mp4", scene(24, 48_000), (encode(".mp4", "libx265"),)),
    Trial("25-mpeg4-mp3.mp4", scene(25, 22_050), (encode(".mp4", "mpeg4", "libmp3lame", tick="1:25"),)),
    Trial("2997.mp4", scene(R2997, 11_025), (encode(".mp4"),)),
    Trial("30-ac3.mp4", scene(30, 48_000), (encode(".mp4", "libx264", "ac3"),)),
    Trial("50.mp4", scene(50, 32_000), (encode(".mp4"),)),
    Trial("5994.mp4", scene(R5994, 24_000), (encode(".mp4"),)),
    Trial("uneven.mp4", varied(16_000), (encode(".mp4"),)),
    Trial("8khz-aac.mp4", scene(25, 8000), (encode(".mp4"),)),
    Trial("opus.mp4", scene(R2997, 48_000), (encode(".mp4", "libx264", "libopus"),)),
]
MATROSKA = [
    Trial("23976-mpeg2.mkv", scene(R23976, 8000), (encode(".mkv", "mpeg2video", "pcm_s16le", tick=T23976),)),
    Trial("24-flac.mkv", scene(24, 44_100), (encode(".mkv", "libx264", "flac"),)),
    Trial("25-vp9-vorbis.mkv", scene(25, 48_000), (encode(".mkv", "libvpx-vp9", "libvorbis"),)),
    Trial("2997-ffv1-mp3.mkv", scene(R2997, 32_000), (encode(".mkv", "ffv1", "libmp3lame"),)),
    Trial("30-mulaw.mkv", scene(30, 8000), (encode(".mkv", "libx264", "pcm_mulaw"),)),
    Trial(
        "50-hevc-opus.mkv", scene(50, 48_000), (encode(".mkv", "libx265", "libopus"),), carried_s=PRE_SKIP_S
    ),
    Trial("5994-mp2.mkv", scene(R5994, 44_100), (encode(".mkv", "libx264", "mp2"),)),
    Trial("uneven-ac3.mkv", varied(32_000), (encode(".mkv", "libx264", "ac3"),)),
]
WEBM = [
    Trial(
        "23976-vp8.webm", scene(R23976, 48_000), (encode(".webm", "libvpx", "libopus"),), carried_s=PRE_SKIP_S
    ),
    Trial(
        "25-vp9.webm", scene(25, 24_000), (encode(".webm", "libvpx-vp9", "libopus"),), carried_s=PRE_SKIP_S
    ),
    Trial("2997-vorbis.webm", scene(R2997, 44_100), (encode(".webm", "libvpx", "libvorbis"),)),
    Trial("50.webm", scene(50, 16_000), (encode(".webm", "libvpx-vp9", "libopus"),), carried_s=PRE_SKIP_S),
    Trial("uneven.webm", varied(48_000), (encode(".webm", "libvpx", "libopus"),), carried_s=PRE_SKIP_S),
]
TRANSPORT = [
    Trial("23976-mpeg2.ts", scene(R23976, 48_000), (encode(".ts", "mpeg2video", "mp2", tick=T23976),)),
    Trial("24.ts", scene(24, 44_100), (encode(".ts"),)),
    Trial("25-ac3.ts", scene(25, 48_000), (encode(".ts", "mpeg2video", "ac3", tick="1:25"),)),
    Trial("2997-mp2.ts", scene(R2997, 32_000), (encode(".ts", "libx264", "mp2"),)),
    Trial("50.ts", scene(50, 48_000), (encode(".ts"),)),
    Trial("5994-hevc.ts", scene(R5994, 48_000), (encode(".ts", "libx265", "aac"),)),
    Trial("uneven.ts", varied(22_050), (encode(".ts"),)),
]
MOV = [
    Trial("23976-prores.mov", scene(R23976, 48_000), (encode(".mov", "prores", "pcm_s16le"),)),
    Trial("25-alac.mov", scene(25, 44_100), (encode(".mov", "libx264", "alac"),)),
    Trial("2997-mulaw.mov", scene(R2997, 8000), (encode(".mov", "libx264", "pcm_mulaw"),)),
    Trial("30-pcm.mov", scene(30, 11_025), (encode(".mov", "mpeg4", "pcm_s16le", tick="1:30"),)),
    Trial("5994.mov", scene(R5994, 48_000), (encode(".mov"),)),
    Trial("uneven.mov", varied(44_100), (encode(".mov", "mjpeg", "aac", "-strict", "-1"),)),
]
FRAGMENTS = [
    Trial("fragments-24.mp4", scene(24, 44_100), (encode(".mp4", "libx264", "aac", *FRAGMENTED),)),
    Trial("fragments-25.mp4", scene(25, 22_050), (encode(".mp4", "libx265", "aac", *FRAGMENTED),)),
    Trial("fragments-2997.mp4", scene(R2997, 48_000), (encode(".mp4", "libx264", "libopus", *FRAGMENTED),)),
    Trial(
        "fragments-5994.mp4", scene(R5994, 32_000), (encode(".mp4", "libx264", "libmp3lame", *FRAGMENTED),)
    ),
    Trial("fragments-uneven.mp4", varied(48_000), (encode(".mp4", "libx264", "aac", *FRAGMENTED),)),
]
PLAIN_AVI = ("-bf", "0")
AVI = [
    Trial("24-mp3.avi", scene(24, 44_100), (encode(".avi", "mpeg4", "libmp3lame", tick="1:24"),), None),
    Trial(
        "25-b-frames.avi",
        scene(25, 32_000),
        (encode(".avi", "mpeg4", "libmp3lame", "-bf", "2", tick="1:25"),),
        None,
    ),
    Trial("2997-pcm.avi", scene(R2997, 22_050), (encode(".avi", "mpeg4", "pcm_s16le", tick=T2997),)),
    Trial("23976-mjpeg.avi", scene(R23976, 8000), (encode(".avi", "mjpeg", "pcm_s16le", tick=T23976),)),
    Trial(
        "30-h264-ac3.avi",
        scene(30, 48_000),
        (encode(".avi", "libx264", "ac3", tick="1:30"),),
        None,
    ),
]

HALF = scene(25, 44_100, LONG_END)
EARLY = events_between(0, LONG_END)
EDITED = [
    Trial(
        "head-cut.mp4",
        scene(R2997, 44_100, LONG_END),
        (encode(".mp4"), cut(".mp4", "1.37")),
        carried_s=PICTURE_S,
    ),
    Trial(
        "head-cut.mov",
        scene(R23976, 48_000, LONG_END),
        (encode(".mov"), cut(".mov", "2.51")),
        carried_s=PICTURE_S,
    ),
    Trial(
        "head-cut-opus.mp4",
        HALF,
        (encode(".mp4", "libx264", "libopus"), cut(".mp4", "1.01")),
        carried_s=PICTURE_S,
    ),
    Trial("picture-delayed.mp4", HALF, (encode(".mp4"), delayed(".mp4", "v", "0.357")), -0.357),
    Trial("picture-delayed.mov", HALF, (encode(".mov"), delayed(".mov", "v", "0.571")), -0.571),
    Trial("sound-delayed.mp4", HALF, (encode(".mp4"), delayed(".mp4", "a", "0.413")), 0.413),
    Trial("sound-delayed.mov", HALF, (encode(".mov"), delayed(".mov", "a", "1.213")), 1.213),
    Trial(
        "sound-delayed-fragments.mp4",
        HALF,
        (encode(".mp4"), delayed(".mp4", "a", "0.413", *FRAGMENTED)),
        0.413,
    ),
    Trial(
        "picture-delayed-fragments.mp4",
        HALF,
        (encode(".mp4"), delayed(".mp4", "v", "0.357", *FRAGMENTED)),
        -0.357,
    ),
    Trial(
        "edited-fragments.mp4",
        HALF,
        (encode(".mp4"), delayed(".mp4", "v", "0.357", "-movflags", "frag_keyframe+delay_moov")),
        -0.357,
    ),
    Trial("picture-delayed.ts", HALF, (encode(".ts"), delayed(".ts", "v", "0.357")), -0.357),
    Trial("sound-delayed.mkv", HALF, (encode(".mkv"), delayed(".mkv", "a", "0.413")), 0.413),
    Trial("by-pyav.mp4", HALF, (encode(".mkv", "libx264", "ac3"), by_pyav(".mp4"))),
    Trial("by-pyav.mkv", HALF, (encode(".mp4", "libx264", "libopus"), by_pyav(".mkv"))),
    Trial("by-pyav.ts", HALF, (encode(".mp4"), by_pyav(".ts"))),
    Trial("by-pyav-fragments.mp4", HALF, (encode(".mp4"), by_pyav(".mp4", movflags=FRAGMENTED[1]))),
    Trial("head-cut.mkv", HALF, (encode(".mkv"), cut(".mkv", "2.51"))),
]


def starting(
    picture: float, sound: float, picture_end: float = LONG_END, sound_end: float = LONG_END
) -> Scene:
    """A scene of which each stream has only a part."""
    pictures = steady(R2997, picture, picture_end)
    return scene(R2997, 44_100, LONG_END, pictures=pictures, sound=[(sound, sound_end)], events=EARLY)


ENDS = [
    Trial("picture-late.mkv", starting(0.71, 0), (encode(".mkv"),)),
    Trial("picture-late.mp4", starting(0.71, 0), (encode(".mp4"),)),
    Trial(
        "picture-late.webm", starting(0.71, 0), (encode(".webm", "libvpx", "libopus"),), carried_s=PRE_SKIP_S
    ),
    Trial("sound-late.ts", starting(0, 0.517), (encode(".ts"),)),
    Trial(
        "sound-late.webm",
        starting(0, 0.517),
        (encode(".webm", "libvpx-vp9", "libopus"),),
        carried_s=PRE_SKIP_S,
    ),
    Trial("sound-late.mov", starting(0, 0.517), (encode(".mov", "libx264", "pcm_s16le"),)),
    Trial("sound-ends.mp4", starting(0, 0, LONG_END, 7.5), (encode(".mp4"),), reasons=("no_sound",)),
    Trial("sound-ends.ts", starting(0, 0, LONG_END, 7.5), (encode(".ts"),), reasons=("no_sound",)),
    Trial(
        "sound-ends.avi",
        starting(0, 0, LONG_END, 7.5),
        (encode(".avi", "mpeg4", "pcm_s16le", tick=T2997),),
        reasons=("no_sound",),
    ),
    Trial("picture-ends.mkv", starting(0, 0, 7.5), (encode(".mkv"),), reasons=("no_picture",)),
    Trial("picture-ends.mp4", starting(0, 0, 7.5), (encode(".mp4"),), reasons=("no_picture",)),
]

GAPS = ((1.7, 2.05), (4.4, 7.4))
BROKEN_SOUND = [(0, 1.7), (2.05, 4.4), (7.4, LONG_END)]
SOUND = [
    Trial("gaps-pcm.mkv", scene(25, 44_100, LONG_END, sound=BROKEN_SOUND), (copy(".mkv"),)),
    Trial("gaps-aac.mkv", HALF, (encode(".mkv"), without_packets(".mkv", "a", *GAPS))),
    Trial("gaps-aac.mp4", HALF, (encode(".mp4"), without_packets(".mp4", "a", *GAPS))),
    Trial(
        "gaps-opus.webm",
        HALF,
        (encode(".webm", "libvpx", "libopus"), without_packets(".webm", "a", *GAPS)),
        carried_s=2 * PRE_SKIP_S,
    ),
    Trial("gaps-aac.ts", HALF, (encode(".ts"), without_packets(".ts", "a", (3.1, 3.4), (5.8, 8.8)))),
    Trial(
        "overlaps.mkv",
        scene(25, 48_000, LONG_END, sound=[(0, 2.0), (1.95, 5.1), (4.85, LONG_END)], packet=19_200),
        (encode(".mkv", "libx264", "copy"),),
    ),
    Trial("slow-clock.mkv", scene(25, 48_000, LONG_END, stretch=1.001), (copy(".mkv"),)),
    Trial(
        "fast-clock.mkv", scene(R2997, 44_100, LONG_END, stretch=0.999), (encode(".mkv", "libx264", "copy"),)
    ),
    Trial(
        "commentary.mkv",
        scene(25, 48_000, tracks=(False, True)),
        (encode(".mkv", "libx264", "aac", "-disposition:a:0", "comment", "-disposition:a:1", "default"),),
    ),
    Trial(
        "commentary.mp4",
        scene(R2997, 44_100, tracks=(False, True)),
        (encode(".mp4", "libx264", "aac", "-disposition:a:0", "comment", "-disposition:a:1", "default"),),
    ),
    Trial("centre.mkv", scene(25, 48_000, layout="5.1", heard=(2,)), (encode(".mkv", "libx264", "ac3"),)),
    Trial("left.mp4", scene(R2997, 44_100, layout="5.1", heard=(0,)), (encode(".mp4"),)),
    Trial("surround.ts", scene(50, 48_000, layout="5.1", heard=(2,)), (encode(".ts", "libx264", "ac3"),)),
]


def without_head(whole: bytes, share: float = 0.3) -> bytes:
    """A transport stream from a packet on somewhere within a picture."""
    return whole[round(len(whole) * share) // TS_PACKET * TS_PACKET :]


OPEN = ("-x264-params", "open-gop=1:keyint=24:min-keyint=24:scenecut=0:bframes=3:b-adapt=0:b-pyramid=0")
INTERLACED = ("-flags", "+ilme+ildct", "-vf", "interlace")
PICTURE = [
    Trial("open-gop.mkv", HALF, (encode(".mkv", "libx264", "aac", *OPEN), cut(".mkv", "2.3"))),
    Trial("open-gop.ts", HALF, (encode(".ts", "libx264", "aac", *OPEN), cut(".ts", "2.3"))),
    Trial(
        "open-gop.mp4",
        HALF,
        (encode(".mp4", "libx264", "aac", *OPEN), cut(".mp4", "2.3")),
        carried_s=PICTURE_S,
    ),
    Trial(
        "recorded-mid-stream.ts",
        HALF,
        (encode(".ts", "libx264", "aac", *OPEN), on_bytes(".ts", without_head)),
    ),
    Trial(
        "recorded-mid-stream-mpeg2.ts",
        HALF,
        (
            encode(".ts", "mpeg2video", "mp2", tick="1:25"),
            on_bytes(".ts", without_head),
        ),
    ),
    Trial(
        "interlaced.ts", scene(50, 48_000), (encode(".ts", "mpeg2video", "mp2", *INTERLACED, tick="1:25"),)
    ),
    Trial("interlaced.mkv", scene(R5994, 44_100), (encode(".mkv", "libx264", "aac", *INTERLACED),)),
    Trial("rotated.mp4", scene(R2997), (encode(".mp4"), copy(".mp4", "-metadata:s:v", "rotate=90"))),
    Trial("anamorphic.mkv", scene(25), (encode(".mkv", "libx264", "aac", "-vf", "setsar=16/11"),)),
    Trial(
        "anamorphic.ts", scene(25), (encode(".ts", "mpeg2video", "ac3", "-vf", "setsar=4/3", tick="1:25"),)
    ),
    Trial(
        "hdr.mkv",
        scene(24),
        (
            encode(
                ".mkv",
                "libx265",
                "flac",
                *("-pix_fmt", "yuv420p10le", "-color_primaries", "bt2020"),
                *("-color_trc", "smpte2084", "-colorspace", "bt2020nc"),
            ),
        ),
    ),
    Trial(
        "hlg.mp4",
        scene(50),
        (
            encode(
                ".mp4",
                "libx264",
                "aac",
                *("-pix_fmt", "yuv420p10le", "-color_primaries", "bt2020"),
                *("-color_trc", "arib-std-b67", "-colorspace", "bt2020nc"),
            ),
        ),
    ),
]


def at(seconds: float) -> tuple[str, ...]:
    """Options by which the source's clock begins `seconds` later, give or take what the muxer adds."""
    return "-output_ts_offset", f"{float(seconds):.4f}"


def joined(later: str) -> Step:
    """The source, and again behind it with its clock set `later` seconds on, byte behind byte."""
    again = copy(".ts", "-mpegts_copyts", "1", "-output_ts_offset", later)

    def work(source: Path, target: Path) -> None:
        shifted = target.with_name("shifted.ts")
        again.work(source, shifted)
        target.write_bytes(source.read_bytes() + shifted.read_bytes())
        shifted.unlink()

    return Step(".ts", work)


GAP = ("no_sound", "no_picture")
BACK = ("clock_turns_back",)
CLOCKS = [
    Trial("wrapped.ts", HALF, (encode(".ts", "libx264", "aac", *at(WRAP_S - 5)),)),
    Trial(
        "wrapped-late.ts", scene(R2997, 48_000, LONG_END), (encode(".ts", "libx264", "mp2", *at(WRAP_S - 8)),)
    ),
    Trial("wrapped-at-once.ts", HALF, (encode(".ts", "libx264", "aac", *at(WRAP_S - Fraction(8, 5))),)),
    Trial(
        "wrapped-in-one-stream.ts",
        scene(25, 48_000, LONG_END, sound=[(0.4, LONG_END)]),
        (encode(".ts", "libx264", "aac", *at(WRAP_S - Fraction(16, 10))),),
    ),
    Trial("jumps-back.ts", HALF, (encode(".ts"), joined("0.413")), None, reasons=BACK, refusable=True),
    Trial("jumps-back-a-little.ts", HALF, (encode(".ts"), joined("8.1")), None, reasons=BACK, refusable=True),
    Trial("jumps-on.ts", HALF, (encode(".ts"), joined("11.6")), reasons=GAP, refusable=True),
    Trial("jumps-on-an-hour.ts", HALF, (encode(".ts"), joined("3600")), reasons=GAP, refusable=True),
    Trial(
        "sound-an-hour-late.mkv",
        HALF,
        (encode(".mkv"), delayed(".mkv", "a", "3600")),
        3600.0,
        reasons=("too_short", "no_common_clock", "corrupt"),
        refusable=True,
    ),
]

TRIALS: Sequence[Trial] = (
    *MP4,
    *MATROSKA,
    *WEBM,
    *TRANSPORT,
    *MOV,
    *FRAGMENTS,
    *AVI,
    *EDITED,
    *ENDS,
    *SOUND,
    *PICTURE,
    *CLOCKS,
)
