"""How much like the rest held-out sets are, how near shares come to what is asked, and what it costs.

    python -m tests.benchmarks.bench_splits [--libraries 50] [--largest 100000]

Prints tables in Markdown; takes about two minutes on one processor. Three kinds of made-up libraries are split:
nine channels of long videos in one lot, the same in lots of seven, and 1,500 channels with two videos each. There are
three ways: that of `tasks.splits.assign`; by lot (the order of digests, each split filled as long as it lacks half a
video, which was the way before); and shortest first, as the script does that made the public RealSync lists. Told is
by how much dev and test are away from the whole library, and how many times as far the others are as the first. Then
the time and memory of splitting at growing numbers of videos, by the rows of a manifest.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich import box
from rich.console import Console
from rich.table import Table

from schemas.sections import Splits
from tasks.splits import split_videos
from tasks.splits.assign import Units, assign
from tasks.splits.videos import measures
from tests.splits.making import PART

SHARES = Splits()
TRAIN, DEV, TEST = range(3)
EVENTS = 10


@dataclass(frozen=True)
class Library:
    """Videos: channel (n,), length and what is in it, ms (n,), the classes of sounds (EVENTS, n)."""

    channel: np.ndarray
    duration_ms: np.ndarray
    talking_ms: np.ndarray
    heard_ms: np.ndarray

    def first(self, count: int) -> Library:
        some = (self.channel[:count], self.duration_ms[:count], self.talking_ms[:count])
        return Library(*some, self.heard_ms[:, :count])


def library(seed: int, channels: int, videos: int, shortest_min: float) -> Library:
    """Channels differ in what is in them, and longer videos have more talk; nothing is drawn from real data."""
    rng = np.random.default_rng(seed)
    channel = rng.permutation(np.arange(videos) % channels)
    talk, loud = rng.uniform(0.5, 4, channels), rng.dirichlet(np.full(EVENTS, 0.6), channels).T
    minutes = shortest_min * (1 + rng.lognormal(0, 0.9, videos) * rng.uniform(0.5, 2, channels)[channel])
    lean = np.log(minutes / np.median(minutes))
    talking = rng.beta(np.exp(0.3 * lean) * talk[channel], 2.0)
    heard = 0.6 * loud[:, channel] * rng.gamma(1.0, 1.0, (EVENTS, videos))
    duration_ms = (60_000 * minutes).astype(np.int64)
    return Library(
        channel, duration_ms, (talking * duration_ms).astype(np.int64), heard.clip(0, 1) * duration_ms
    )


def chosen(some: Library, fixed: np.ndarray) -> np.ndarray:
    names = [f"v{place}" for place in range(len(some.channel))]
    channels, channel = np.unique(some.channel, return_inverse=True)
    parts, wholes = measures(some.duration_ms, [some.talking_ms, *some.heard_ms])
    ones = np.ones(len(names), np.int64)
    units = Units(names, [f"c{c}" for c in channels], channel, some.duration_ms, ones, fixed, parts, wholes)
    return assign(units, SHARES)


def by_lot(some: Library, fixed: np.ndarray) -> np.ndarray:
    """In the order of digests; within each channel a held-out split gets a video once it lacks half of one."""
    side = fixed.copy()
    order = sorted(range(len(side)), key=lambda place: hashlib.sha256(f"v{place}".encode()).digest())
    for channel in np.unique(some.channel):
        members = some.channel == channel
        given = members & (side >= 0)
        filled = np.bincount(side[given], some.duration_ms[given], 3)
        count = int(given.sum())
        for place in (place for place in order if members[place] and side[place] < 0):
            lacks = 0.05 * filled.sum() - filled[1:]
            best = int(np.argmax(lacks))
            lacking = count and lacks[best] >= filled.sum() / count / 2 > 0
            side[place] = best + 1 if lacking else TRAIN
            filled[side[place]] += some.duration_ms[place]
            count += 1
    return side


def shortest_first(some: Library, fixed: np.ndarray) -> np.ndarray:
    """Ascending by length, within each channel: test until it has its share, dev until it has, train."""
    side = fixed.copy()
    for channel in np.unique(some.channel):
        members = np.flatnonzero(some.channel == channel)
        total = some.duration_ms[members].sum()
        filled = np.bincount(
            side[members][side[members] >= 0], some.duration_ms[members][side[members] >= 0], 3
        )
        for place in members[np.argsort(some.duration_ms[members], kind="stable")]:
            if side[place] < 0:
                lacking = [split for split in (TEST, DEV) if filled[split] < 0.05 * total]
                side[place] = lacking[0] if lacking else TRAIN
                filled[side[place]] += some.duration_ms[place]
    return side


WAYS: Mapping[str, Callable[[Library, np.ndarray], np.ndarray]] = {
    "chosen": chosen,
    "by lot": by_lot,
    "shortest first": shortest_first,
}
MEASURES = ("mean length", "lengths (KS)", "talking head", "sounds", "channels", "share of split")


def away(some: Library, side: np.ndarray) -> np.ndarray:
    """By how much dev and test, on average, are away from the whole library in each of MEASURES."""
    told = []
    total = some.duration_ms.sum()
    for split in (DEV, TEST):
        out = side == split
        held = some.duration_ms[out].sum()
        if not held:
            continue
        every = np.sort(some.duration_ms)
        below = np.searchsorted(np.sort(some.duration_ms[out]), every, "right") / out.sum()
        sounds = some.heard_ms[:, out].sum(axis=1) / held - some.heard_ms.sum(axis=1) / total
        count = int(some.channel.max()) + 1
        channels = [np.bincount(some.channel[s], some.duration_ms[s], count) for s in (out, np.s_[:])]
        told.append(
            [
                abs(some.duration_ms[out].mean() / some.duration_ms.mean() - 1),
                np.abs(below - np.arange(1, len(every) + 1) / len(every)).max(),
                abs(some.talking_ms[out].sum() / held - some.talking_ms.sum() / total),
                np.abs(sounds).mean(),
                np.abs(channels[0] / held - channels[1] / total).sum() / 2,
                abs(held / total - 0.05),
            ]
        )
    return np.mean(told, axis=0) if told else np.full(len(MEASURES), np.nan)


KINDS = {
    "9 channels, 670 videos, one lot": (9, 670, 20.0, 670),
    "9 channels, 670 videos, in lots of seven": (9, 670, 20.0, 7),
    "1,500 channels, 3,000 videos, one lot": (1500, 3000, 0.5, 3000),
}


def representativeness(console: Console, libraries: int) -> None:
    for kind, (channels, videos, shortest_min, lot) in KINDS.items():
        found: dict[str, list[np.ndarray]] = {way: [] for way in WAYS}
        for seed in range(libraries):
            whole = library(seed, channels, videos, shortest_min)
            for way, split in WAYS.items():
                side = np.empty(0, np.int8)
                for count in [*range(lot, videos, lot), videos]:
                    side = split(
                        whole.first(count), np.concatenate((side, np.full(count - len(side), -1, np.int8)))
                    )
                found[way].append(away(whole, side))
        means = {way: np.mean(told, axis=0) for way, told in found.items()}
        table = Table("way", *MEASURES, box=box.MARKDOWN, title=f"{kind}; {libraries} libraries")
        for way, mean in means.items():
            table.add_row(
                way,
                *(
                    "nothing held out" if np.isnan(value) else f"{value:.4f} ({value / best:.1f}×)"
                    for value, best in zip(mean, means["chosen"], strict=True)
                ),
            )
        console.print(table)


def manifest(folder: Path, videos: int) -> Path:
    """A manifest of so many videos, four clips each, a hundred videos a channel."""
    rng = np.random.default_rng(1)
    clips = 4 * videos
    video = np.arange(clips) // 4
    duration_ms = rng.integers(3_000, 300_000, clips)
    begins = rng.integers(0, 3_000, 2 * clips)
    names = pa.array([f"sound {number}" for number in range(40)]).take(
        pa.array(rng.zipf(1.5, 2 * clips) % 40)
    )
    kind = PART.field("audio_events").type.value_type
    spans = [begins, begins + rng.integers(200, 3_000, 2 * clips), names, names, rng.random(2 * clips)]
    events = pa.StructArray.from_arrays([pa.array(values) for values in spans], fields=list(kind))
    columns = {
        "clip_id": pa.array([f"v{v:08d}_{n % 4}" for n, v in enumerate(video)]),
        "video_id": pa.array([f"v{v:08d}" for v in video]),
        "channel": pa.array([f"c{v % max(videos // 100, 1)}" for v in video]),
        "duration_ms": pa.array(duration_ms),
        "talking_head_ms": pa.array((duration_ms * rng.random(clips)).astype(np.int64)),
        "voice_over_ms": pa.array((duration_ms * 0.1).astype(np.int64)),
        "audio_events": pa.ListArray.from_arrays(np.arange(0, 2 * clips + 1, 2, dtype=np.int32), events),
        "source_sha256": pa.array([f"{v:064x}" for v in video]),
        "frames_xxh3": pa.array([f"{n:032x}" for n in range(clips)]),
        "samples_xxh3": pa.array([f"{n:032x}" for n in range(clips)]),
        "level_dbfs": pa.array(np.full(clips, -20.0)),
    }
    table = pa.table({f.name: columns.get(f.name, pa.nulls(clips, f.type)) for f in PART}, schema=PART)
    path = folder / f"manifest-{videos}.parquet"
    pq.write_table(table, path)
    return path


def growth(console: Console, largest: int) -> None:
    table = Table("videos", "clips", "CPU s", "µs a video", "peak RSS, MB", box=box.MARKDOWN)
    with tempfile.TemporaryDirectory() as name:
        videos = 1_000
        while videos <= largest:
            path = manifest(Path(name), videos)
            started = time.process_time()
            split_videos([path], None, None, SHARES, Path(name))
            seconds = time.process_time() - started
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            cells = (f"{4 * videos:,}", f"{seconds:.2f}", f"{1e6 * seconds / videos:.0f}", f"{peak_mb:.0f}")
            table.add_row(f"{videos:,}", *cells)
            videos *= 10
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--libraries", type=int, default=50)
    parser.add_argument("--largest", type=int, default=100_000, help="videos, at most")
    given = parser.parse_args()
    console = Console(width=150)
    representativeness(console, given.libraries)
    growth(console, given.largest)


if __name__ == "__main__":
    main()
