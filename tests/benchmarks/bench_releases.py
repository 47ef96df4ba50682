"""What the bookkeeping of a version costs as a data set grows: time and memory, and against the plain way.

    python -m tests.benchmarks.bench_releases [--rows 1000000] [--folder DIR] [--plain 100000]

Invents manifests of 10^4, 10^5 … rows as wide as real ones (5 labels, 8 events, 3 votes; videos of 4 clips on many
channels), publishes a first version, and makes of it a second, in which 5 % of the videos are new, 1 % gone and 1 %
of the clips relabelled: splits, difference, tables, leakage certificate, report, documents, checksums. No clip is
opened. Prints Markdown: each step's time at each size, how it grows from one size to the next, and how the difference
compares with all rows as Python objects. Each size has a process of its own; memory is that process's peak, DuckDB's
included. 10^7 rows take about 25 GB of disk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.publishing import Publishing
from schemas.recipe import Recipe
from schemas.releases import PAIRS, TOMBSTONES
from schemas.review import BALLOT, FINDING
from tasks.manifests import PART
from tasks.releases import Release, publish
from tasks.releases.draft import draft_release
from tasks.releases.publish import Beside
from tasks.sounds.audioset import ontology
from tests.releases.plain import changes_between

RECIPE = Recipe(name="many", title="Many", release=Publishing(media="reference"))
CLIPS_OF_A_VIDEO = 4
ROWS_OF_A_SHARD = 1800
"""Four hours in clips of 8 s."""
CLIP_MS = 8000
EVENTS = list(ontology())[:400]
MOST_MINUTES, MOST_GB = 10.0, 4.0
"""For 10^7 rows on two cores."""


class Inventor:
    """Invents shards; what is long and alike in all of them is invented once and dealt out in another order."""

    def __init__(self) -> None:
        chance = random.Random(1)
        self.columns = {field.name: _column(field, chance) for field in PART}

    def shard(self, number: int, relabelled: bool, gone: bool) -> pa.Table:
        """The rows of one shard; in the second version some are relabelled, and some videos gone."""
        order = np.random.default_rng(number).permutation(ROWS_OF_A_SHARD)
        table = pa.table(self.columns, schema=PART).take(pa.array(order))
        counted = np.arange(ROWS_OF_A_SHARD)
        videos = [f"youtube-{number:06d}{place // CLIPS_OF_A_VIDEO:05d}" for place in counted]
        starts = (counted % CLIPS_OF_A_VIDEO) * CLIP_MS
        clips = [f"{video}_{start}_{start + CLIP_MS}" for video, start in zip(videos, starts, strict=True)]
        digests = [hashlib.sha256(clip.encode()).hexdigest() for clip in clips]
        new = {
            "video_id": videos,
            "clip_id": clips,
            "channel": [f"channel {(number * 7 + place // 200) % 997}" for place in counted],
            "source_start_ms": starts,
            "source_end_ms": starts + CLIP_MS,
            "sha256": digests,
            "frames_xxh3": [digest[:32] for digest in digests],
            "samples_xxh3": [digest[32:] for digest in digests],
            "source_sha256": [hashlib.sha256(video.encode()).hexdigest() for video in videos],
            "source_url": [f"https://www.youtube.com/watch?v={video[-11:]}" for video in videos],
        }
        for name, values in new.items():
            field = PART.field(name)
            table = table.set_column(table.schema.get_field_index(name), field, pa.array(values, field.type))
        if relabelled:
            other = pc.if_else(pa.array(counted % 100 == 7), "evident", table["evidence"])
            table = table.set_column(table.schema.get_field_index("evidence"), PART.field("evidence"), other)
        return table.filter(pa.array(counted // CLIPS_OF_A_VIDEO % 100 != 3)) if gone else table


def _column(field: pa.Field, chance: random.Random) -> pa.Array:
    return pa.array([_value(field, chance) for _ in range(ROWS_OF_A_SHARD)], field.type)


def _value(field: pa.Field, chance: random.Random):
    """Something that is as long as what a real row has there."""
    spans = [(k * 1000, k * 1000 + 1000) for k in range(8)]
    invented = {
        "labels": lambda: [
            _span(span, label="voice_over", probability=chance.random()) for span in spans[:5]
        ],
        "speech": lambda: [_span(span, score=chance.random()) for span in spans[:4]],
        "audio_events": lambda: [
            _span(span, id=chance.choice(EVENTS), name="Speech", score=chance.random()) for span in spans
        ],
        "review_votes": lambda: [_filled(BALLOT) for _ in range(3)],
        "review_findings": lambda: [_filled(FINDING)],
        "conditions": lambda: ["still"] if chance.random() < 0.1 else [],
        "active_box": lambda: [0, 0, 456, 256],
        "models": lambda: _models(field),
        "duration_ms": lambda: CLIP_MS,
        "other_ms": lambda: CLIP_MS,
        "talking_head_ms": lambda: 0,
        "scenario": lambda: chance.choice(["action", "singing", None]),
        "evidence": lambda: "uniform",
        "source_frame_rate": lambda: "30000/1001",
        "source_licence": lambda: "Creative Commons Attribution license (reuse allowed)",
        "list_split": lambda: None,
        "source_published": lambda: "2024-05-06",
    }
    if field.name in invented:
        return invented[field.name]()
    if pa.types.is_integer(field.type):
        return chance.randrange(10**6)
    if pa.types.is_floating(field.type):
        return chance.random()
    return f"{chance.getrandbits(64):016x}"


def _models(field: pa.Field):
    models = {
        name: f"model@{'0123456789abcdef'}" for name in ("faces", "speech", "turns", "speakers", "sounds")
    }
    if pa.types.is_map(field.type):
        return list(models.items())
    names = [child.name for child in field.type.value_type]
    return [dict(zip(names, pair, strict=True)) for pair in models.items()]


def _span(span: tuple[int, int], **more) -> dict:
    return {"start_ms": span[0], "end_ms": span[1], "track": None, **more}


def _filled(kind: pa.StructType) -> dict:
    return {field.name: "visible" if pa.types.is_string(field.type) else None for field in kind}


def invent(folder: Path, rows: int, second: bool) -> list[Path]:
    """The parts of a version; the second has 5 % more shards, and in each of them 1 % gone and 1 % relabelled."""
    folder.mkdir(parents=True)
    inventor, files = Inventor(), []
    first = max(1, round(rows / ROWS_OF_A_SHARD))
    for number in range(first + (max(1, first // 20) if second else 0)):
        changed = second and number < first
        files.append(folder / f"{number:06d}.parquet")
        pq.write_table(inventor.shard(number, changed, changed), files[-1], compression="zstd")
    return files


def invent_pairs(path: Path, rows: int) -> Path:
    """One video in a hundred is like the one in the next shard; written as if all had been compared."""
    shards = max(2, round(rows / ROWS_OF_A_SHARD))
    ids = [
        f"youtube-{number % shards:06d}{place:05d}"
        for number in range(shards)
        for place in (7, 107, 207, 307)
    ]
    others = [*ids[4:], *ids[:4]]
    columns = {
        "clip_id": [f"{video}_0_{CLIP_MS}" for video in ids],
        "video_id": ids,
        "other_clip": [f"{video}_0_{CLIP_MS}" for video in others],
        "other_video": others,
        "kind": ["both"] * len(ids),
        "overlap_ms": [CLIP_MS] * len(ids),
        "shorter_ms": [CLIP_MS] * len(ids),
    }
    counted = {
        "clips fingerprinted": 2 * rows,
        "pairs possible": rows**2,
        "pairs compared": rows,
        "pairs alike": len(ids),
    }
    metadata = {"counts": json.dumps(counted)}
    pq.write_table(pa.table(columns, schema=PAIRS).replace_schema_metadata(metadata), path)
    return path


@contextmanager
def timed(steps: dict[str, tuple[float, float]], name: str) -> Iterator[None]:
    began, cpu = time.perf_counter(), time.process_time()
    yield
    took = time.perf_counter() - began, time.process_time() - cpu
    before = steps.get(name, (0.0, 0.0))
    steps[name] = (before[0] + took[0], before[1] + took[1])
    print(f"{name}: {took[0]:.1f} s, processor {took[1]:.1f} s", file=sys.stderr, flush=True)


def measured(steps: dict, name: str, work: Callable) -> Callable:
    def call(*arguments, **named):
        with timed(steps, name):
            return work(*arguments, **named)

    return call


def release(root: Path, parts: Sequence[Path], pairs: Path, steps: dict) -> Release:
    """Draft and publish one version; each step's time is added to `steps`."""
    names = {
        "place": "tables", "certify": "leakage certificate", "report_tables": "report tables",
        "write_report": "report", "write_documents": "documents", "write_checksums": "checksums",
    }  # fmt: skip
    plain = {name: getattr(publish, name) for name in names}
    scratch = Path(tempfile.mkdtemp(dir=root))
    try:
        for name, says in names.items():
            setattr(publish, name, measured(steps, says, plain[name]))
        from tasks.splits import split_videos

        split = measured(steps, "splits", split_videos)
        with timed(steps, "draft, splits included"):
            draft = draft_release(root, RECIPE, parts, scratch, pairs, TOMBSTONES.empty_table(), split=split)
        models = {"faces": "model"}
        with timed(steps, "publication, all of it"):
            made = publish.publish(
                root, RECIPE, draft, Beside(models=models, pairs=pairs), date(2030, 1, 2), scratch
            )
    finally:
        for name, work in plain.items():
            setattr(publish, name, work)
        shutil.rmtree(scratch)
    return made


def size(rows: int, folder: Path) -> dict:
    """Measure one size in this process."""
    root = folder / str(rows)
    steps: dict[str, tuple[float, float]] = {}
    first = invent(root / "first", rows, second=False)
    pairs = invent_pairs(root / "pairs.parquet", rows)
    release(root, first, pairs, {})
    shutil.rmtree(root / "first")
    second = invent(root / "second", rows, second=True)
    began = time.perf_counter()
    made = release(root, second, pairs, steps)
    total = time.perf_counter() - began
    counts = (
        pq.read_table(made.folder / "changes.parquet", columns=["change"])["change"]
        .value_counts()
        .to_pylist()
    )
    found = {
        "rows": rows,
        "version": made.version,
        "changes": {each["values"]: each["counts"] for each in counts},
        "steps": steps,
        "total_s": total,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "table_gb": sum(file.stat().st_size for file in made.files()) / 1e9,
    }
    shutil.rmtree(root)
    return found


def plainly(rows: int, folder: Path) -> float:
    """Seconds that the comparison alone takes with all rows as Python objects."""
    root = folder / f"plain-{rows}"
    old, new = (invent(root / name, rows, second) for name, second in (("first", False), ("second", True)))
    began = time.perf_counter()
    sides = [
        [{**row, "split": "train"} for file in files for row in pq.read_table(file).to_pylist()]
        for files in (old, new)
    ]
    changes_between(*sides, PART.names, PART.names)
    took = time.perf_counter() - began
    shutil.rmtree(root)
    return took


def show(sizes: Sequence[dict], plain: dict[int, float]) -> None:
    names = list(sizes[0]["steps"])
    print("| step: s (processor s) | " + " | ".join(f"{found['rows']:,} rows" for found in sizes) + " |")
    print("| --- |" + " --- |" * len(sizes))
    for name in names:
        cells = (f"{found['steps'][name][0]:.1f} ({found['steps'][name][1]:.1f})" for found in sizes)
        print(f"| {name} | " + " | ".join(cells) + " |")
    for name, unit, digits in (("total_s", "s", 1), ("peak_gb", "GB", 2), ("table_gb", "GB", 3)):
        print(f"| {name} | " + " | ".join(f"{found[name]:.{digits}f} {unit}" for found in sizes) + " |")
    for before, after in pairwise(sizes):
        times, memory = (after[name] / before[name] for name in ("total_s", "peak_gb"))
        print(
            f"\n{before['rows']:,} -> {after['rows']:,} rows: {times:.1f} times the time, {memory:.2f} the memory."
        )
    for rows, took in plain.items():
        found = next(found for found in sizes if found["rows"] == rows)
        ours = found["steps"]["draft, splits included"][0] - found["steps"]["splits"][0]
        print(
            f"\nThe difference at {rows:,} rows: {ours:.2f} s; plainly {took:.2f} s, {took / ours:.1f} times as long."
        )
    print(f"\nChanges at {sizes[-1]['rows']:,} rows: {sizes[-1]['changes']}; version {sizes[-1]['version']}.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="the largest size")
    parser.add_argument(
        "--least", type=int, default=10_000, help="the smallest size; each is ten times the last"
    )
    parser.add_argument(
        "--plain", type=int, default=100_000, help="up to which size to compare with the plain way"
    )
    parser.add_argument(
        "--folder", type=Path, default=None, help="where to work; default: a temporary folder"
    )
    parser.add_argument("--one", action="store_true", help="measure --rows alone, and print it as JSON")
    chosen = parser.parse_args()
    if chosen.folder is not None:
        chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        if chosen.one:
            print(json.dumps(size(chosen.rows, Path(folder))))
            return 0
        rows = [chosen.least]
        while rows[-1] * 10 <= chosen.rows:
            rows.append(rows[-1] * 10)
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.bench_releases",
            "--one",
            "--folder",
            folder,
            "--rows",
        ]
        sizes = [json.loads(subprocess.check_output([*command, str(each)])) for each in rows]
        plain = {each: plainly(each, Path(folder)) for each in rows if each <= chosen.plain}
    show(sizes, plain)
    most = max(sizes, key=lambda found: found["rows"])
    return 0 if most["total_s"] <= 60 * MOST_MINUTES and most["peak_gb"] <= MOST_GB else 1


if __name__ == "__main__":
    sys.exit(main())
