"""Encoder settings by measurement: bytes, processor time and likeness for presets and CRFs, on real clips.

    python -m tests.benchmarks.bench_encoder [--seconds 6] [--presets veryfast,medium] [--crfs 10,18,23]

The clips are the first seconds of real files (see `CLIPS`), brought to 25 fps and 256 px once, and encoded by the
project's own encoder with every setting. Likeness is SSIM over all planes against what went into the encoder,
in dB too (10 dB: a tenth of the difference); processor time is the encoder's alone. Needs ../shared/data.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import tempfile
from dataclasses import dataclass
from math import log10
from pathlib import Path

import av
import numpy as np
from rich.console import Console
from rich.table import Table

from schemas.sections import Media
from schemas.units import FRAME_RATE, SAMPLES_PER_FRAME
from tasks.media.encode import ClipEncoder
from tasks.media.normalize import admitted
from tasks.media.pictures import decode_pictures
from tasks.media.scale import Scaler, clip_size

DATA = Path(__file__).parents[3] / "shared" / "data" / "videos"
CLIPS = (
    "talk/hevc_portrait_talk.mp4", "talk/tv_interview_split.mp4", "sports/badminton_0Bp8c3PfAAA.mp4",
    "music/vta-ldm__-BAKe6QGTUk_000030.mp4", "impact/vas_hammer_00323.mp4", "panda/0WjR6cSMi2A.3.mp4",
)  # fmt: skip
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "medium")
CRFS = (10, 15, 18, 20, 23, 28)


@dataclass(frozen=True)
class Cost:
    """Of one setting over all clips: bytes, processor seconds, frames, and the sum of 1 − SSIM over the frames."""

    bytes: int = 0
    processor_s: float = 0.0
    frames: int = 0
    unlike: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(one + two for one, two in zip(vars(self).values(), vars(other).values(), strict=True)))


def pictures_of(source: Path, seconds: int) -> list[av.VideoFrame]:
    """The first pictures of a file at about 25 a second, as clips show them."""
    info = admitted(source)
    scaler, frames = Scaler(info.video, clip_size(info, Media().short_side)), []
    for shown in decode_pictures(info):
        if len(frames) >= seconds * FRAME_RATE:
            break
        if shown.time >= len(frames) / FRAME_RATE:
            frames.append(scaler.scaled(shown.frame))
    return frames


def cost(frames: list[av.VideoFrame], media: Media, folder: Path) -> Cost:
    """Encode once, decode it with ffmpeg and compare."""
    clip, raw = folder / "clip.mp4", folder / "raw.yuv"
    size = frames[0].width, frames[0].height
    if not raw.exists():
        raw.write_bytes(b"".join(frame.to_ndarray().tobytes() for frame in frames))
    before = processor_seconds()
    encoder = ClipEncoder(clip, size, media)
    for frame in frames:
        encoder.add(frame)
    encoder.finish(np.zeros(len(frames) * SAMPLES_PER_FRAME, np.int16))
    spent = processor_seconds() - before
    form = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{size[0]}x{size[1]}", "-r", str(FRAME_RATE)]
    compare = ["-i", str(clip), *form, "-i", str(raw), "-lavfi", "ssim", "-f", "null", "-"]
    said = subprocess.run(["ffmpeg", "-nostdin", *compare], capture_output=True, text=True, check=True).stderr
    likeness = float(re.search(r"All:([\d.]+)", said).group(1))
    return Cost(clip.stat().st_size, spent, len(frames), (1 - likeness) * len(frames))


def processor_seconds() -> float:
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=int, default=6, help="of each clip (default: %(default)s)")
    options.add_argument("--presets", default=",".join(PRESETS), help="(default: %(default)s)")
    options.add_argument("--crfs", default=",".join(map(str, CRFS)), help="(default: %(default)s)")
    chosen = options.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"{DATA} is not here: nothing was measured")
    presets, crfs = chosen.presets.split(","), [int(crf) for crf in chosen.crfs.split(",")]
    totals = {(preset, crf): Cost() for preset in presets for crf in crfs}
    for name in CLIPS:
        frames = pictures_of(DATA / name, chosen.seconds)
        with tempfile.TemporaryDirectory() as folder:
            for preset, crf in totals:
                totals[preset, crf] += cost(frames, Media(preset=preset, crf=crf), Path(folder))
    show(totals)


def show(totals: dict[tuple[str, int], Cost]) -> None:
    default = Media()
    base = totals.get((default.preset, default.crf), next(iter(totals.values())))
    seconds = base.frames / FRAME_RATE
    table = Table("preset", "CRF", "kbit/s", "bytes, of the default's", "processor s per s", "SSIM", "dB",
                  title=f"{len(CLIPS)} real clips, {seconds:.0f} s, shorter side 256 px")  # fmt: skip
    for (preset, crf), total in totals.items():
        unlike = total.unlike / total.frames
        chosen = (preset, crf) == (default.preset, default.crf)
        table.add_row(
            preset, str(crf), f"{total.bytes * 8 / seconds / 1000:.0f}", f"{total.bytes / base.bytes:.2f}",
            f"{total.processor_s / seconds:.3f}", f"{1 - unlike:.4f}", f"{-10 * log10(unlike):.1f}",
            style="bold" if chosen else "",
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
