"""Labelled real clips for measuring talking heads, put through the pipeline's own stages.

Every file is normalised first (25 fps, short side 256 px, 16 kHz) as any source would be, whatever it was.
"""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from schemas.recipe import Recipe
from schemas.sections import Media
from schemas.units import FRAME_RATE
from tasks.faces.detections import STAGE as DETECTIONS
from tasks.faces.stage import STAGE as FACES
from tasks.media import normalize
from tasks.shots.stage import STAGE as SHOTS
from tasks.speakers import Calibration, ScoredWindow, scored
from tasks.speakers.calibration import Metric
from tasks.speakers.scorers import Crops, Hearing, Listener, Network, Span, Watched, hear, watch, weigh
from tasks.speakers.stage import evidence_of_item
from tasks.speech.stage import STAGE as SPEECH
from tasks.workspace.stage import Context, Item, Row

FILES = {
    "yunet": "face_detection_yunet_2026may.onnx",
    "scrfd-500m": "scrfd_500m_bnkps.onnx",
    "scrfd-2.5g": "scrfd_2.5g.onnx",
    "lr-asd": "lrasd_pretrain_AVA.model",
    "mn04": "mn04_as_mAP_432.pt",
}
KEPT = Path(tempfile.gettempdir()) / "clapper-benchmarks"
"""Where normalised clips are kept from one benchmark to the next."""

MEDIA = Media(clip_length="600 s", min_clip_length="1 s")


@dataclass(frozen=True)
class LabelledClip:
    """A labelled file: what kind it is, and who is to be kept out of a fit that is tested on it."""

    file: str
    kind: str
    identity: str


def asd_minis(data: Path) -> list[LabelledClip]:
    """Clips of one face: `orig`, `shift`, `swap`, `natural_speaking`, `natural_silence`."""
    with (data / "asd_minis/labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [LabelledClip(f"asd_minis/{row['file']}", row["kind"], row["identity"]) for row in rows]


def panda(data: Path) -> list[LabelledClip]:
    """Web clips: `talking_head`, `voice_over_face_visible`, `voice_over_no_face`, `no_speech`."""
    with (data / "labels/panda_talk_voiceover.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [LabelledClip(row["file"], row["category"], row["file"]) for row in rows]


def weights_in(data: Path) -> Callable[[str], Path]:
    """Model name to its file in the folder of real data."""
    return lambda name: data / "weights" / FILES[name]


def normalised(data: Path, folder: Path, clip: LabelledClip) -> Item:
    """The clip in normal form; made once, then read from `folder`."""
    target = folder / clip.file.replace("/", "_")
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = normalize(data / clip.file, None, MEDIA, folder, lambda start, end: target.name)
        if len(made.clips) != 1:
            raise ValueError(f"{clip.file} made {len(made.clips)} clips instead of 1")
    return _item(clip, target)


def _item(clip: LabelledClip, path: Path) -> Item:
    import av

    with av.open(str(path)) as container:
        video = container.streams.video[0]
        frames, width, height = video.frames, video.codec_context.width, video.codec_context.height
    row = {"path": str(path), "frames": frames, "duration_ms": 40 * frames, "width": width, "height": height}
    return Item(clip.file, clip.file, row)


def observed(item: Item, workers: dict[str, Callable], seconds: dict[str, float]) -> Item:
    """The item with the records that the workers make in their order; adds the CPU seconds of each to `seconds`."""
    records: dict[str, list[Row]] = dict(item.records)
    for name, worker in workers.items():
        started = time.process_time()
        records[name] = worker(Item(item.id, item.video_id, item.row, records)).rows
        seconds[name] = seconds.get(name, 0.0) + time.process_time() - started
    return Item(item.id, item.video_id, item.row, records)


@dataclass(frozen=True)
class Recorded:
    """One window of a track, with all that its evidence is made of; takes the place of `Evidence` in a stage."""

    watched: Watched
    hearing: Hearing
    span: Span
    crops: np.ndarray
    spoken_frames: int = 0


@dataclass(frozen=True)
class RecordedClip:
    """A clip whose faces have been watched, so that they can be scored again in no time: (track, window)s."""

    clip: LabelledClip
    item: Item
    windows: list[tuple[int, Recorded]]


def record(clip: LabelledClip, item: Item, network: Network | None, context: Context) -> RecordedClip:
    """Do what the stage `speakers` does up to the point where the calibration comes in."""
    settings = context.recipe.speakers
    max_shift = max_shift_of(context)

    def scorer(waveform: np.ndarray, frames: int) -> Listener:
        hearing = hear(network, waveform, frames)

        def listen(crops: np.ndarray, start_frame: int, spans: list[Span]) -> list[Recorded]:
            watched = watch(network, hearing, crops, start_frame, max_shift)
            return [Recorded(watched, hearing, span, crops) for span in spans]

        return listen

    found = evidence_of_item(item, Path(item.row["path"]), scorer, settings, Crops(112, "gray"))
    return RecordedClip(clip, item, [(track, recorded) for track, _, _, recorded in found])


def max_shift_of(context: Context) -> int:
    """The offsets that a recipe searches, ± frames."""
    return context.recipe.speakers.max_offset * FRAME_RATE // 1000


def windows_of_clip(
    recorded: RecordedClip, calibrated: Calibration, fitted: Metric | None, max_shift: int
) -> list[ScoredWindow]:
    """What the stage says of the clip with this calibration and this metric."""
    found = []
    for track, one in recorded.windows:
        evidence = weigh(one.watched, one.hearing, one.span, max_shift, fitted)
        evidence = replace(evidence, spoken_frames=one.spoken_frames)
        found.append(scored(track, *one.span, evidence, calibrated))
    return sorted(found, key=lambda window: (window.track, window.start_ms))


def eyes_and_ears(context: Context) -> dict[str, Callable]:
    """The workers that run before speakers are scored."""
    return {stage.name: stage.open(context) for stage in (SHOTS, DETECTIONS, FACES, SPEECH)}


def context_of(profile: str, data: Path, folder: Path) -> Context:
    """A context with default settings of a profile."""
    recipe = Recipe(name="measure", title="Measure", profile=profile, media=MEDIA)
    return Context(recipe, folder, weights_in(data))


def clips_with_items(
    data: Path, folder: Path, clips: list[LabelledClip]
) -> Iterator[tuple[LabelledClip, Item]]:
    """Each clip with its normal form."""
    for clip in clips:
        yield clip, normalised(data, folder, clip)
