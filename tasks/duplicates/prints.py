"""The fingerprints of one clip, as they are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.duplicates.pictures import words_of


@dataclass(frozen=True)
class Fingerprint:
    """A clip.

    Attributes:
        pictures: uint64 (n, 4), a hash every 120 ms.
        seen: bool (n,), which of them show anything.
        sounds: uint32 (m, 1), an item every 124 ms.
        heard: bool (m,), which of them are not silent.
    """

    clip_id: str
    video_id: str
    pictures: np.ndarray
    seen: np.ndarray
    sounds: np.ndarray
    heard: np.ndarray


def from_row(row: Mapping[str, Any]) -> Fingerprint:
    """The fingerprint that a row of FINGERPRINTS holds."""
    pictures, seen = words_of(row["pictures"])
    heard = np.array([item is not None for item in row["sounds"]], bool)
    sounds = np.array([item or 0 for item in row["sounds"]], np.uint32).reshape(-1, 1)
    return Fingerprint(row["clip_id"], row["video_id"], pictures, seen, sounds, heard)
