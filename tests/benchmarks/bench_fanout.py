"""What it costs to show one decode of a clip to three analyses, in time and in memory.

    python -m tests.benchmarks.bench_fanout [--seconds 60] [--long 600] [--rounds 3] [--size 456x256]

Each of these reads the same generated clip in turns, round after round, so that a busy machine is busy for all; the
smallest times count:

    bare decode     PyAV, frames thrown away
    one reader      the dearest view alone: BGR at full size
    three readers   BGR at full size (as shots), gray at full size (as speakers), 64x36 gray (as motion)
    one by one      the same three, each with a decode of its own

Readers only count frames, so that nothing but decoding, converting and handing out is measured. Then the peak memory
of a child process that shows a short and a long clip to the three, less what it takes before it opens the clip.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
from rich.console import Console
from rich.table import Table

from tasks.media.fanout import Reader, fan_out
from tasks.media.frames import FrameBatch, View

THREE = {
    "bgr": View(colour="bgr"),
    "gray": View(colour="gray"),
    "small": View(size=(64, 36), colour="gray", batch=250),
}


def make_clip(folder: Path, seconds: int, size: str) -> Path:
    """Moving parts and grain at 25 fps, with sound, in normal form; a pattern of 20 s, repeated."""
    once, clip = folder / f"once-{size}.mp4", folder / f"{seconds}-{size}.mp4"
    if not once.exists():
        picture = f"testsrc2=size={size}:rate=25:duration=20,noise=alls=6:allf=t"
        sound = "sine=440:beep_factor=4:r=16000:d=20"
        encoder = ("-c:v", "libx264", "-preset", "veryfast", "-crf", 18, "-g", 50, "-pix_fmt", "yuv420p")
        run("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *encoder, "-c:a", "aac", once)
    run("-stream_loop", -1, "-i", once, "-t", seconds, "-c", "copy", "-movflags", "+faststart", clip)
    return clip


def run(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def count(batches: Iterator[FrameBatch]) -> int:
    return sum(len(batch.frames) for batch in batches)


def bare_decode(clip: Path) -> None:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "FRAME"
        stream.codec_context.thread_count = 2
        for _ in container.decode(stream):
            pass


def one_reader(clip: Path) -> None:
    fan_out(clip, {"bgr": Reader(THREE["bgr"], count)})


def three_readers(clip: Path) -> None:
    fan_out(clip, {name: Reader(view, count) for name, view in THREE.items()})


def one_by_one(clip: Path) -> None:
    for name, view in THREE.items():
        fan_out(clip, {name: Reader(view, count)})


def seconds_of(work: Callable[[Path], None], clip: Path) -> tuple[float, float]:
    """Wall and processor seconds."""
    before, started = processor_seconds(), time.perf_counter()
    work(clip)
    return time.perf_counter() - started, processor_seconds() - before


def processor_seconds() -> float:
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


def show_times(console: Console, clip: Path, title: str, rounds: int) -> None:
    works = (bare_decode, one_reader, three_readers, one_by_one)
    taken = [{work.__name__: seconds_of(work, clip) for work in works} for _ in range(rounds)]
    best = {
        work.__name__: tuple(min(each[work.__name__][n] for each in taken) for n in (0, 1)) for work in works
    }
    table = Table("", "wall s", "processor s", title=title)
    for name, times in best.items():
        table.add_row(name.replace("_", " "), *(f"{each:.2f}" for each in times))
    for name in ("one_reader", "bare_decode"):
        ratios = (
            f"{ours / theirs:.2f}" for ours, theirs in zip(best["three_readers"], best[name], strict=True)
        )
        table.add_row(f"three readers / {name.replace('_', ' ')}", *ratios, style="bold")
    console.print(table)


def peak_bytes(clip: Path) -> int:
    """Of a child process that shows the clip to the three readers, less what it takes before."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_fanout", "--child", str(clip)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def grow(clip: Path) -> int:
    before = high_water_bytes()
    three_readers(clip)
    return high_water_bytes() - before


def high_water_bytes() -> int:
    """The most memory that this process has held; getrusage would count what its parent held before the fork."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=int, default=60, help="length of the clip (default: %(default)s)")
    options.add_argument(
        "--long", type=int, default=600, help="length of the long clip (default: %(default)s)"
    )
    options.add_argument("--rounds", type=int, default=3, help="how often each is run (default: %(default)s)")
    options.add_argument(
        "--size", nargs="+", default=["456x256", "1280x720"], help="of the clips (default: %(default)s)"
    )
    options.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        print(grow(chosen.child))
        return
    console = Console(width=120)
    memory = Table(
        "", *(f"{seconds} s" for seconds in (chosen.seconds, chosen.long)), title="peak memory, MB"
    )
    with tempfile.TemporaryDirectory() as name:
        for size in chosen.size:
            clips = [make_clip(Path(name), seconds, size) for seconds in (chosen.seconds, chosen.long)]
            show_times(console, clips[0], f"{chosen.seconds} s at {size}", chosen.rounds)
            memory.add_row(size, *(f"{peak_bytes(clip) / 1e6:.0f}" for clip in clips))
    console.print(memory)


if __name__ == "__main__":
    main()
