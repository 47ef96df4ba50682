"""The whole talking-head stage against the public demo's way of doing it.

    python -m tests.benchmarks.bench_talking_head --data ../shared/data --public-code DIR [--threads 2]

DIR is a clone of github.com/Junhua-Liao/LR-ASD; its network judges for the demo, with the weights in the folder of
real data. Both sides get the same clips in normal form (25 fps, 256 px), the same face detector, the same rule for
cuts and the same number of threads.

    ours   shots and faces of every third frame in one decode, tracks, speech, sync profiles of the speakers
    demo   `tests.benchmarks.demo_talking_head`

Times are of the processor, children included, with the models loaded beforehand; the wall's stand beneath. A face
counts as speaking in a frame where the score, smoothed over 5 frames, is above 0; with ours, only in windows that
have speech. Our scores are those of offset 0 in segments of one to six seconds, from embeddings made once: judging
them is counted, since the embedding of face and sound is counted in the stage. The demo's intermediate file keeps the
sound without loss here; with --mp3 it is coded as in the demo, whose labels then change by themselves (15 % of the
frames of the TEDx speaker) and come 2 frames late.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from tasks.faces.boxes import overlaps
from tasks.faces.detections import STAGE as DETECTIONS
from tasks.faces.detectors import open_detector
from tasks.faces.stage import STAGE as FACES
from tasks.media import fan_out
from tasks.models.device import THREADS_VARIABLE
from tasks.shots.content import find_shots
from tasks.shots.stage import STAGE as SHOTS
from tasks.speakers.stage import STAGE as SPEAKERS
from tasks.speech.stage import STAGE as SPEECH
from tasks.workspace.stage import Context, Item, Row
from tests.benchmarks.demo_talking_head import (
    DemoTrack,
    processor_seconds,
    smoothed,
    talking_heads,
    wall_seconds,
)
from tests.benchmarks.equal_speakers import modules_of
from tests.benchmarks.speaker_clips import KEPT, LabelledClip, context_of, normalised, weights_in

CLIPS = ("cnn_4up_demo", "tv_interview_split", "lrs3_C8zY0oAdQrs_00018", "hevc_portrait_talk")
_SAME_FACE_OVERLAP = 0.5
_SEEN_AT_ONCE = "shots and detections, one decode"


@dataclass
class Agreement:
    """Frames of faces: on each side, on both, and on both with the same label."""

    ours: int = 0
    theirs: int = 0
    both: int = 0
    same: int = 0


Spoken = dict[int, list[tuple[np.ndarray, bool]]]
"""Frame to its faces: box (4,) in px, and whether that face speaks."""


def our_way(item: Item, context: Context) -> Callable[[dict[str, float]], Item]:
    """A function that runs our stages and adds their processor seconds, with everything loaded beforehand."""
    watchers = {stage.name: stage.watch(context) for stage in (SHOTS, DETECTIONS)}
    workers = {stage.name: stage.open(context) for stage in (FACES, SPEECH, SPEAKERS)}

    def run(seconds: dict[str, float]) -> Item:
        before = processor_seconds()
        seen = fan_out(Path(item.row["path"]), {name: watch(item) for name, watch in watchers.items()})
        records: dict[str, list[Row]] = {name: produced.rows for name, produced in seen.items()}
        seconds[_SEEN_AT_ONCE] = seconds.get(_SEEN_AT_ONCE, 0.0) + processor_seconds() - before
        for name, worker in workers.items():
            before = processor_seconds()
            records[name] = worker(Item(item.id, item.video_id, item.row, records)).rows
            seconds[name] = seconds.get(name, 0.0) + processor_seconds() - before
        return Item(item.id, item.video_id, item.row, records)

    return run


def our_labels(item: Item) -> Spoken:
    """Who speaks when, from the tracks and the frame scores of our stages."""
    scores: dict[int, dict[int, float]] = {}
    for row in item.records["speakers"]:
        first = row["start_ms"] // 40
        scores.setdefault(row["track"], {}).update(enumerate(row["frame_scores"], first))
    spoken: Spoken = {}
    for row in item.records["faces"]:
        known = scores.get(row["track"], {})
        frames = range(row["start_frame"], row["start_frame"] + len(row["boxes"]))
        speaks = smoothed(np.array([known.get(frame, -1.0) for frame in frames])) > 0
        for frame, box, said in zip(frames, row["boxes"], speaks, strict=True):
            spoken.setdefault(frame, []).append((np.array(box), bool(said)))
    return spoken


def demo_labels(tracks: list[DemoTrack]) -> Spoken:
    """Who speaks when, from the demo's tracks."""
    spoken: Spoken = {}
    for track in tracks:
        speaks = smoothed(track.scores) > 0
        for frame, box, said in zip(track.frames, track.boxes, speaks, strict=False):
            spoken.setdefault(int(frame), []).append((box, bool(said)))
    return spoken


def agreement(ours: Spoken, theirs: Spoken, count: Agreement) -> None:
    """Match the faces of each frame by their overlap, each used once, and count."""
    count.ours += sum(map(len, ours.values()))
    count.theirs += sum(map(len, theirs.values()))
    for frame in ours.keys() & theirs.keys():
        a, b = ours[frame], theirs[frame]
        closeness = overlaps(np.stack([box for box, _ in a]), np.stack([box for box, _ in b]))
        while closeness.size and closeness.max() > _SAME_FACE_OVERLAP:
            one, other = np.unravel_index(closeness.argmax(), closeness.shape)
            closeness[one], closeness[:, other] = 0, 0
            count.both += 1
            count.same += a[one][1] == b[other][1]


def shots_in(path: Path, threshold: float) -> list[tuple[int, int]]:
    """The rule for cuts of the stage `shots` on a file read by OpenCV."""

    def batches():
        film = cv2.VideoCapture(str(path))
        while (read := film.read())[0]:
            yield read[1][None]

    return list(find_shots(batches(), threshold))


def public_network(load: Callable, weights: Path) -> torch.nn.Module:
    """The public LR-ASD with a file of weights."""
    heads, whole = load("loss"), torch.nn.Module()
    whole.model, whole.lossAV, whole.lossV = load("model.Model").ASD_Model(), heads.lossAV(), heads.lossV()
    whole.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return whole.eval()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--public-code", type=Path, required=True, help="clone of LR-ASD")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=KEPT, help="where normalised clips are kept")
    parser.add_argument("--clips", nargs="+", default=list(CLIPS), help="names in videos/talk")
    parser.add_argument("--threads", type=int, default=2, help="of torch and OpenCV (default: %(default)s)")
    parser.add_argument("--mp3", action="store_true", help="the demo's file as written, with MP3 sound")
    wanted = parser.parse_args()
    os.environ[THREADS_VARIABLE] = str(wanted.threads)
    torch.set_num_threads(wanted.threads)
    cv2.setNumThreads(wanted.threads)
    context, weights = context_of("light", wanted.data, wanted.folder), weights_in(wanted.data)
    settings, name = context.recipe.faces, context.recipe.model_for("faces")
    detect = open_detector(name, weights, settings.min_score)
    seconds: dict[str, dict[str, float]] = {"ours": {}, "demo": {}}
    wall, length, table = {"ours": 0.0, "demo": 0.0}, 0.0, agreement_table()
    with modules_of(wanted.public_code.resolve()) as load:
        theirs = public_network(load, weights("lr-asd"))
        for clip in wanted.clips:
            (file,) = (wanted.data / "videos/talk").glob(f"{clip}.*")
            labelled = LabelledClip(f"videos/talk/{file.name}", "", "")
            item = normalised(wanted.data, wanted.folder, labelled)
            length += item.row["duration_ms"] / 1000
            run = our_way(item, context)
            started = wall_seconds()
            seen = run(seconds["ours"])
            wall["ours"] += wall_seconds() - started
            with tempfile.TemporaryDirectory() as folder:
                started, threshold = wall_seconds(), context.recipe.shots.threshold
                tracks = talking_heads(
                    Path(item.row["path"]),
                    Path(folder),
                    detect,
                    lambda video, at=threshold: shots_in(video, at),
                    theirs,
                    seconds["demo"],
                    wanted.mp3,
                )
                wall["demo"] += wall_seconds() - started
            count = Agreement()
            agreement(our_labels(seen), demo_labels(tracks), count)
            add_row(table, clip, count)
    show(Console(width=120), seconds, wall, length, table, name)


def agreement_table() -> Table:
    return Table("clip", "faces × frames, ours", "demo", "on both", "same label", "agree")


def add_row(table: Table, clip: str, count: Agreement) -> None:
    share = f"{100 * count.same / max(count.both, 1):.1f} %"
    table.add_row(clip, *map(str, (count.ours, count.theirs, count.both, count.same)), share)


def show(
    console: Console,
    seconds: dict[str, dict[str, float]],
    wall: dict[str, float],
    length: float,
    table: Table,
    detector: str,
) -> None:
    """Print the seconds of each part, the ratio, and how far the labels agree."""
    times = Table("way", "part", "processor s", title=f"{length:.1f} s of clips, detector {detector}")
    for way, parts in seconds.items():
        for part, taken in parts.items():
            times.add_row(way, part, f"{taken:.2f}")
        whole = sum(parts.values())
        times.add_row(way, "all", f"{whole:.2f}  ({length / whole:.1f} × real time)", style="bold")
        times.add_section()
    ratios = (sum(seconds["demo"].values()) / sum(seconds["ours"].values()), wall["demo"] / wall["ours"])
    times.add_row("demo / ours", "processor", f"{ratios[0]:.1f}", style="bold")
    times.add_row("demo / ours", f"wall: {wall['demo']:.1f} s / {wall['ours']:.1f} s", f"{ratios[1]:.1f}")
    console.print(times, table)


if __name__ == "__main__":
    main()
