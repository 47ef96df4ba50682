"""VGGSound's layout, as SparseSync and Synchformer read it: ten-second clips, lists, classes and fixed offsets.

<out>/
  vggsound/h264_video_25fps_256side_16000hz_aac/<id>_<start ms>_<end ms>.mp4
  data/vggsound.csv                           id, start in s, class, train or test
  data/vggsound_{train,valid,test}.txt        names of clips
  data/fixed_offsets_vggsound/<split>_size21_crop5_min-2.00_max2.00.csv
  data/{sparse_classes,picked_sparse_classes}.csv, data/filtered_examples_vggsound*/
  ids.csv                                     what each name is in the version
  README.md

The loaders make a clip's name from a whole second, `int(start)`, and call it 10 s long whatever it is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from schemas.errors import Dropped
from tasks.releases.crew import in_turn
from tasks.releases.folder import Release
from tasks.releases.formats.classes import VideoLabels, classes_of
from tasks.releases.formats.exported import Clip, Exported, Options, Tally
from tasks.releases.formats.fixed_offsets import on_the_grid
from tasks.releases.formats.names import ShortNames
from tasks.releases.formats.peers import (
    PEER_SPLIT,
    as_file,
    clips_to_export,
    left_out_table,
)
from tasks.releases.formats.windows import WINDOW_MS, Window, cut_windows, duration_of, windows_of

MEDIA = "vggsound/h264_video_25fps_256side_16000hz_aac"
FIXED_OFFSETS = "fixed_offsets_vggsound/{split}_size21_crop5_min-2.00_max2.00.csv"
LONGER_MS = 9_500
"""Synchformer's `LongerVGGSound` passes over clips that are shorter."""

_IDS = ("name", "clip_id", "video_id", "split", "start_ms", "end_ms")


@dataclass(frozen=True)
class _Named:
    """A window of a clip, and its name in the export."""

    name: str
    window: Window


@dataclass(frozen=True)
class _Planned:
    clip: Clip
    windows: tuple[_Named, ...]


def write_synchformer(release: Release, out: Path, options: Options) -> Exported:
    """Fill the folder `out` with a version in VGGSound's layout.

    Memory: a few entries for each video; the rows of the clips pass through a file.

    Raises:
        ReleaseError: a clip's file is gone, or two videos have one short name.
        ToolMissing: ffmpeg is not on this machine.
    """
    media, tally, names, labels = out / MEDIA, Tally(), ShortNames(), VideoLabels()
    media.mkdir(parents=True)
    planned = _planned(clips_to_export(release, options, tally), names, tally)
    split_of: dict[str, str] = {}
    files = 0
    with _csv(out / "ids.csv", _IDS) as ids:
        for plan, outcome in in_turn(planned, partial(_cut, media=media)):
            row = plan.clip.row
            for named in _kept(plan, outcome, tally):
                span = (named.window.start_ms, named.window.end_ms)
                ids.writerow((named.name, row["clip_id"], row["video_id"], PEER_SPLIT[row["split"]], *span))
                labels.add(row)
                split_of[row["video_id"]] = PEER_SPLIT[row["split"]]
                files += 1
    classes = classes_of({video: labels.label(video)[0] for video in labels.videos()}, split_of)
    _write_lists(out, classes)
    _write_classes(out, labels, classes, names)
    exported = tally.exported(notes=_notes(classes, labels, split_of))
    (out / "README.md").write_text(_readme(release, exported, files), encoding="utf-8")
    return exported


def _planned(clips: Iterable[Clip], names: ShortNames, tally: Tally) -> Iterator[_Planned]:
    """What to cut of each clip; what is too short, or cannot have a name of its own, is left out."""
    video, taken = None, set()
    for clip in clips:
        row = clip.row
        if row["video_id"] != video:
            video, taken = row["video_id"], set()
        windows = windows_of(row["duration_ms"])
        if rest_ms := row["duration_ms"] - duration_of(windows):
            tally.add("rest_shorter_than_9_s" if windows else "shorter_than_9_s", rest_ms)
        chosen = []
        for window in windows:
            start_s = (row["source_start_ms"] + window.start_ms) // 1000
            name = f"{names.of(video)}_{start_s * 1000}_{start_s * 1000 + WINDOW_MS}"
            if name in taken:
                tally.add("begins_in_the_same_second", window.end_ms - window.start_ms)
            else:
                taken.add(name)
                chosen.append(_Named(name, window))
        if chosen:
            yield _Planned(clip, tuple(chosen))


def _cut(plan: _Planned, media: Path) -> list[Dropped | None]:
    row = plan.clip.row
    targets = [media / f"{named.name}.mp4" for named in plan.windows]
    with as_file(plan.clip, media) as clip:
        return cut_windows(
            clip, (row["width"], row["height"]), [named.window for named in plan.windows], targets
        )


def _kept(plan: _Planned, outcome: list[Dropped | None] | Exception, tally: Tally) -> list[_Named]:
    """The windows that there are files of; the others are counted."""
    results = [outcome] * len(plan.windows) if isinstance(outcome, Exception) else outcome
    kept = []
    for named, result in zip(plan.windows, results, strict=True):
        if result is None:
            kept.append(named)
        else:
            tally.add(result.reason, named.window.end_ms - named.window.start_ms)
    if kept:
        tally.add(None, duration_of([named.window for named in kept]))
    return kept


def _write_lists(out: Path, classes: dict[str, str]) -> None:
    """All that goes by clip: splits, fixed offsets, the list of segments with their classes."""
    data = out / "data"
    for folder in (
        "fixed_offsets_vggsound",
        "filtered_examples_vggsound",
        "filtered_examples_vggsound_extra",
    ):
        (data / folder).mkdir(parents=True)
    (data / "filtered_examples_vggsound" / "less_than_9s.txt").touch()
    with ExitStack() as opened:
        splits = PEER_SPLIT.values()
        lists = {split: opened.enter_context(_text(data / f"vggsound_{split}.txt")) for split in splits}
        header = ("path", "offset_sec", "vstart_sec")
        offsets = {
            split: opened.enter_context(_csv(data / FIXED_OFFSETS.format(split=split), header))
            for split in splits
        }
        shorter = opened.enter_context(
            _text(data / "filtered_examples_vggsound_shorter" / "less_than_9.5s.txt")
        )
        segments = opened.enter_context(_csv(data / "vggsound.csv"))
        for name, _, video, split, start_ms, end_ms in _read_ids(out / "ids.csv"):
            window = Window(int(start_ms), int(end_ms))
            placed = on_the_grid(name, window.frames)
            lists[split].write(f"{name}\n")
            offsets[split].writerow((name, placed.offset_s, placed.start_s))
            if window.end_ms - window.start_ms < LONGER_MS:
                shorter.write(f"{name}\n")
            start_s = int(name.rsplit("_", 2)[1]) // 1000
            official = "test" if split == "test" else "train"
            segments.writerow((name.rsplit("_", 2)[0], start_s, classes[video], official))


def _write_classes(out: Path, labels: VideoLabels, classes: dict[str, str], names: ShortNames) -> None:
    """Every class counts as sparse, since all that is here was curated; and each video's own label."""
    for file in ("sparse_classes.csv", "picked_sparse_classes.csv"):
        with _csv(out / "data" / file, ("class", "is_sparse"), delimiter="\t") as written:
            written.writerows((name, "y") for name in sorted(set(classes.values())))
    with _csv(out / "classes.csv", ("id", "video_id", "class", "label", "label_is_from")) as written:
        for video in sorted(classes):
            written.writerow((names.of(video), video, classes[video], *labels.label(video)))


def _notes(classes: dict[str, str], labels: VideoLabels, split_of: dict[str, str]) -> list[str]:
    notes = []
    folded = {labels.label(video)[0] for video, name in classes.items() if labels.label(video)[0] != name}
    if folded:
        notes.append(
            f"{len(folded)} labels are in the class `other`, because some split has no clip of them and the loaders "
            "insist that every split has every class; classes.csv has each video's own label."
        )
    empty = [split for split in PEER_SPLIT.values() if split not in set(split_of.values())]
    if empty:
        notes.append(f"No clip is in {' or '.join(empty)}: the loaders stop when they open that split.")
    return notes


def _read_ids(file: Path) -> Iterator[list[str]]:
    with file.open(encoding="utf-8", newline="") as stored:
        rows = csv.reader(stored)
        next(rows)
        yield from rows


@contextmanager
def _text(file: Path) -> Iterator[TextIO]:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as stored:
        yield stored


@contextmanager
def _csv(file: Path, header: tuple[str, ...] = (), delimiter: str = ",") -> Iterator:
    with _text(file) as stored:
        writer = csv.writer(stored, delimiter=delimiter, lineterminator="\n")
        if header:
            writer.writerow(header)
        yield writer


def _readme(release: Release, exported: Exported, files: int) -> str:
    notes = "".join(f"- {note}\n" for note in exported.notes)
    return _README.format(
        name=f"{release.dataset} {release.version}",
        files=files,
        hours=exported.milliseconds / 3_600_000,
        clips=exported.clips,
        media=MEDIA,
        notes=notes,
        left_out=left_out_table(exported),
    )


_README = """\
# {name} for SparseSync and Synchformer

{files:,} clips of 9 to 10 s ({hours:,.2f} h) from {clips:,} clips of the version, in VGGSound's layout. Longer clips
are cut into windows of 10 s, exactly in time: an event at time t of the clip is at t minus the window's start.

## How to load it

The loaders read `./data` of the folder that they are started in. Put this folder's `data` in the place of theirs,
whole: their lists of bad examples name clips of VGGSound, and so may leave out clips of yours.

    cd Synchformer && mv data data.theirs && ln -s /path/to/this/folder/data data

and in the configuration:

    data.vids_path: /path/to/this/folder/{media}
    data.dataset.target: dataset.vggsound.VGGSound
    data.crop_len_sec: 5
    data.max_off_sec: 2
    num_offset_cls (SparseSync) or data.num_off_cls (Synchformer): 21

`LongerVGGSound`, `VGGSoundSparse` and `VGGSoundSparsePicked` work as well.

## What to know

- `fixed_offsets_vggsound`: **a positive offset means that the audio is early**, as in their code: sound from
  `vstart + offset`, picture from `vstart`. Offsets and starts follow from the clip's name and never change.
- train is the version's train, valid its dev, test its test. The fourth column of vggsound.csv is theirs: train or
  test.
- `ids.csv`: which clip of the version each name is, and which part of it, in ms of the clip; `classes.csv`: each
  video's label and class. A name has the second of the source in which the clip begins, and another 10 s later,
  whatever the clip's length.
- The class is the source list's label, else the scenario, else the strongest audio event, and one for all clips of
  a video.
{notes}
{left_out}"""
