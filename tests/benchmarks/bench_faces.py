"""Which faces a detector finds on clips of 256 px and on the source, at what cost, and how far apart to look.

    python -m tests.benchmarks.bench_faces --data ../shared/data [recall|steps] [--videos N] [--frames 15]

Every file is normalised twice, to a short side of 256 px and to that of the source, so that frames correspond.

`recall` shows up to `--frames` of every fifth frame of the first 20 s to each detector in each fitting. What is
there is judged by two networks at source resolution with a margin: a face is a box of SCRFD-2.5G that YuNet
gives too (overlap 0.4, score 0.5 and 0.6). Faces are classed by the longer side of their box in px of the clip.
`extra` are boxes per 100 frames that neither network gives even at score 0.3. `somebody` is the share of frames
with a face in which the detector finds any, and `alone small` the same among frames whose largest face is below
24 px in the clip. Cost is processor time of one thread per frame, enlarging and shrinking included.

`steps` looks for faces in every k-th frame and holds the boxes interpolated between against those found there.
`fast` are faces that move by more than a fifth of their longer side in five frames; `lost` are those that no box
of a track touches, `mixed` those in a track that is mostly another face's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from schemas.errors import ClapperError, Withheld
from schemas.sections import Media
from tasks.faces import haar, scrfd, yunet
from tasks.faces.boxes import overlaps
from tasks.faces.canvas import Fitting
from tasks.faces.detectors import Detector, open_detector
from tasks.faces.tracks import Track, TrackRules, link
from tasks.media import normalize, probe, read_frames
from tasks.media.cut import Segment
from tasks.shots.content import find_shots
from tests.benchmarks.speaker_clips import KEPT, weights_in

FOLDERS = ("talk", "panda", "voiceover", "sports", "vggsound_gt", "other")
CLASSES_PX = {"clip": (0, 12, 16, 24, 32, 48, 96, 10_000), "source": (0, 24, 36, 48, 72, 128, 256, 10_000)}
SAME, MIN_SCORE, LOOSE_SCORE = 0.4, 0.6, 0.3
SMALL_PX = 24
STEPS = (1, 2, 3, 5, 8)
BIG = 4096


@dataclass(frozen=True)
class Way:
    """A detector in one fitting, on the clip or on the source."""

    open: Callable[[float], Detector]
    on_source: bool = False


def ways(data: Path) -> dict[str, Way]:
    weights = weights_in(data)
    small, fast, strong = (weights(name) for name in ("yunet", "scrfd-500m", "scrfd-2.5g"))

    def yu(fitting: Fitting) -> Callable[[float], Detector]:
        return lambda score: yunet.open_network(small, score, fitting)

    def sc(path: Path, fitting: Fitting) -> Callable[[float], Detector]:
        return lambda score: scrfd.open_network(path, score, fitting)

    return {
        "haar, clip": Way(haar.open_cascade),
        "yunet, clip": Way(yu(yunet.FITTING)),
        "yunet, clip, margin 1/4": Way(yu(Fitting(0.25, 800))),
        "yunet, clip x1.5": Way(yu(Fitting(0, BIG, 1.5))),
        "yunet, clip x2": Way(yu(Fitting(0, BIG, 2))),
        "scrfd-500m, clip on 640²": Way(sc(fast, Fitting(0.25))),
        "scrfd-2.5g, clip": Way(sc(strong, Fitting(0.25, 640))),
        "scrfd-2.5g, clip x1.5": Way(sc(strong, Fitting(0.25, BIG, 1.5))),
        "yunet, source at 640": Way(yu(Fitting(0, 640)), True),
        "yunet, source": Way(yu(Fitting(0, BIG)), True),
        "scrfd-500m, source on 640²": Way(sc(fast, Fitting(0.25)), True),
        "scrfd-2.5g, source at 640": Way(sc(strong, Fitting(0.25, 640)), True),
    }


@dataclass
class Score:
    """What one way did on all frames so far."""

    found: list[tuple[float, float, bool]] = field(default_factory=list)
    extra: int = 0
    frames: int = 0
    somebody: list[tuple[float, bool]] = field(default_factory=list)
    seconds: float = 0.0


def normal_form(data: Path, file: Path, short_side: int) -> Path | None:
    """The first 20 s of a file at 25 fps; None where it cannot be normalised."""
    target = KEPT / "faces" / f"{file.parent.name}_{file.stem}_{short_side}.mp4"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        length = probe(file).duration_ms or 20_000
        media = Media(short_side=f"{short_side} px", min_clip_length="1 s")
        segments = [Segment(0, min(20_000, length))]
        try:
            normalize(file, segments, media, target.parent, lambda start, end: target.name)
        except (ClapperError, Withheld) as error:
            print(f"left out: {error}")
            return None
    return target if target.exists() else None


def pairs_of_frames(
    data: Path, videos: int, count: int
) -> Iterator[tuple[str, float, np.ndarray, np.ndarray]]:
    """Of each video its name, clip px per source px, and frames of clip and source, BGR, one for one."""
    for folder in FOLDERS:
        for file in sorted((data / "videos" / folder).iterdir())[:videos]:
            side = source_side(file)
            forms = [normal_form(data, file, min(256, side)), normal_form(data, file, side)]
            if None not in forms:
                small, large = (every_fifth(form, count) for form in forms)
                if len(small) == len(large):
                    yield f"{folder}/{file.stem}", small.shape[1] / large.shape[1], small, large


def source_side(file: Path) -> int:
    """The shorter side of a file's picture in px, even."""
    picture = probe(file).video
    return min(picture.width, picture.height) // 2 * 2


def every_fifth(path: Path, count: int) -> np.ndarray:
    kept = []
    for batch in read_frames(path, batch=25, colour="bgr"):
        kept += list(batch.frames[batch.numbers % 5 == 0])
    chosen = np.unique(np.linspace(0, len(kept) - 1, min(count, len(kept))).astype(int))
    return np.stack([kept[n] for n in chosen])


def agreed(strong: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Boxes of the strong network that the second one gives too."""
    sure, other = strong[strong[:, 4] >= 0.5], second[second[:, 4] >= MIN_SCORE]
    if not len(sure) or not len(other):
        return sure[:0]
    return sure[overlaps(sure, other).max(axis=1) >= SAME]


def measure_recall(data: Path, videos: int, count: int) -> tuple[dict[str, Score], list[tuple[str, float]]]:
    """Scores by way; and of every face that is there the video, and its longer side in px of the clip."""
    weights = weights_in(data)
    reference = (
        scrfd.open_network(weights("scrfd-2.5g"), LOOSE_SCORE, Fitting(0.25, BIG)),
        yunet.open_network(weights("yunet"), LOOSE_SCORE, Fitting(0.25, BIG)),
    )
    opened = {
        name: (way, way.open(MIN_SCORE if "scrfd" not in name else 0.5)) for name, way in ways(data).items()
    }
    scores = {name: Score() for name in opened}
    faces = []
    for video, share, small, large in pairs_of_frames(data, videos, count):
        judged = [detect(large) for detect in reference]
        there = [agreed(*pair) * [share, share, share, share, 1] for pair in zip(*judged, strict=True)]
        loose = [np.concatenate(pair) * [share, share, share, share, 1] for pair in zip(*judged, strict=True)]
        faces += [(video, side) for boxes in there for side in longer_sides(boxes)]
        for name, (way, detect) in opened.items():
            started = time.process_time()
            found = detect(large if way.on_source else small)
            scores[name].seconds += time.process_time() - started
            unit = share if way.on_source else 1.0
            for boxes, truth, possible in zip(found, there, loose, strict=True):
                judge(scores[name], boxes * [unit, unit, unit, unit, 1], truth, possible, share)
        print(video, sum(map(len, there)), "faces", flush=True)
    return scores, faces


def longer_sides(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2:4] - boxes[:, :2]).max(axis=1)


def judge(score: Score, boxes: np.ndarray, truth: np.ndarray, possible: np.ndarray, scale: float) -> None:
    """Add a frame; all boxes in px of the clip, which are `scale` px of the source each."""
    score.frames += 1
    hits = (
        overlaps(truth, boxes).max(axis=1) >= SAME
        if len(boxes) and len(truth)
        else np.zeros(len(truth), bool)
    )
    sides = longer_sides(truth)
    score.found += list(zip(sides.tolist(), (sides / scale).tolist(), hits.tolist(), strict=True))
    if len(boxes):
        near = overlaps(boxes, possible).max(axis=1) if len(possible) else np.zeros(len(boxes))
        score.extra += int((near < 0.3).sum())
    if len(truth):
        score.somebody.append((float(longer_sides(truth).max()), bool(len(boxes))))


def show_recall(scores: Mapping[str, Score], faces: Sequence[tuple[str, float]]) -> None:
    for column, (unit, borders) in enumerate(CLASSES_PX.items()):
        bins = list(pairwise(borders))
        table = Table(title=f"share of {len(faces)} faces found, by longer side in px of the {unit}")
        table.add_column("detector")
        sides = np.array(next(iter(scores.values())).found)[:, column]
        for low, high in bins:
            name = f"{low}–{high}" if high < BIG else f"{low}–"
            table.add_column(f"{name}\n({((sides >= low) & (sides < high)).sum()})", justify="right")
        for name, score in scores.items():
            found = np.array(score.found, float)
            side, hit = found[:, column], found[:, 2]
            table.add_row(name, *(share(hit[(side >= low) & (side < high)]) for low, high in bins))
        Console(width=140).print(table)
    table = Table(title="in all")
    for title in ("detector", "found", "≥ 24", "extra", "somebody", "alone small", "ms/frame"):
        table.add_column(title)
    for name, score in scores.items():
        found, seen = np.array(score.found, float), np.array(score.somebody, float)
        row = [share(found[:, 2]), share(found[found[:, 0] >= SMALL_PX, 2])]
        row += [f"{100 * score.extra / score.frames:.1f}", share(seen[:, 1])]
        row += [share(seen[seen[:, 0] < SMALL_PX, 1]), f"{1000 * score.seconds / score.frames:.1f}"]
        table.add_row(name, *row)
    Console(width=140).print(table)
    first = next(iter(scores.values()))
    alone = sum(side < SMALL_PX for side, _ in first.somebody)
    print(
        f"{first.frames} frames; {len(first.somebody)} with a face, {alone} of these with none of {SMALL_PX} px"
    )
    for video in sorted({video for video, _ in faces}):
        own = np.array([side for name, side in faces if name == video])
        print(f"{video}: {len(own)} faces, {np.sum(own < SMALL_PX)} small; median {np.median(own):.0f} px")


def share(values: np.ndarray) -> str:
    return f"{values.mean():.3f}" if len(values) else "–"


def moving_heads(data: Path) -> list[Path]:
    """Clips of talking and moving people."""
    talk = sorted((data / "videos/talk").iterdir())
    panda = [data / "videos/panda" / f"{name}.mp4" for name in PANDA_HEADS]
    sport = sorted((data / "videos/sports").iterdir())
    return [*talk, *panda, *sport, data / "videos/vggsound_gt/3qesirWAGt4_000020.mp4"]


PANDA_HEADS = (
    "CpO_paJZ9bI.35",
    "eibWo9t6pos.25",
    "8xyy2RyDhFY.18",
    "An1biDTot5Q.16",
    "DiBm_b-eV8Q.0",
    "mxB5DCinF0I.7",
    "JuIOj-qy0ck.29",
    "MJao9o7ROs0.1",
    "ejFT0e4YP0s.15",
)


@dataclass
class Between:
    """How the boxes of tracks compare with those found in the frame itself; one value for each of these."""

    overlap: list[float] = field(default_factory=list)
    speed: list[float] = field(default_factory=list)
    away: list[float] = field(default_factory=list)
    mixed: int = 0


def measure_steps(data: Path, detect: Detector, steps: Sequence[int]) -> dict[int, Between]:
    """By k; what is found in every frame and tracked from frame to frame is the truth."""
    measured = {k: Between() for k in steps}
    for file in moving_heads(data):
        form = normal_form(data, file, min(256, source_side(file)))
        if form is None:
            continue
        frames = np.concatenate([batch.frames for batch in read_frames(form, batch=50, colour="bgr")])
        shots, found = find_shots([frames]), dict(enumerate(detect(frames)))
        truth = link(found, shots, TrackRules(every=1))
        for k in steps:
            some = {number: boxes for number, boxes in found.items() if number % k == 0}
            compare(measured[k], truth, link(some, shots, TrackRules(every=k)))
    return measured


def compare(between: Between, truth: Sequence[Track], tracks: Sequence[Track]) -> None:
    faces_of_track: dict[int, list[int]] = {}
    for face, true in enumerate(truth):
        for n in np.flatnonzero(true.scores):
            frame, box = true.start_frame + int(n), true.boxes[n]
            here = [t for t, track in enumerate(tracks) if track.start_frame <= frame < track.end_frame]
            boxes = np.array([tracks[t].boxes[frame - tracks[t].start_frame] for t in here]).reshape(-1, 4)
            closeness = overlaps([box], boxes)[0] if here else np.zeros(1)
            best = int(closeness.argmax())
            between.overlap.append(float(closeness[best]))
            between.speed.append(speed(true.boxes, int(n)))
            if closeness[best] > 0:
                between.away.append(centre_distance(boxes[best], box))
            if closeness[best] >= 0.5:
                faces_of_track.setdefault(here[best], []).append(face)
    between.mixed += sum(len(faces) - max(np.bincount(faces)) for faces in faces_of_track.values())


def speed(boxes: np.ndarray, n: int) -> float:
    """How far a box moves in 5 frames around frame n, as a share of its longer side."""
    first, last = boxes[max(n - 2, 0)], boxes[min(n + 2, len(boxes) - 1)]
    return centre_distance(first, last)


def centre_distance(a: np.ndarray, b: np.ndarray) -> float:
    middle = (a[:2] + a[2:4] - b[:2] - b[2:4]) / 2
    return float(np.hypot(*middle) / max((b[2:4] - b[:2]).max(), 1e-6))


def show_steps(measured: Mapping[int, Between]) -> None:
    table = Table(title="boxes of tracks against boxes found in the frame itself")
    for title in (
        "k",
        "faces",
        "lost",
        "mixed",
        "IoU",
        "p5",
        "≥ 0.5",
        "fast: IoU",
        "≥ 0.5",
        "centre off, p95",
    ):
        table.add_column(title, justify="right")
    for k, between in measured.items():
        closeness, fast = np.array(between.overlap), np.array(between.speed) > 0.2
        table.add_row(
            str(k),
            str(len(closeness)),
            share(closeness == 0),
            f"{between.mixed / len(closeness):.3f}",
            share(closeness),
            f"{np.percentile(closeness, 5):.3f}",
            share(closeness >= 0.5),
            f"{share(closeness[fast])} ({fast.sum()})",
            share(closeness[fast] >= 0.5),
            f"{np.percentile(between.away, 95):.3f}",
        )
    Console(width=140).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", choices=("recall", "steps", "all"), default="all")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--videos", type=int, default=100, help="at most so many of each folder")
    parser.add_argument("--frames", type=int, default=15, help="at most so many of each video")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.part in ("recall", "all"):
        show_recall(*measure_recall(options.data, options.videos, options.frames))
    if options.part in ("steps", "all"):
        detect = open_detector("yunet", weights_in(options.data), MIN_SCORE)
        show_steps(measure_steps(options.data, detect, STEPS))


if __name__ == "__main__":
    main()
