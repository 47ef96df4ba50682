"""How many re-uploads are found as near duplicates, how many different clips are taken for one, and what it costs.

    python -m tests.benchmarks.bench_duplicates [--data DIR] [--clips 40] [--largest 100000]

Real clips (../shared/data/videos and asd_minis) are cut into pieces of 5 s. Some are made anew as a site or an
uploader would (`EDITS`), put into normal form and compared with their originals: recall by kind of edit, with the
sound and with the picture alone. All pieces of different recordings are compared with each other: whatever is found
among them is false, but for sounds, which the swapped clips of asd_minis share. Then clips of made-up fingerprints,
a tenth of them copies with some bits changed: seconds with the index and without, and whether both find the same.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from schemas.errors import MediaError, Withheld
from schemas.recipe import Recipe
from schemas.sections import Duplicates, Media
from schemas.tables import FINGERPRINTS
from tasks.duplicates import Fingerprint, compare, find_duplicates, from_row
from tasks.duplicates.fingerprints import STAGE
from tasks.media import normalize
from tasks.workspace.stage import Context, Item, Row

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RULES = Duplicates()
PIECE_MS = 5_000
MEDIA = Media(clip_length="5 s", min_clip_length="3 s", preset="ultrafast")
BRUTE_FORCE_UP_TO = 100
"""Comparing 100 clips with each other takes ten seconds."""

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


def pieces(data: Path, folder: Path) -> Iterator[Piece]:
    """The real clips in pieces; files that cannot be normalised, such as those without sound, are passed over."""
    files = [*(data / "videos").rglob("*.*"), *(data / "asd_minis").glob("*__orig.mp4")]
    for path in sorted(files):
        name = path.stem.removesuffix("__orig")
        try:
            made = normalize(
                path, None, MEDIA, folder, lambda start, end, name=name: f"{name}_{start}_{end}.mp4"
            )
        except (MediaError, Withheld):
            continue
        for clip in made.clips[:12]:
            yield Piece(name, clip.path)


def edited(piece: Piece, name: str, folder: Path) -> Path:
    """A piece made anew, in normal form."""
    picture, encoding, start_s = EDITS[name]
    upload, target = folder / "upload.mp4", folder / "edited.mp4"
    even = f"{picture},crop=trunc(iw/2)*2:trunc(ih/2)*2"
    command = ["ffmpeg", "-y", "-v", "error", "-ss", str(start_s), "-i", str(piece.path), "-vf", even]
    subprocess.run([*command, *encoding.split(), "-pix_fmt", "yuv420p", str(upload)], check=True)
    normalize(upload, None, MEDIA, folder, lambda start, end: target.name)
    return target


def recall(console: Console, originals: Sequence[tuple[Piece, Fingerprint]], work, folder: Path) -> None:
    """Print how many copies are found by kind of edit."""
    table = Table("edit", "clips", "found", "by both", "picture", "sound only", "without their sound")
    for name in EDITS:
        kinds, mute, count = Counter(), 0, 0
        for piece, original in originals:
            try:
                copy = work(edited(piece, name, folder))
            except (MediaError, Withheld, subprocess.CalledProcessError):
                continue
            count += 1
            match = compare(original, copy, RULES)
            kinds[match.kind if match else "none"] += 1
            silent = replace(copy, heard=np.zeros_like(copy.heard))
            mute += compare(original, silent, RULES) is not None
        found = kinds["both"] + kinds["picture"]
        cells = (found, kinds["both"], kinds["picture"], kinds["sound"], mute)
        table.add_row(name, str(count), *map(str, cells))
    console.print(table)


def false_matches(console: Console, clips: Sequence[tuple[Piece, Fingerprint]]) -> None:
    """Print what is found among pieces of different recordings, and among other pieces of the same."""
    counts: Counter[tuple[str, str]] = Counter()
    for (one, first), (other, second) in combinations(clips, 2):
        match = compare(first, second, RULES)
        same = "same file" if one.recording == other.recording else "different files"
        counts[same, match.kind if match else "none"] += 1
        if match:
            console.print(
                f"{match.kind}: {one.path.stem} and {other.path.stem}: picture {match.picture_distance:.3f}"
                f", sound {match.sound_distance:.3f}, lag {match.lag_ms} ms, overlap {match.overlap_ms} ms"
            )
    table = Table("pairs of pieces", "both", "picture", "sound", "none")
    for same in ("different files", "same file"):
        table.add_row(same, *(str(counts[same, kind]) for kind in ("both", "picture", "sound", "none")))
    console.print(table)


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
    table = Table("clips", "duplicates", "index, CPU s", "ms a clip", "all pairs, CPU s", "the same")
    count = 100
    while count <= largest:
        clips = made_up(count)
        started = time.process_time()
        found = {row["clip_id"]: row["duplicate_of"] for row in find_duplicates([clips], RULES)}
        seconds = time.process_time() - started
        brute, same = "", ""
        if count <= BRUTE_FORCE_UP_TO:
            started = time.process_time()
            same = "yes" if without_index(clips.to_pylist()) == found else "NO"
            brute = f"{time.process_time() - started:.1f}"
        table.add_row(
            f"{count:,}", str(len(found)), f"{seconds:.1f}", f"{1000 * seconds / count:.2f}", brute, same
        )
        count = max(1_000, 10 * count) if count >= 1_000 else 1_000
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--clips", type=int, default=40, help="how many are made anew")
    parser.add_argument("--largest", type=int, default=100_000, help="made-up clips, at most")
    given = parser.parse_args()
    console = Console(width=140)
    growth(console, given.largest)
    with tempfile.TemporaryDirectory() as folder:
        context = Context(Recipe(name="measure", title="Measure", duplicates={}), Path(folder), Path)
        worker = STAGE.open(context)

        def work(path: Path) -> Fingerprint:
            (row,) = worker(Item(path.stem, path.stem, {"path": str(path)})).rows
            return from_row(row)

        clips = [(piece, work(piece.path)) for piece in pieces(given.data, Path(folder))]
        false_matches(console, clips)
        first: Mapping[str, tuple[Piece, Fingerprint]] = {
            piece.recording: (piece, one) for piece, one in reversed(clips)
        }
        recall(console, list(first.values())[: given.clips], work, Path(folder))


if __name__ == "__main__":
    main()
