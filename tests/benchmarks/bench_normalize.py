"""What exactness costs: our wall time against two ffmpeg commands with the same encoder settings.

    python -m tests.benchmarks.bench_normalize [--seconds 600] [--rounds 2]

- bare: one command that only transcodes the source into one file, with no promise about its clocks;
- two steps: the same, and then the segment muxer cuts the file into clips, as is commonly done.

All work on the same generated 720p source in turns, so that a busy machine is busy for all; the smallest time of
each counts. Ours decodes, cuts, encodes, and certifies every clip by decoding it again.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from schemas.sections import Media
from tasks.media import normalize

MEDIA = Media(clip_length="1 min")
LOOPED_S = 30
X264 = "keyint=50:min-keyint=50:scenecut=0:open-gop=0:8x8dct=1"


def make_source(folder: Path, seconds: int) -> Path:
    """29.97 fps, 1280x720, with moving parts and grain; 44.1 kHz sound; the same half minute over and over."""
    once, path = folder / "once.mp4", folder / "source.mp4"
    picture = f"testsrc2=size=1280x720:rate=30000/1001:duration={LOOPED_S},noise=alls=8:allf=t"
    sound = f"sine=440:beep_factor=4:sample_rate=44100:duration={LOOPED_S}"
    run("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-preset", "veryfast",
        "-b:v", "3M", "-pix_fmt", "yuv420p", "-c:a", "aac", once)  # fmt: skip
    run("-stream_loop", seconds // LOOPED_S - 1, "-i", once, "-c", "copy", path)
    return path


def bare(source: Path, folder: Path) -> None:
    run("-i", source, "-vf", f"fps=25,scale=-2:{MEDIA.short_side}", "-c:v", "libx264", "-preset", MEDIA.preset,
        "-crf", MEDIA.crf, "-profile:v", "high", "-x264-params", X264, "-c:a", "aac", "-b:a",
        MEDIA.audio_bit_rate, "-ac", 1, "-ar", 16_000, "-movflags", "+faststart", folder / "bare.mp4")  # fmt: skip


def two_steps(source: Path, folder: Path) -> None:
    bare(source, folder)
    length = MEDIA.clip_length / 1000
    run("-i", folder / "bare.mp4", "-c", "copy", "-f", "segment", "-segment_time", length, "-reset_timestamps", 1,
        folder / "%03d.mp4")  # fmt: skip


def ours(source: Path, folder: Path) -> None:
    made = normalize(source, None, MEDIA, folder / "clips", lambda start, end: f"{start}_{end}.mp4")
    if not made.clips:
        raise SystemExit("no clip was made: nothing was measured")


def timed(work: Callable[[Path, Path], None], source: Path, folder: Path) -> tuple[float, float]:
    """Wall and processor seconds; what was written is removed again."""
    scratch = folder / work.__name__
    scratch.mkdir()
    before, started = processor_seconds(), time.perf_counter()
    work(source, scratch)
    spent = time.perf_counter() - started, processor_seconds() - before
    shutil.rmtree(scratch)
    return spent


def processor_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in both)


def run(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--seconds", type=int, default=600, help="length of the source (default: %(default)s)"
    )
    options.add_argument("--rounds", type=int, default=2, help="how often each is run (default: %(default)s)")
    chosen = options.parse_args()
    works = (bare, two_steps, ours)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = make_source(folder, chosen.seconds)
        rounds = [
            {work.__name__: timed(work, source, folder) for work in works} for _ in range(chosen.rounds)
        ]
    best = {
        work.__name__: tuple(min(each[work.__name__][n] for each in rounds) for n in (0, 1)) for work in works
    }
    title = f"{chosen.seconds} s of 720p at 29.97 fps, {MEDIA.preset} at CRF {MEDIA.crf}"
    table = Table("", "wall s", "processor s", "x real time", title=title)
    for label, (wall, processor) in best.items():
        table.add_row(
            label.replace("_", " "), f"{wall:.1f}", f"{processor:.1f}", f"{chosen.seconds / wall:.1f}"
        )
    for other in ("bare", "two_steps"):
        ratios = (f"{best['ours'][n] / best[other][n]:.2f}" for n in (0, 1))
        table.add_row(f"ours / {other.replace('_', ' ')}", *ratios, "", style="bold")
    Console().print(table)


if __name__ == "__main__":
    main()
