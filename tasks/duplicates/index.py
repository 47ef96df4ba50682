"""Which earlier clips a clip may be like, without looking at all of them.

Clips that are alike share some pieces of their fingerprints to the bit: 32 of the 256 bits of a picture, or an item
of the sound. A piece is a key of 64 bits, what it is a piece of and its value. The index holds the keys of earlier
clips in sorted arrays, each about twice as long as the next; a clip's own keys are looked up by bisection. Of the
earlier clips only some keys are kept, spaced in time, and all of the later one's are looked up: so it does not
matter where a recording was cut.

Whether a pair of clips is found depends on these two alone, on no other clip and no chance. For n clips the cost is
about n log n, and besides for each pair that shares a key.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.duplicates.pictures import MIRROR, WORDS
from tasks.duplicates.prints import Fingerprint

_PIECES = 2 * WORDS
_SOUND = _PIECES
_PICTURES_APART, _SOUNDS_APART = 6, 2
"""Of an earlier clip, every so manieth picture (720 ms) and item (248 ms) is kept."""

_HUMS = 8
"""An item that is heard so often in one clip, a second in all, is a steady tone's and tells no clip from others."""


def kept_keys(clip: Fingerprint) -> np.ndarray:
    """Sorted keys, uint64 (k,), under which a clip is found."""
    telling = _telling(clip)[::_SOUNDS_APART]
    pictures, seen = clip.pictures[::_PICTURES_APART], clip.seen[::_PICTURES_APART]
    return np.unique(
        np.concatenate((_picture_keys(pictures[seen]), _sound_keys(clip.sounds[::_SOUNDS_APART][telling])))
    )


def asked_keys(clip: Fingerprint) -> np.ndarray:
    """Sorted keys, uint64 (k,), under which earlier clips like this one are to be found, mirrored ones too."""
    seen = clip.pictures[clip.seen]
    sounds = _sound_keys(clip.sounds[_telling(clip)])
    return np.unique(np.concatenate((_picture_keys(seen), _picture_keys(seen ^ MIRROR), sounds)))


def _picture_keys(pictures: np.ndarray) -> np.ndarray:
    halves = np.stack((pictures >> np.uint64(32), pictures & np.uint64(0xFFFFFFFF)), axis=2)
    places = np.arange(_PIECES, dtype=np.uint64) << np.uint64(32)
    return (halves.reshape(-1, _PIECES) | places).ravel()


def _sound_keys(sounds: np.ndarray) -> np.ndarray:
    return sounds.ravel().astype(np.uint64) | np.uint64(_SOUND << 32)


def _telling(clip: Fingerprint) -> np.ndarray:
    _, places, counts = np.unique(clip.sounds.ravel(), return_inverse=True, return_counts=True)
    return clip.heard & (counts[places.ravel()] < _HUMS)


@dataclass(frozen=True)
class Level:
    """Keys in ascending order, uint64 (k,), and the number of the clip of each, int64 (k,)."""

    keys: np.ndarray
    clips: np.ndarray

    @staticmethod
    def of(keys: np.ndarray, clips: np.ndarray) -> Level:
        """From keys in any order; those of one value stay in the order in which they are given."""
        order = np.argsort(keys, kind="stable")
        return Level(keys[order], clips[order])

    def find(self, keys: np.ndarray, askers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The askers, and the clips that have a key of theirs: int64 (p,) each, with repetitions.

        Args:
            keys, askers: uint64 (k,) and int64 (k,), a key and who asks for it.
        """
        first, end = np.searchsorted(self.keys, keys, "left"), np.searchsorted(self.keys, keys, "right")
        counts = end - first
        before = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) - np.repeat(before - first, counts)
        return np.repeat(askers, counts), self.clips[places]


@dataclass(frozen=True)
class Index:
    """Levels from the longest to the shortest."""

    levels: tuple[Level, ...] = ()

    def with_level(self, level: Level) -> Index:
        """The index with more clips; levels that have become alike in length are merged."""
        levels = [*self.levels, level]
        while len(levels) > 1 and len(levels[-2].keys) < 2 * len(levels[-1].keys):
            last, before = levels.pop(), levels.pop()
            both = np.concatenate((before.keys, last.keys)), np.concatenate((before.clips, last.clips))
            levels.append(Level.of(*both))
        return Index(tuple(levels))

    def find(self, keys: np.ndarray, askers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `Level.find`, over all levels."""
        found = [level.find(keys, askers) for level in self.levels]
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        return np.concatenate([who for who, _ in found]), np.concatenate([clip for _, clip in found])
