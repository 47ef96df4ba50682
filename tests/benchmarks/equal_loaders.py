"""Whether the public loaders find and read everything in our exports, and give it with our offsets.

    python -m tests.benchmarks.equal_loaders --public-code DIR [DIR …] [--version FOLDER] [--items 40]

Each DIR is a clone of one of

    github.com/v-iashin/SparseSync       dataset.vggsound.VGGSound and VGGSoundSparsePicked
    github.com/v-iashin/Synchformer      the same two and LongerVGGSound
    github.com/jvoas655/StreamSync       dataset.sports_and_news.SportsAndNews, uniform and normal, streaming

Its own classes and transforms are run, in a process of their own, on an export of FOLDER (a published version), or of
a version of flashes and beeps made for it. Of that one, the last column tells how far picture and sound are from the
offset that the item carries, in ms, as the transforms hand them out. Nothing is installed, changed or downloaded.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from schemas.publishing import Publishing
from tasks.media.events import beep_places_ms, flash_times_ms
from tasks.releases.folder import Release
from tasks.releases.formats.exported import Options
from tasks.releases.formats.peers import PEER_SPLIT
from tasks.releases.formats.streamsync import DISTRIBUTIONS, ROLE, write_streamsync
from tasks.releases.formats.synchformer import FIXED_OFFSETS, MEDIA, write_synchformer
from tests.benchmarks.loader_stand_ins import Compose, install
from tests.releases.formats.flashing import flashing_version

ROOT = Path(__file__).resolve().parents[2]
Fixed = Callable[[dict[str, Any]], tuple[float, float]]
"""From an item to the offset and the start, in s, that our lists have for it."""

VGGSOUND_CLASSES = {
    "SparseSync": ("VGGSound", "VGGSoundSparsePicked"),
    "Synchformer": ("VGGSound", "VGGSoundSparsePicked", "LongerVGGSound"),
}


@dataclass(frozen=True)
class Loaded:
    """What one class made of one split.

    Attributes:
        listed: items that our lists have; expected of the class.
        items: how many it says it has.
        read: how many of those tried were read and went through its transforms.
        tried: how many were tried.
        ours: of those, how many came with our offset and start; None in training, where it draws them itself.
        apart_ms: largest distance of flash and beep from the item's offset; None without flashes.
    """

    loader: str
    split: str
    listed: int
    items: int
    read: int
    tried: int
    ours: int | None
    apart_ms: float | None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--public-code", type=Path, nargs="+", required=True)
    parser.add_argument("--version", type=Path, help="the folder of a published version")
    parser.add_argument("--items", type=int, default=40, help="of each split, at most")
    parser.add_argument("--export", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.export:
        _in_child(wanted.public_code[0], wanted.items)
        return
    with TemporaryDirectory() as scratch:
        for row in _all(wanted.public_code, wanted.version, wanted.items, Path(scratch)):
            _print(row)


def _all(clones: list[Path], version: Path | None, items: int, scratch: Path) -> Iterator[list[Loaded]]:
    release = Release("given", version.name, version) if version else flashing_version(scratch / "version")
    options = Options(Publishing(redistributable=("*",)))
    exports = {}
    for name, write in (("vggsound", write_synchformer), ("streamsync", write_streamsync)):
        exports[name] = scratch / name
        exports[name].mkdir()
        print(name, write(release, exports[name], options))
    for clone in clones:
        export = exports["streamsync" if _is_streamsync(clone) else "vggsound"]
        yield _in_process(clone.resolve(), export, items)


def _in_process(clone: Path, export: Path, items: int) -> list[Loaded]:
    command = [sys.executable, "-m", "tests.benchmarks.equal_loaders", "--public-code", str(clone)]
    command += ["--export", str(export), "--items", str(items)]
    path = os.pathsep.join([str(export / "without_s3"), str(ROOT), str(clone)])
    environment = {**os.environ, "PYTHONPATH": path}
    if _is_streamsync(clone):
        environment["LOCAL_SCRATCH"] = str(export)
    done = subprocess.run(command, cwd=export, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{clone}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return [Loaded(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def _is_streamsync(clone: Path) -> bool:
    return (clone / "dataset" / "sports_and_news.py").is_file()


def _in_child(clone: Path, items: int) -> None:
    """In the export's folder, with the clone on the path: run its classes, and print a line of JSON."""
    torch.set_num_threads(1)
    install()
    loaded = _streamsync(items) if _is_streamsync(clone) else _vggsound(clone, items)
    print("\n" + json.dumps([asdict(one) for one in loaded]))


def _vggsound(clone: Path, items: int) -> Iterator[Loaded]:
    import dataset.transforms as public
    from dataset import vggsound

    code = "Synchformer" if hasattr(public, "GenerateMultipleSegments") else "SparseSync"
    if code == "Synchformer":
        cut = public.TemporalCropAndOffset(5, 2, "grid", grid_size=21, max_wiggle_sec=0.0)
    else:
        cut = public.TemporalCropAndOffsetRandomFeasible(5, 2, "linspace", grid_size=21, max_wiggle_sec=0.0)
    transforms = Compose([public.EqualifyFromRight(), cut])
    for name in VGGSOUND_CLASSES[code]:
        for split in PEER_SPLIT.values():
            if listed := _listed(name, split):
                opened = getattr(vggsound, name)(split, str(Path.cwd() / MEDIA), transforms)
                fixed = None if split == "train" else _fixed_by_name(split)
                yield _tried(f"{code} {name}", split, len(listed), opened, items, fixed)


def _listed(name: str, split: str) -> list[str]:
    """The clips that a class should have of a split."""
    listed = Path(f"data/vggsound_{split}.txt").read_text().split()
    if name != "LongerVGGSound":
        return listed
    shorter = Path("data/filtered_examples_vggsound_shorter/less_than_9.5s.txt").read_text().split()
    return [each for each in listed if each not in shorter]


def _fixed_by_name(split: str) -> Fixed:
    rows = list(csv.reader(Path("data", FIXED_OFFSETS.format(split=split)).read_text().splitlines()))[1:]
    expected = {name: (float(offset), float(start)) for name, offset, start in rows}
    return lambda item: expected[Path(item["path"]).stem]


def _streamsync(items: int) -> Iterator[Loaded]:
    import dataset.sports_and_news as public
    import dataset.transforms as transforms

    streaming = SimpleNamespace(
        enabled=False, streaming_hop=1, streaming_hop_variance=0.0, max_streaming_frames=8
    )
    config = SimpleNamespace(streaming=streaming, loading_shift=[2, 2], loading_buffer=1)
    probe = _Probe()
    plain, streamed = (_streamsync_transforms(transforms, probe, streams) for streams in (False, True))
    for kind in DISTRIBUTIONS:
        for ours, role in ROLE.items():
            split, stem = PEER_SPLIT[ours], f"data/sports_and_news_{kind}.{role}"
            listed = Path(f"{stem}.csv").read_text().splitlines()
            expected = json.loads(Path(f"{stem}.json").read_text())
            chosen = plain if split == "train" else streamed
            opened = public.SportsAndNews(split, "", chosen, distribution_type=kind, data_cfg=config)
            fixed = None if split == "train" else _fixed_by_place(opened, expected)
            yield _tried(
                f"StreamSync {kind}", split, len(listed), opened, items, fixed, probe, _Counted(public)
            )


def _streamsync_transforms(transforms: Any, probe: _Probe, streams: bool) -> Compose:
    """Its own from reading to the spectrogram; in evaluation eight more seconds, step by step."""
    shared = {"max_off_sec": 2, "grid_type": "linspace", "grid_size": 21, "max_wiggle_sec": 0.05}
    if streams:
        steps = {
            "crop_streaming_frames": 8,
            "crop_streaming_frame_length": 1,
            "crop_streaming_frame_variance": 0.0,
        }
        cut = [
            transforms.EqualifyFromRightStreaming(5, [2, 2], 1, True, 1, 0.0, 8),
            transforms.TemporalCropAndOffsetRandomFeasibleStreaming(5, **steps, **shared),
        ]
    else:
        cut = [transforms.EqualifyFromRight(), transforms.TemporalCropAndOffsetRandomFeasible(5, **shared)]
    seen = [
        probe,
        transforms.AudioSpectrogram(n_fft=512, hop_length=128),
        transforms.AudioUnsqueezeChannelDim(dim=0),
    ]
    return Compose([*cut, *seen])


def _fixed_by_place(opened: Any, expected: dict[str, dict[str, float]]) -> Fixed:
    by_place = {(path, start): name for name, path, start in opened.dataset}

    def found(item: dict[str, Any]) -> tuple[float, float]:
        one = expected[by_place[item["path"], item["start"]]]
        return round(one["offset_sec"], 2), one["v_start_i_sec"]

    return found


class _Counted:
    """How often the reader found too little, and so a neighbour took the item's place."""

    def __init__(self, public: Any) -> None:
        self.times, read = 0, getattr(public.get_video_and_audio, "whole", public.get_video_and_audio)

        def counted(*args: Any, **more: Any) -> Any:
            found = read(*args, **more)
            self.times += found[0] is None
            return found

        counted.whole = read
        public.get_video_and_audio = counted


class _Probe:
    """Keeps an item's pictures and samples as the transforms before it leave them."""

    video = audio = None

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        self.video, self.audio = item["video"], item["audio"]
        return item


def _tried(
    loader: str,
    split: str,
    listed: int,
    opened: Any,
    items: int,
    fixed: Any,
    probe: Any = None,
    fell_back: Any = None,
) -> Loaded:
    """Read some items of a class."""
    tried, read, ours, apart = min(items, len(opened)), 0, 0, []
    for number in range(tried):
        before = fell_back.times if fell_back else 0
        item = opened[number]
        read += fell_back is None or fell_back.times == before
        targets = item["targets"]
        given = (float(targets["offset_sec"]), float(targets["v_start_i_sec"]))
        ours += fixed is not None and given == fixed(item)
        seen, heard = (probe.video, probe.audio) if probe else (item["video"], item["audio"])
        apart += _apart_ms(seen, heard, given[0] * 1000)
    return Loaded(
        loader, split, listed, len(opened), read, tried, ours if fixed else None, max(apart, default=None)
    )


def _apart_ms(video: torch.Tensor, audio: torch.Tensor, offset_ms: float) -> list[float]:
    """For each beep, how far the nearest flash is from where the offset puts it."""
    lumas = video.float().mean(dim=(1, 2, 3)).tolist()
    flashes = flash_times_ms([40.0 * number for number in range(len(lumas))], lumas)
    peaks = audio[: len(audio) // 16 * 16].abs().reshape(-1, 16).amax(dim=1).numpy()
    beeps = beep_places_ms(peaks)
    if len(flashes) < 2:
        return []
    inside = [beep for beep in beeps if flashes[0] - 1 <= beep + offset_ms <= flashes[-1] + 1]
    return [min(abs(flash - beep - offset_ms) for flash in flashes) for beep in inside]


def _print(rows: list[Loaded]) -> None:
    table = Table(
        "loader", "split", "listed", "its items", "read", "with our offset and start", "flash to beep, ms"
    )
    for row in rows:
        apart = "–" if row.apart_ms is None else f"{row.apart_ms:.0f}"
        ours = "draws its own" if row.ours is None else f"{row.ours} of {row.tried}"
        counts = (row.listed, row.items, f"{row.read} of {row.tried}", ours)
        table.add_row(row.loader, row.split, *map(str, counts), apart)
    Console().print(table)


if __name__ == "__main__":
    main()
