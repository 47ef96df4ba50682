"""What a tagger of sounds is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from schemas.errors import AnalysisError
from tasks.sounds.audioset import names_by_id


@dataclass(frozen=True)
class Tagger:
    """Names the sounds in chunks of a waveform.

    Attributes:
        name: as recipes name it.
        sample_rate: of the chunks it wants, Hz.
        classes: the AudioSet ids that it can name, in the order of its scores.
        limited: whether it knows only a few classes, so that silence about a sound says nothing.
        tag_chunks: does the work of `tag`.
        longest_ms: of a chunk, ms; None where any length will do.
    """

    name: str
    sample_rate: int
    classes: tuple[str, ...]
    limited: bool
    tag_chunks: Callable[[np.ndarray], np.ndarray]
    longest_ms: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """AudioSet display names of `classes`."""
        return tuple(names_by_id()[one] for one in self.classes)

    def tag(self, chunks: np.ndarray) -> np.ndarray:
        """Scores of each class in each chunk.

        Args:
            chunks: float32 (n, samples), mono at `sample_rate`, −1…1; all of one length.

        Returns:
            float32 (n, len(classes)), 0–1; scores of one chunk need not sum to one.

        Raises:
            AnalysisError: another shape, no samples, values that are not finite, or chunks that are too long.
        """
        if chunks.ndim != 2 or not chunks.shape[1] or not np.isfinite(chunks).all():
            raise AnalysisError(
                self.name, f"chunks of shape {chunks.shape}, wanted (n, samples) and finite", "decode to mono"
            )
        length_ms = chunks.shape[1] * 1000 / self.sample_rate
        if self.longest_ms is not None and length_ms > self.longest_ms:
            problem = f"chunks of {length_ms:.0f} ms, and it hears {self.longest_ms} ms at most"
            raise AnalysisError(self.name, problem, "set sounds.chunk to less")
        if not len(chunks):
            return np.zeros((0, len(self.classes)), np.float32)
        return self.tag_chunks(np.ascontiguousarray(chunks, np.float32))
