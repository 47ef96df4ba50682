"""All analyses of a profile together: how fast on two cores, where the time goes, and how much memory.

    python -m tests.benchmarks.bench_analyses --data ../shared/data [--profile light] [--clips 100] [--workers 2]

Talking-head clips in normal form go through every stage after `normalize`, each worker taking the next clip, as
the pipeline's workers take shards. The table gives processor seconds by stage (those that watch a clip share the
line `decode`), and how many seconds of clip they take on in one. Then the clips are gone over again until
`--clips` are done, while the memory of the process is looked at. Normalising a 720p source in the same run is the
yardstick: the analyses should not dwarf it.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from threading import local

import psutil
from rich.console import Console
from rich.table import Table

from flows.pipeline import STAGES
from schemas.sections import Media
from tasks.media import normalize
from tasks.media.fanout import Reader, fan_out
from tasks.workspace.stage import Context, Item, Produced
from tests.benchmarks.bench_fanout import run
from tests.benchmarks.speaker_clips import KEPT, asd_minis, context_of, normalised, panda

ANALYSES = [stage for stage in STAGES.values() if stage.works_on == "clip"]
MIB = 2**20


class Analyses:
    """Every analysis of a profile, opened; counts processor seconds by stage."""

    def __init__(self, context: Context) -> None:
        self.watchers = {stage.name: stage.watch(context) for stage in ANALYSES if stage.watch}
        self.workers = {stage.name: stage.open(context) for stage in ANALYSES if not stage.watch}
        self.seconds: Counter[str] = Counter()

    def of(self, item: Item) -> Item:
        """The clip with the records of every stage."""
        readers = {name: self._timed(name, watcher(item)) for name, watcher in self.watchers.items()}
        with self._clock("decode"):
            records = {n: p.rows for n, p in fan_out(Path(item.row["path"]), readers).items()}
        for name, worker in self.workers.items():
            with self._clock(name):
                records[name] = worker(Item(item.id, item.video_id, item.row, records)).rows
        return Item(item.id, item.video_id, item.row, records)

    def _timed(self, name: str, reader: Reader) -> Reader:
        def consume(batches: Iterator) -> Produced:
            with self._clock(name):
                return reader.consume(batches)

        return Reader(reader.view, consume)

    def _clock(self, name: str) -> _Clock:
        return _Clock(self.seconds, name)


class _Clock:
    """Adds the processor seconds of this thread to a counter."""

    def __init__(self, seconds: Counter[str], name: str) -> None:
        self.seconds, self.name = seconds, name

    def __enter__(self) -> None:
        self.started = time.thread_time()

    def __exit__(self, *error: object) -> None:
        self.seconds[self.name] += time.thread_time() - self.started


def all_at_work(
    context: Context, items: Sequence[Item], workers: int, after: Callable[[], None]
) -> tuple[float, float, Counter[str]]:
    """Wall seconds, processor seconds of the process, and those by stage; opening the models is not counted."""
    with ThreadPoolExecutor(workers) as pool:
        opened = [Analyses(context) for _ in range(workers)]
        free, mine = list(opened), local()

        def analyse(item: Item) -> None:
            if not hasattr(mine, "analyses"):
                mine.analyses = free.pop()
            mine.analyses.of(item)
            after()

        started, busy = time.perf_counter(), time.process_time()
        list(pool.map(analyse, items))
        wall, busy = time.perf_counter() - started, time.process_time() - busy
    return wall, busy, sum((analyses.seconds for analyses in opened), Counter())


def normalising_speed(folder: Path, seconds: int = 60) -> float:
    """Seconds of a generated 720p source that are normalised in one second."""
    source = folder / "source.mp4"
    picture, sound = (
        f"testsrc2=size=1280x720:rate=30:duration={seconds},noise=alls=6:allf=t",
        f"sine=440:r=48000:d={seconds}",
    )
    encoder = ("-c:v", "libx264", "-preset", "veryfast", "-crf", 23, "-c:a", "aac", "-pix_fmt", "yuv420p")
    run("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *encoder, source)
    started = time.perf_counter()
    normalize(source, None, Media(), folder, lambda start, end: f"{start}.mp4")
    return seconds / (time.perf_counter() - started)


def _named(item: Item) -> Item:
    """The clip under an id that can name a file."""
    name = item.id.replace("/", "_")
    return Item(name, name, item.row)


def table_of_costs(title: str, busy: float, by_stage: Counter[str], clip_seconds: float) -> Table:
    """Where the processor's time goes; `rest` is what threads of the libraries and the pool take beside."""
    by_stage = by_stage | Counter(rest=max(0.0, busy - by_stage.total()))
    table = Table("stage", "processor s", "share", "s of clip per processor s", title=title)
    for name, spent in by_stage.most_common():
        table.add_row(name, f"{spent:.1f}", f"{spent / busy:.0%}", f"{clip_seconds / max(spent, 1e-6):.1f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=KEPT, help="where normalised clips are kept")
    parser.add_argument("--profile", default="light")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    wanted = parser.parse_args()
    console, context = Console(width=120), context_of(wanted.profile, wanted.data, wanted.folder)
    labelled = [clip for clip in asd_minis(wanted.data) if clip.kind == "orig"]
    labelled += [clip for clip in panda(wanted.data) if clip.kind == "talking_head"]
    some = [_named(normalised(wanted.data, context.root, clip)) for clip in labelled]
    items = list(islice(cycle(some), wanted.clips))
    memory: list[int] = []
    resident = psutil.Process().memory_info
    with console.status(f"{len(items)} clips"):
        wall, busy, by_stage = all_at_work(
            context, items, wanted.workers, lambda: memory.append(resident().rss)
        )
    seconds = sum(item.row["duration_ms"] for item in items) / 1000
    title = f"{wanted.profile}: {len(items)} talking-head clips, {seconds:.0f} s"
    console.print(table_of_costs(title, busy, by_stage, seconds))
    with tempfile.TemporaryDirectory() as folder:
        speed = normalising_speed(Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    fifth = len(memory) // 5
    fifths = [max(memory[n * fifth : (n + 1) * fifth]) // MIB for n in range(5)]
    console.print(f"together, {wanted.workers} workers: {seconds / wall:.1f} x real time")
    console.print(f"normalising a 720p source in this run: {speed:.1f} x real time")
    console.print(f"the analyses take {wall / seconds * speed:.1f} times as long as normalising")
    console.print(f"peak memory {peak / MIB:.0f} MiB; most in each fifth of the clips: {fifths} MiB")


if __name__ == "__main__":
    main()
