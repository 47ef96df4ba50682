"""Fingerprints and clips for the tests of near duplicates."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa

from schemas.tables import FINGERPRINTS
from tasks.duplicates import Fingerprint
from tasks.workspace.stage import Row


def row_of(clip: Fingerprint) -> Row:
    """The row of FINGERPRINTS that holds a fingerprint."""
    return {
        "clip_id": clip.clip_id,
        "video_id": clip.video_id,
        "pictures": [
            "".join(f"{word:016x}" for word in words) if seen else None
            for words, seen in zip(clip.pictures.tolist(), clip.seen, strict=True)
        ],
        "sounds": [
            int(item) if heard else None
            for item, heard in zip(clip.sounds.ravel().tolist(), clip.heard, strict=True)
        ],
    }


def table_of(clips: list[Fingerprint]) -> pa.Table:
    return pa.Table.from_pylist([row_of(clip) for clip in clips], schema=FINGERPRINTS)


def recording(seed: int, pictures: int = 60, items: int = 40) -> Fingerprint:
    """A clip in which everything moves and nothing repeats."""
    rng = np.random.default_rng(seed)
    return Fingerprint(
        f"r{seed}",
        f"v{seed}",
        rng.integers(0, 2**64, (pictures, 4), np.uint64),
        np.ones(pictures, bool),
        rng.integers(0, 2**32, (items, 1), np.uint32),
        np.ones(items, bool),
    )


def flipped(words: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Words with so large a share of their bits changed."""
    rng = np.random.default_rng(seed)
    bits = np.unpackbits(words.view(np.uint8), axis=1)
    return np.packbits(bits ^ (rng.random(bits.shape) < share), axis=1).view(words.dtype)


def film(path: Path, seed: int, seconds: float = 5, edit: str = "null", start: float = 0) -> Path:
    """A clip of drifting clouds of light under changing chords; `edit` is a filter of ffmpeg on its picture."""
    rng = np.random.default_rng(seed)
    count = round(25 * seconds)
    waves = rng.uniform(0.5, 3, (6, 2)), rng.uniform(-4, 4, 6), rng.uniform(0, 6, 6)
    y, x = np.mgrid[0:1:90j, 0:1:160j]
    times = start + np.arange(count) / 25
    pictures = sum(
        np.sin(2 * np.pi * (a * x + b * y)[None] + speed * times[:, None, None] + phase)
        for (a, b), speed, phase in zip(*waves, strict=True)
    )
    frames = np.clip(128 + 35 * pictures, 0, 255).astype(np.uint8)
    clock = start + np.arange(round(16_000 * seconds)) / 16_000
    notes = 220 * 2 ** (rng.integers(0, 24, (60, 2)) / 12)
    sung = notes[(clock / 0.4).astype(int) % 60]
    sound = path.with_suffix(".f32")
    (0.2 * np.sin(2 * np.pi * sung * clock[:, None]).sum(axis=1)).astype("<f4").tofile(sound)
    command = [
        "ffmpeg",
        "-y",
        "-v",
        "error",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-s",
        "160x90",
        "-r",
        "25",
    ]
    heard = ["-f", "f32le", "-ar", "16000", "-ac", "1", "-i", str(sound)]
    coded = ["-vf", edit, "-crf", "28", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", str(path)]
    subprocess.run([*command, "-i", "-", *heard, *coded], input=frames.tobytes(), check=True)
    return path
