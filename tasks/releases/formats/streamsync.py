"""StreamSync's layout: whole clips in Matroska, items of 5 s placed in them, and one fixed offset for each item.

<out>/
  avsync-dataset-v5/cropped_videos_at_25fps/<id>/<id>_<start s>_<end s>.mkv
  avsync-dataset-v5/all_clean_track_lengths_cropped.json
  data/sports_and_news_{uniform,normal}.{train,evaluation,test}.{csv,json}
  sports_and_news_{uniform,normal}.{train,valid,test}.skip_id_list.txt     empty: nothing here needs to be skipped
  without_s3/s3fs.py                                                       see `without_s3`
  ids.csv  README.md

The names of its splits are crossed: it tests on `evaluation`, which here is the version's test split, and validates
on `test`, which here is dev.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from schemas.errors import Dropped
from schemas.units import SAMPLE_RATE, OffsetMs
from tasks.releases.crew import in_turn
from tasks.releases.folder import Release
from tasks.releases.formats import without_s3
from tasks.releases.formats.exported import Clip, Exported, Options, Tally
from tasks.releases.formats.fixed_offsets import bell_shaped, uniform
from tasks.releases.formats.matroska import copy_to_matroska
from tasks.releases.formats.names import REFUSED, ShortNames
from tasks.releases.formats.peers import (
    as_file,
    clips_to_export,
    left_out_table,
)
from tasks.releases.formats.windows import SHORT_SIDE, at_layout_size

BUCKET = "avsync-dataset-v5"
MEDIA = f"{BUCKET}/cropped_videos_at_25fps"
LENGTHS = f"{BUCKET}/all_clean_track_lengths_cropped.json"
ROLE = {"train": "train", "dev": "test", "test": "evaluation"}
"""Our splits in the names of its files."""

DISTRIBUTIONS = {"uniform": uniform, "normal": bell_shaped}

BEFORE_S = 4
"""It reads from 4 s before an item's start: 2 s for the offset, and 2 s that it wants and never uses."""

AFTER_S = 16
"""And to 16 s after it: 5 s, eight steps of 1 s, 2 s for the offset, and 1 s."""

EVERY_S = 8
"""1,000 ms are no multiple of a sound packet's 64 ms; 8 s are."""

FIRST_START_S, LAST_START_S = 10, 999
"""Two or three digits: its loader cannot take other ids apart when it reads a list of what to skip."""

_PACKET = 1024
_IDS = ("name", "clip_id", "video_id", "split", "items")


@dataclass(frozen=True)
class _Planned:
    clip: Clip
    short_name: str
    stem: str


@dataclass(frozen=True)
class _Copied:
    """A clip as it lies in the export: its item starts in s, and how long picture and sound are in s."""

    starts_s: tuple[int, ...]
    length_s: float


def write_streamsync(release: Release, out: Path, options: Options) -> Exported:
    """Fill the folder `out` with a version in StreamSync's layout.

    Memory: one entry for each video.

    Raises:
        ReleaseError: a clip's file is gone, or two videos have one short name.
        ToolMissing: ffmpeg is not on this machine.
    """
    media, tally = out / MEDIA, Tally()
    media.mkdir(parents=True)
    planned = _planned(clips_to_export(release, options, tally), tally)
    with _Lists(out) as lists:
        for plan, outcome in in_turn(planned, partial(_copy, media=media)):
            if isinstance(outcome, Exception):
                tally.add(outcome.reason, plan.clip.row["duration_ms"])
            else:
                tally.add(None, plan.clip.row["duration_ms"])
                lists.add(plan, outcome)
    _write_rest(out)
    exported = tally.exported(notes=_notes(lists.items))
    (out / "README.md").write_text(_readme(release, exported, lists.items), encoding="utf-8")
    return exported


def starts_within(duration_ms: int, packets_begin: int) -> tuple[int, ...]:
    """Where items of a clip start, in s: what the loader reads of each lies within the clip.

    Its reader finds sound by whole packets. So the starts are those at which, 4 s earlier, a packet begins: with
    others it would hand out sound that begins up to 63 ms after the picture.

    Args:
        packets_begin: when sound packets begin, in samples from the clip's start, modulo 1024.
    """
    first = min(
        range(FIRST_START_S, FIRST_START_S + EVERY_S),
        key=lambda start: (packets_begin - (start - BEFORE_S) * SAMPLE_RATE) % _PACKET,
    )
    last = min(LAST_START_S, duration_ms // 1000 - AFTER_S)
    return tuple(range(first, last + 1, EVERY_S))


def _planned(clips: Iterable[Clip], tally: Tally) -> Iterator[_Planned]:
    names = ShortNames()
    video, taken = None, set()
    for clip in clips:
        row = clip.row
        if row["video_id"] != video:
            video, taken = row["video_id"], set()
        start_s, end_s = (row[edge] // 1000 for edge in ("source_start_ms", "source_end_ms"))
        short_name = names.of(video)
        stem = f"{short_name}_{start_s}_{end_s}"
        if stem in taken:
            tally.add("begins_in_the_same_second", row["duration_ms"])
        else:
            taken.add(stem)
            yield _Planned(clip, short_name, stem)


def _copy(plan: _Planned, media: Path) -> _Copied:
    """The clip in Matroska, as it is; with another short side than 256 px it is encoded again first."""
    row, target = plan.clip.row, media / plan.short_name / f"{plan.stem}.mkv"
    if row["duration_ms"] < (FIRST_START_S + AFTER_S) * 1000:
        raise Dropped("too_short_for_an_item", f"{row['duration_ms']} ms")
    target.parent.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".again-", dir=media) as scratch,
        as_file(plan.clip, media) as clip,
    ):
        if min(row["width"], row["height"]) != SHORT_SIDE:
            again = Path(scratch) / "clip.mp4"
            at_layout_size(clip, row["duration_ms"], again)
            clip = again
        starts_s = starts_within(row["duration_ms"], copy_to_matroska(clip, target))
    if not starts_s:
        target.unlink()
        raise Dropped(
            "too_short_for_an_item", f"{row['duration_ms']} ms; {FIRST_START_S + AFTER_S} s are the least"
        )
    return _Copied(starts_s, row["duration_ms"] / 1000)


class _Lists:
    """The lists of items, written while the clips are."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._opened = ExitStack()
        self.items = dict.fromkeys(ROLE, 0)

    def __enter__(self) -> _Lists:
        (self._out / "data").mkdir()
        roles = [(kind, role) for kind in DISTRIBUTIONS for role in ROLE.values()]
        stems = {key: self._out / "data" / "sports_and_news_{}.{}".format(*key) for key in roles}
        self._rows = {
            key: self._opened.enter_context(_csv(Path(f"{stem}.csv"))) for key, stem in stems.items()
        }
        self._offsets = {
            key: self._opened.enter_context(_JsonObject(Path(f"{stem}.json"))) for key, stem in stems.items()
        }
        self._lengths = self._opened.enter_context(_JsonObject(self._out / LENGTHS))
        self._ids = self._opened.enter_context(_csv(self._out / "ids.csv"))
        self._ids.writerow(_IDS)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.close()

    def add(self, plan: _Planned, copied: _Copied) -> None:
        row = plan.clip.row
        split = row["split"]
        self.items[split] += len(copied.starts_s)
        self._ids.writerow((plan.stem, row["clip_id"], row["video_id"], split, len(copied.starts_s)))
        address = f"s3://{MEDIA}/{plan.short_name}/{plan.stem}.mkv"
        # Its loader cuts the address at this place, in the middle of a word, to look lengths up.
        self._lengths.add("./" + address[15:], [copied.length_s, copied.length_s])
        for start_s in copied.starts_s:
            item = f"{plan.stem}_{start_s}_0"
            for kind, offset_of in DISTRIBUTIONS.items():
                self._rows[kind, ROLE[split]].writerow((item, f"{start_s}.0", _channel(row["channel"])))
                self._offsets[kind, ROLE[split]].add(item, _placed(offset_of(item), start_s))


def _placed(offset_ms: OffsetMs, start_s: int) -> dict[str, float]:
    return {"offset_sec": offset_ms / 1000, "v_start_i_sec": float(start_s)}


def _channel(name: str) -> str:
    """A channel's name: its loader passes over every line with the word `broken` in it."""
    return name.replace(REFUSED, f"{REFUSED[:3]}-{REFUSED[3:]}")


class _JsonObject:
    """A JSON object written entry by entry."""

    def __init__(self, file: Path) -> None:
        self._file, self._first = file, True

    def __enter__(self) -> _JsonObject:
        self._stored = self._file.open("w", encoding="utf-8")
        self._stored.write("{")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stored.write("}\n")
        self._stored.close()

    def add(self, key: str, value: Any) -> None:
        self._stored.write(("" if self._first else ",") + f"\n{json.dumps(key)}: {json.dumps(value)}")
        self._first = False


@contextmanager
def _csv(file: Path) -> Iterator:
    with file.open("w", encoding="utf-8", newline="") as stored:
        yield csv.writer(stored, lineterminator="\n")


def _write_rest(out: Path) -> None:
    """What it opens beside the lists: empty lists of what to skip, in the folder that it is started in."""
    for kind in DISTRIBUTIONS:
        for split in ("train", "valid", "test"):
            (out / f"sports_and_news_{kind}.{split}.skip_id_list.txt").touch()
    (out / "without_s3").mkdir()
    shutil.copyfile(without_s3.__file__, out / "without_s3" / "s3fs.py")


def _notes(items: dict[str, int]) -> list[str]:
    notes = [
        f"No item is in {split}: files {ROLE[split]} are empty."
        for split, number in items.items()
        if not number
    ]
    if max(items["dev"], items["test"]) > 2_000:
        notes.append(
            "Its loader takes 2,000 items of the evaluation and of the test file, drawn by a fixed seed."
        )
    return notes


def _readme(release: Release, exported: Exported, items: dict[str, int]) -> str:
    return _README.format(
        name=f"{release.dataset} {release.version}",
        clips=exported.clips,
        hours=exported.milliseconds / 3_600_000,
        notes="".join(f"- {note}\n" for note in exported.notes),
        left_out=left_out_table(exported),
        bucket=BUCKET,
        **items,
    )


_README = """\
# {name} for StreamSync

{clips:,} clips ({hours:,.2f} h), and items of 5 s in them: {train:,} train, {dev:,} dev, {test:,} test.

## How to load it

Start its `main.py` in this folder, because it opens its lists by relative paths: `data/…` and
`sports_and_news_….skip_id_list.txt`.

    cd /path/to/this/folder
    export LOCAL_SCRATCH=$PWD PYTHONPATH=$PWD/without_s3
    python /path/to/StreamSync/main.py config=/path/to/StreamSync/configs/sparse_sync.yaml

with `data.dataset.target: dataset.sports_and_news.SportsAndNews` in the configuration. It then finds every file in
`{bucket}` here; `without_s3/s3fs.py` opens the one file that it would have from S3. With a store of your
own instead: upload the folder `{bucket}` as a bucket of that name and set FSSPEC_S3_ENDPOINT_URL.

## What to know

- Its names of splits are crossed. It tests on `evaluation`: the version's test split. It validates on `test`: the
  version's dev split.
- `uniform`: every 10 ms within ±2 s; `normal`: exactly 0 for one half, else a step of 0.2 s, small ones more likely.
  **A positive offset means that the audio is early**, as in its code. Offsets follow from the item's name and never
  change.
- Items start every 8 s, at seconds that differ from clip to clip: its reader finds sound by whole packets of 64 ms,
  and at these seconds a packet begins where the picture does. At other seconds its sound would be up to 56 ms late.
- All that it reads of an item, from 4 s before its start to 16 s after it, lies within the clip, also when it
  streams.
- `ids.csv`: which clip of the version each name is. The pictures and the sound are the clip's own packets.
{notes}
{left_out}"""
