"""How unlike two sets of videos are, told from the sums of their measures (`tasks.splits.videos.Videos`)."""

from __future__ import annotations

import numpy as np

_LEAST_SHARE = 0.01
"""A share below it counts as this much, lest what is rare outweigh all else."""


def unlikeness(
    parts: np.ndarray, wholes: np.ndarray, all_parts: np.ndarray, all_wholes: np.ndarray
) -> np.ndarray:
    """How far shares lie from those of all, 0 and up: squared distances, each by the share itself, summed up.

    Args:
        parts, wholes: float64 (…, k), sums over the set or the sets.
        all_parts, all_wholes: float64 (k,), sums over all.
    """
    shares = parts / np.maximum(wholes, 1)
    expected = all_parts / np.maximum(all_wholes, 1)
    return (((shares - expected) ** 2) / np.maximum(expected, _LEAST_SHARE)).sum(axis=-1)
