"""Clips that are ready for review: rows of them, and files with known pictures and sounds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np

from schemas.recipe import Recipe
from schemas.sections import Media
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.media.encode import ClipEncoder
from tasks.workspace.stage import Row

SECRET = "5eed" * 16
SIZE = (96, 64)
MEDIA = Media(short_side="64 px")


def recipe_for(form: str, **review: object) -> Recipe:
    return Recipe(name="some", title="Some", review={"form": form, **review})


def event(name: str, start_ms: int, end_ms: int, score: float = 0.8, parents: Sequence[str] = ()) -> Row:
    return {"name": name, "start_ms": start_ms, "end_ms": end_ms, "score": score, "parents": list(parents)}


def label(name: str, start_ms: int, end_ms: int) -> Row:
    return {"label": name, "start_ms": start_ms, "end_ms": end_ms}


def ready(clip_id: str, video_id: str | None = None, **columns: object) -> Row:
    """A clip of 8 s in which one can tell, if nothing else is said."""
    return {
        "clip_id": clip_id,
        "video_id": video_id or f"video of {clip_id}",
        "sha256": hashlib.sha256(clip_id.encode()).hexdigest(),
        "path": f"clips/{clip_id}.mp4",
        "duration_ms": 8_000,
        "evidence": "evident",
        "scenario": None,
        "labels": [],
        "events": [],
        "machine": {},
        **columns,
    }


def several(count: int, **columns: object) -> list[Row]:
    """Clips of as many videos, in turn of three scenarios."""
    scenarios = ("single_speaker", "animal_sound", "ensemble")
    return [ready(f"c{place}", scenario=scenarios[place % 3], **columns) for place in range(count)]


def write_clip(path: Path, lumas: Sequence[int], sound: np.ndarray, media: Media = MEDIA) -> Path:
    """A normalised clip: a plain picture of each luma, 16 to 235, and float sound of 640 samples a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encoder = ClipEncoder(path, SIZE, media)
    for luma in lumas:
        plane = np.full((SIZE[1] * 3 // 2, SIZE[0]), luma, np.uint8)
        plane[SIZE[1] :] = 128
        encoder.add(av.VideoFrame.from_ndarray(plane, format="yuv420p"))
    encoder.finish(np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16))
    return path


def flashing(path: Path, flashes_s: Sequence[float], seconds: int = 8) -> Path:
    """Flashes of 120 ms on black, each with a beep of 60 ms that begins with it."""
    lumas, sound = np.full(seconds * FRAME_RATE, 16), np.zeros(seconds * SAMPLE_RATE)
    tone = 0.6 * np.cos(2 * np.pi * 1000 * np.arange(SAMPLE_RATE * 6 // 100) / SAMPLE_RATE)
    for time_s in flashes_s:
        frame = round(time_s * FRAME_RATE)
        lumas[frame : frame + 3] = 235
        sound[frame * SAMPLES_PER_FRAME :][: len(tone)] = tone
    return write_clip(path, lumas.tolist(), sound)


def murmuring(path: Path, seconds: float, seed: int, loudness: float = 0.1) -> Path:
    """Noise that swells and fades as speech does, under a picture that grows lighter from frame to frame."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * FRAME_RATE)
    swell = np.repeat(rng.uniform(0.1, 1, frames), SAMPLES_PER_FRAME)
    sound = loudness * swell * rng.standard_normal(frames * SAMPLES_PER_FRAME)
    return write_clip(path, [16 + (7 * place) % 200 for place in range(frames)], sound)
