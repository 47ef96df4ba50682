"""How many re-uploads are found as near duplicates, how many different clips are taken for one, and what it costs.

    python -m tests.benchmarks.bench_duplicates [--data DIR] [--recordings 30] [--clips 4] [--largest 10000]

Prints tables in Markdown; takes about five minutes on two busy processors. Clips of made-up fingerprints
come first, a tenth of them copies with some bits changed: seconds with the index and without, and whether both find
the same; then clips that share an opening, where copies are kept, and clips of five minutes. Then real recordings
(../shared/data/videos) are cut into pieces of 5 s. All are compared with each other: whatever is found among
different recordings is false, unless they share a sound; the index must find the same. Some are made anew as a site
or an uploader would (`EDITS`), put into normal form and compared with their originals: recall by kind of edit, with
the sound, with the picture alone, and through the index.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table

from schemas.errors import MediaError, Withheld
from schemas.recipe import Recipe
from schemas.sections import Duplicates, Media
from schemas.tables import FINGERPRINTS
from tasks.duplicates import Fingerprint, alike, compare, find, find_duplicates, from_row
from tasks.duplicates.fingerprints import STAGE
from tasks.media import normalize
from tasks.workspace.stage import Context, Item, Row

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RULES = Duplicates()
PIECE_MS = 5_000
MEDIA = Media(clip_length="5 s", min_clip_length="3 s", preset="ultrafast")
KEEPING = Duplicates(leave_out=False)
WITHOUT_LIMIT_UP_TO = 100
"""Without a limit on how many clips a key is held for, an opening makes half a million pairs of 1,000 clips."""

BRUTE_FORCE_UP_TO = 100
"""Comparing 100 clips with each other takes ten seconds."""

SAME_OR_BROKEN = ("transcode_pairs", "edge")
"""Folders of recordings that are copies of others, or made to fail."""

Work = Callable[[Path], Row]

BOX = "drawbox=x=iw*0.8:y=ih*0.05:w=iw*0.16:h=ih*0.12:color=white:t=fill"
STRIP = "drawbox=x=iw*0.2:y=ih*0.85:w=iw*0.6:h=ih*0.08:color=yellow@0.8:t=fill"
EDITS = {
    "small bit rate": ("scale=-2:360", "-crf 35 -c:a aac -b:a 32k", 0.0),
    "144 lines, 30 fps": ("scale=-2:144,fps=30", "-crf 30 -c:a aac -b:a 48k", 0.0),
    "bars above and below": ("scale=-2:270,pad=iw:trunc(ih*0.665)*2:0:(oh-ih)/2", "-crf 26", 0.0),
    "bars at the sides": ("scale=-2:270,pad=trunc(iw*0.7)*2:ih:(ow-iw)/2:0", "-crf 26", 0.0),
    "stretched": ("scale=400:300,setsar=1", "-crf 26", 0.0),
    "logo and strip": (f"scale=-2:270,{BOX},{STRIP}", "-crf 26", 0.0),
    "begins 0.3 s later": ("scale=-2:270", "-crf 26", 0.3),
    "begins 1.13 s later": ("scale=-2:270,fps=30", "-crf 28", 1.13),
    "10 % zoomed": ("crop=iw*0.9:ih*0.9,scale=-2:270", "-crf 26", 0.0),
    "mirrored": ("scale=-2:270,hflip", "-crf 26", 0.0),
    "brighter, quieter, MP3": (
        "scale=-2:270,eq=brightness=0.08:contrast=1.2",
        "-crf 26 -af volume=-8dB -c:a libmp3lame -b:a 48k",
        0.0,
    ),
}
"""What is done to a picture, how it is encoded, and how many seconds of its beginning are cut off."""


@dataclass(frozen=True)
class Piece:
    """A piece of a recording in normal form, and by which recording it was made: pictures and name for people."""

    recording: str
    path: Path


def pieces(data: Path, folder: Path, recordings: int) -> Iterator[Piece]:
    """The first two pieces of so many recordings, smallest files first; those without sound are passed over."""
    files = [path for path in (data / "videos").rglob("*.*") if path.parent.name not in SAME_OR_BROKEN]
    beginning, count = folder / "beginning.mkv", 0
    for path in sorted(files, key=lambda path: (path.stat().st_size, path.name)):
        cut = ["ffmpeg", "-y", "-v", "error", "-i", str(path), "-t", "10.2", "-c", "copy", str(beginning)]
        try:
            subprocess.run(cut, check=True, capture_output=True)
            made = normalize(
                beginning, None, MEDIA, folder, lambda start, end, name=path.stem: f"{name}_{start}_{end}.mp4"
            )
        except (MediaError, Withheld, subprocess.CalledProcessError):
            continue
        yield from (Piece(path.stem, clip.path) for clip in made.clips[:2])
        count += 1
        if count == recordings:
            return


def edited(piece: Piece, name: str, folder: Path) -> Path:
    """A piece made anew, in normal form."""
    picture, encoding, start_s = EDITS[name]
    upload, target = folder / "upload.mp4", folder / "edited.mp4"
    even = f"{picture},crop=trunc(iw/2)*2:trunc(ih/2)*2"
    command = ["ffmpeg", "-y", "-v", "error", "-ss", str(start_s), "-i", str(piece.path), "-vf", even]
    subprocess.run(
        [*command, *encoding.split(), "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(upload)], check=True
    )
    normalize(upload, None, MEDIA, folder, lambda start, end: target.name)
    return target


def recall(console: Console, originals: Sequence[tuple[Piece, Row]], work: Work, folder: Path) -> None:
    """Print how many copies are found by kind of edit."""
    titles = ("edit", "clips", "found", "by both", "picture", "sound only", "without their sound", "by index")
    table = Table(*titles, box=box.MARKDOWN)
    totals: Counter[str] = Counter()
    for name in EDITS:
        counts: Counter[str] = Counter()
        for piece, row in originals:
            try:
                copy = work(edited(piece, name, folder))
            except (MediaError, Withheld, subprocess.CalledProcessError):
                continue
            original, clip = from_row(row), from_row(copy)
            match = compare(original, clip, RULES)
            silent = replace(clip, heard=np.zeros_like(clip.heard))
            counts.update(
                {
                    "clips": 1,
                    match.kind if match else "none": 1,
                    "found": match is not None and match.kind != "sound",
                    "mute": compare(original, silent, RULES) is not None,
                    "index": bool(duplicates_of([row, copy])),
                }
            )
        totals.update(counts)
        _count_row(table, name, counts)
    _count_row(table, "all", totals)
    console.print(table)


def _count_row(table: Table, name: str, counts: Counter[str]) -> None:
    kinds = ("clips", "found", "both", "picture", "sound", "mute", "index")
    table.add_row(name, *(str(counts[kind]) for kind in kinds))


def duplicates_of(rows: Sequence[Row]) -> dict[str, str]:
    """What is left out, through the index: clip to the clip of which it is a duplicate."""
    tables = [pa.Table.from_pylist(list(rows), schema=FINGERPRINTS)]
    return {
        row["clip_id"]: row["duplicate_of"]
        for row in find_duplicates(tables, RULES).duplicates
        if row["dropped"]
    }


def false_matches(console: Console, clips: Sequence[tuple[Piece, Row]]) -> None:
    """Print what is found among pieces of different recordings, and among other pieces of the same."""
    counts: Counter[tuple[str, str]] = Counter()
    prints = [(piece, from_row(row)) for piece, row in clips]
    started = time.process_time()
    for (one, first), (other, second) in combinations(prints, 2):
        match = compare(first, second, RULES)
        same = "same recording" if one.recording == other.recording else "different recordings"
        counts[same, match.kind if match else "none"] += 1
        if match:
            console.print(
                f"{match.kind}: {one.path.stem} and {other.path.stem}: picture {match.picture_distance:.3f}"
                f", sound {match.sound_distance:.3f}, lag {match.lag_ms} ms, overlap {match.overlap_ms} ms"
            )
    all_pairs = time.process_time() - started
    table = Table("pairs of pieces", "both", "picture", "sound", "none", box=box.MARKDOWN)
    for same in ("different recordings", "same recording"):
        table.add_row(same, *(str(counts[same, kind]) for kind in ("both", "picture", "sound", "none")))
    console.print(table)
    rows = [row for _, row in clips]
    started = time.process_time()
    found = duplicates_of(rows)
    indexed = time.process_time() - started
    console.print(
        f"{len(rows)} real pieces: index {indexed:.2f} CPU s, all pairs {all_pairs:.2f} CPU s, "
        f"{all_pairs / indexed:.0f} times; the same found: {'yes' if found == without_index(rows) else 'NO'}"
    )


def made_up(count: int, seed: int = 1) -> pa.Table:
    """Clips of 10 s; every tenth is an earlier one with 4 % of its bits changed."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 2**64, (count, 83, 4), np.uint64)
    sounds = rng.integers(0, 2**32, (count, 59), np.uint32)
    copies = np.arange(10, count, 10)
    originals = (copies * rng.random(len(copies))).astype(np.int64)
    # Three random words, all of whose bits must be set, and a fourth of which half must: 1/16 of the bits.
    flips = [rng.integers(0, 2**64, (len(copies), 83, 4), np.uint64) for _ in range(4)]
    pictures[copies] = pictures[originals] ^ (flips[0] & flips[1] & flips[2] & flips[3])
    flips = [rng.integers(0, 2**32, (len(copies), 59), np.uint32) for _ in range(5)]
    sounds[copies] = sounds[originals] ^ (flips[0] & flips[1] & flips[2] & flips[3] & flips[4])
    hexadecimal = pictures.astype(">u8").tobytes().hex()
    texts = pa.array(hexadecimal[at : at + 64] for at in range(0, len(hexadecimal), 64))
    columns = {
        "clip_id": pa.array(f"c{seed}-{number}" for number in range(count)),
        "video_id": pa.array(f"v{number}" for number in range(count)),
        "pictures": pa.ListArray.from_arrays(np.arange(0, 83 * count + 1, 83, dtype=np.int32), texts),
        "sounds": pa.ListArray.from_arrays(
            np.arange(0, 59 * count + 1, 59, dtype=np.int32), pa.array(sounds.ravel().astype(np.int64))
        ),
    }
    return pa.table(columns, schema=FINGERPRINTS)


def with_opening(count: int) -> pa.Table:
    """Clips of 10 s that begin with the same three seconds; every tenth copies an earlier one, but for these."""
    table = made_up(count, seed=2)
    pictures, sounds = (table[name].to_pylist() for name in ("pictures", "sounds"))
    for number in range(count):
        if number % 10 or not number:
            pictures[number][:25], sounds[number][:24] = pictures[0][:25], sounds[0][:24]
    columns = {"pictures": pictures, "sounds": sounds}
    return pa.table(
        {name: columns.get(name, table[name]) for name in FINGERPRINTS.names}, schema=FINGERPRINTS
    )


def shared_opening(console: Console, largest: int) -> None:
    """Print what an opening that all clips share costs where copies are kept, with the limit on a key and without."""
    titles = ("clips", "limit on a key", "pairs compared", "a clip", "CPU s", "copies found")
    table = Table(*titles, box=box.MARKDOWN)
    count = 100
    while count <= largest:
        clips = with_opening(count)
        for limit in (find._KEPT_FOR, None):
            if limit is None and count > WITHOUT_LIMIT_UP_TO:
                continue
            started = time.process_time()
            with patch.object(find, "_KEPT_FOR", limit):
                found = find_duplicates([clips], KEEPING)
            seconds = time.process_time() - started
            copies = {row["clip_id"] for row in found.pairs if row["overlap_ms"] > 6_500}
            compared = found.counts["pairs compared"]
            cells = (
                f"{compared:,}",
                f"{compared / count:.1f}",
                f"{seconds:.1f}",
                f"{len(copies)} of {(count - 1) // 10}",
            )
            table.add_row(f"{count:,}", str(limit or "none"), *cells)
        count = int(round(count * 10**0.5, -2))
    console.print(table)


def five_minutes(console: Console) -> None:
    """Print what a comparison of long clips costs, by a table of all pictures with all and at likely lags."""
    table = Table("s", "a copy, ms", "another, ms", "by a table: a copy, ms", "another, ms", box=box.MARKDOWN)
    for length_s in (30, 60, 120, 300):
        original, other = (long_clip(seed, length_s) for seed in (1, 2))
        changed = original.pictures ^ (np.arange(4, dtype=np.uint64) << np.uint64(40))
        cells = []
        for largest in (alike._LARGEST_TABLE, 10**9):
            for clip in (replace(original, pictures=changed), other):
                started = time.process_time()
                with patch.object(alike, "_LARGEST_TABLE", largest):
                    compare(original, clip, KEEPING)
                cells.append(f"{1000 * (time.process_time() - started):.1f}")
        table.add_row(str(length_s), *cells)
    console.print(table)


def long_clip(seed: int, length_s: int) -> Fingerprint:
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 2**64, (round(length_s / 0.12), 4), np.uint64)
    sounds = rng.integers(0, 2**32, (round((length_s - 2.7) / 0.124), 1), np.uint32)
    known = [np.ones(len(some), bool) for some in (pictures, sounds)]
    return Fingerprint(f"c{seed}", f"v{seed}", pictures, known[0], sounds, known[1])


def without_index(rows: Sequence[Row]) -> dict[str, str]:
    """What `find_duplicates` is to find, by comparing everything: clip to the clip of which it is a duplicate."""
    kept: list[Fingerprint] = []
    found: dict[str, str] = {}
    for clip in map(from_row, rows):
        matches = (compare(one, clip, RULES) for one in kept)
        first = next((match for match in matches if match and match.kind != "sound"), None)
        if first:
            found[clip.clip_id] = first.earlier
        else:
            kept.append(clip)
    return found


def growth(console: Console, largest: int) -> None:
    """Print seconds of the search at growing numbers of clips."""
    titles = ("clips", "duplicates", "index, CPU s", "ms a clip", "all pairs, CPU s", "the same")
    table = Table(*titles, box=box.MARKDOWN)
    count = 100
    while count <= largest:
        clips = made_up(count)
        started = time.process_time()
        found = {row["clip_id"]: row["duplicate_of"] for row in find_duplicates([clips], RULES).duplicates}
        seconds = time.process_time() - started
        brute, same = "", ""
        if count <= BRUTE_FORCE_UP_TO:
            started = time.process_time()
            same = "yes" if without_index(clips.to_pylist()) == found else "NO"
            brute = f"{time.process_time() - started:.1f}"
        table.add_row(
            f"{count:,}", str(len(found)), f"{seconds:.1f}", f"{1000 * seconds / count:.2f}", brute, same
        )
        count *= 10
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--recordings", type=int, default=30, help="real ones, at most")
    parser.add_argument("--clips", type=int, default=4, help="how many are made anew")
    parser.add_argument("--largest", type=int, default=10_000, help="made-up clips, at most")
    given = parser.parse_args()
    console = Console(width=140)
    growth(console, given.largest)
    shared_opening(console, given.largest)
    five_minutes(console)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        context = Context(Recipe(name="measure", title="Measure", duplicates={}), folder, Path)
        worker = STAGE.open(context)

        def work(path: Path) -> Row:
            (row,) = worker(Item(path.stem, path.stem.rsplit("_", 2)[0], {"path": str(path)})).rows
            return row

        clips = [(piece, work(piece.path)) for piece in pieces(given.data, folder, given.recordings)]
        false_matches(console, clips)
        first = {piece.recording: (piece, row) for piece, row in reversed(clips)}
        originals = list(first.values())
        recall(console, originals[:: max(1, len(originals) // given.clips)][: given.clips], work, folder)


if __name__ == "__main__":
    main()
