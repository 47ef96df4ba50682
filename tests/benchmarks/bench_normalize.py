"""What exactness costs: our wall time against a bare ffmpeg transcode with the same encoder settings.

    python -m tests.benchmarks.bench_normalize [--seconds 150] [--rounds 2]

Both work on the same generated 720p source in turns, so that a busy machine is busy for both; the smallest time
of each counts. The bare command makes one file and no promise about its clocks.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from schemas.recipe import Media
from tasks.media import normalize

MEDIA = Media(clip_length="1 min")


def make_source(folder: Path, seconds: int) -> Path:
    """29.97 fps, 1280x720, with moving parts and grain; 44.1 kHz sound."""
    path = folder / "source.mp4"
    picture = f"testsrc2=size=1280x720:rate=30000/1001:duration={seconds},noise=alls=8:allf=t"
    sound = f"sine=440:beep_factor=4:sample_rate=44100:duration={seconds}"
    run("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-preset", "veryfast",
        "-b:v", "3M", "-pix_fmt", "yuv420p", "-c:a", "aac", path)  # fmt: skip
    return path


def bare(source: Path, folder: Path) -> None:
    run("-i", source, "-vf", f"fps=25,scale=-2:{MEDIA.short_side}", "-c:v", "libx264", "-preset", MEDIA.preset,
        "-crf", MEDIA.crf, "-g", 50, "-profile:v", "high", "-c:a", "aac", "-b:a", MEDIA.audio_bit_rate, "-ac", 1,
        "-ar", 16_000, "-movflags", "+faststart", folder / "bare.mp4")  # fmt: skip


def ours(source: Path, folder: Path) -> None:
    made = normalize(source, None, MEDIA, folder / "clips", lambda start, end: f"{start}_{end}.mp4")
    if not made.clips:
        raise SystemExit("no clip was made: nothing was measured")


def timed(work: Callable[[Path, Path], None], source: Path, folder: Path) -> tuple[float, float]:
    """Wall and processor seconds."""
    before, started = processor_seconds(), time.perf_counter()
    work(source, folder)
    return time.perf_counter() - started, processor_seconds() - before


def processor_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in both)


def run(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--seconds", type=int, default=150, help="length of the source (default: %(default)s)"
    )
    options.add_argument("--rounds", type=int, default=2, help="how often each is run (default: %(default)s)")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = make_source(folder, chosen.seconds)
        rounds = [
            {work.__name__: timed(work, source, folder) for work in (bare, ours)}
            for _ in range(chosen.rounds)
        ]
    best = {name: tuple(min(each[name][n] for each in rounds) for n in (0, 1)) for name in ("bare", "ours")}
    table = Table(
        "", "wall s", "processor s", "x real time", title=f"{chosen.seconds} s of 720p at 29.97 fps"
    )
    for name, (wall, processor) in best.items():
        table.add_row(name, f"{wall:.1f}", f"{processor:.1f}", f"{chosen.seconds / wall:.1f}")
    ratios = [f"{best['ours'][n] / best['bare'][n]:.2f}" for n in (0, 1)]
    table.add_row("ours / bare", *ratios, "", style="bold")
    Console().print(table)


if __name__ == "__main__":
    main()
