"""Which earlier clips a clip may be like, without looking at all of them.

Clips that are alike share some pieces of their fingerprints to the bit: 32 of the 256 bits of a picture, or an item
of the sound. A piece is a key, what it is a piece of and its value. The index holds the keys of earlier clips;
pyarrow joins them with those of the clips that are looked up. Of the earlier clips only some keys are kept, spaced
in time, and all of the later one's are looked up: so it does not matter where a recording was cut.

Whether a pair of clips is found depends on these two alone, on no other clip and no chance; and a key counts once
for each clip, however long a picture stands. Libraries that search for near neighbours do not give both. The same
pieces in faiss-cpu 1.15 (IndexBinaryMultiHash) find the same pairs, but take over ten times as long and six times
the memory where 50 clips show one cover that stands. Its trained lists (IndexBinaryIVF) find 99.5 % of the pairs
among real clips and changed copies of them instead of 96.6 %, but twice as many pairs for nothing, and others once
they are trained anew. Graphs (HNSW, in faiss and in usearch 2.26) take two to fourteen times as long.

A channel's opening, a jingle or a logo is in all of its clips, and would make pairs of all of them. Where copies are
kept, a key is therefore held for the earliest clips only, like a word so common that no search looks for it: copies
are found by the rest of what they share, and those that share no more than an opening with the first few of them.

Cost: 0.6 to 0.8 ms a clip of 10 s at 10,000 clips, 1.3 at 100,000: every lookup, which is of many clips together,
goes through the whole index. Memory: 1.1 kB a clip, and about 4 kB during a lookup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
class Index:
    """The keys of clips.

    Attributes:
        pieces: for each kind of piece a table of its values, uint32, and of the numbers, int32, of the clips that
            have them; a row for each value of each clip.
        limit: a value is held for so many clips at most, the earliest; None: for all.
    """

    pieces: tuple[pa.Table, ...] = field(default_factory=lambda: _tables([], [], "number"))
    limit: int | None = None

    def with_clips(self, clips: Sequence[Fingerprint], numbers: Iterable[int]) -> Index:
        """The index with more clips, which are called by these numbers, later than all that are in it."""
        more = self.of_these(clips, numbers)
        return Index(tuple(map(pa.concat_tables, zip(self.pieces, more.pieces, strict=True))), self.limit)

    def of_these(self, clips: Sequence[Fingerprint], numbers: Iterable[int]) -> Index:
        """An index of these clips alone, with what this one would take of them."""
        more = _tables([kept_keys(clip) for clip in clips], numbers, "number")
        if self.limit is None:
            return Index(more)
        within = tuple(_within(self.limit, *both) for both in zip(self.pieces, more, strict=True))
        return Index(within, self.limit)

    def find(self, clips: Sequence[Fingerprint]) -> list[list[int]]:
        """For each clip the numbers of those that share a key with it, in ascending order."""
        asked = _tables([asked_keys(clip) for clip in clips], range(len(clips)), "asker")
        # A kind of piece at a time: a join holds a hash table of all that it looks into.
        found = np.unique(np.concatenate([_shared(*both) for both in zip(asked, self.pieces, strict=True)]))
        ends = np.searchsorted(found >> 32, np.arange(1, len(clips)))
        return [some.tolist() for some in np.split(found & 0xFFFFFFFF, ends)]


def _within(limit: int, held: pa.Table, more: pa.Table) -> pa.Table:
    """The rows of `more` whose value is not yet held `limit` times, those before them in `more` included."""
    values = more["value"].to_numpy()
    order = np.argsort(values, kind="stable")
    each, first, place = np.unique(values[order], return_index=True, return_inverse=True)
    already = held["value"].filter(pc.is_in(held["value"], value_set=pa.array(each))).to_numpy()
    counts = np.bincount(np.searchsorted(each, already), minlength=len(each))
    rank = np.empty(len(values), np.int64)
    rank[order] = np.arange(len(values)) - first[place] + counts[place]
    return more.filter(pa.array(rank < limit))


def _shared(asked: pa.Table, held: pa.Table) -> np.ndarray:
    """Who asks for a value that who has: int64 (p,), asker · 2³² + number, once each, ascending."""
    joined = asked.join(held, keys="value", join_type="inner")
    askers, numbers = (joined[name].to_numpy().astype(np.int64) for name in ("asker", "number"))
    return np.unique(askers << 32 | numbers)


def _tables(keys: Sequence[np.ndarray], owners: Iterable[int], name: str) -> tuple[pa.Table, ...]:
    """For each kind of piece the values of several clips beneath each other, and whose each is."""
    whose = np.repeat(np.fromiter(owners, np.int32, len(keys)), [len(some) for some in keys])
    every = np.concatenate([np.empty(0, np.uint64), *keys])
    kinds, values = every >> np.uint64(32), every.astype(np.uint32)
    return tuple(
        pa.table({"value": values[kinds == kind], name: whose[kinds == kind]}) for kind in range(_SOUND + 1)
    )
