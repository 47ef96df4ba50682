"""Near duplicates among all clips of a workspace.

Clips are taken in the order given. One is a duplicate if it is like an earlier one that is itself none; so of many
copies the first stays, and clips that come later change nothing about earlier ones.

Cost: about n log n for n clips, and a comparison (1 to 2 ms for clips of 10 s) for each pair that the index finds.
Memory: of each clip that stays about 3 kB of fingerprints and 1.5 kB of the index for 10 s; 10⁶ clips take 4.5 GB.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.sections import Duplicates
from tasks.duplicates.alike import Match, compare
from tasks.duplicates.index import Index, Level, asked_keys, kept_keys
from tasks.duplicates.prints import Fingerprint, from_row

_AT_ONCE = 256
"""Clips that are looked up in the index together."""


def find_duplicates(tables: Iterable[pa.Table], rules: Duplicates | None) -> list[dict[str, Any]]:
    """The rows of DUPLICATES: of each clip that is like an earlier one, the first such; a clip without has no row.

    A clip that is left out is reported with the clip for which it is; one that stays, though its sound is that of
    an earlier one, with the latter.

    Args:
        tables: of FINGERPRINTS, read once each, in an order that later tables only lengthen.
        rules: None finds nothing.
    """
    if rules is None:
        return []
    rows = []
    for _, matches in groupby(_found(tables, rules), key=lambda found: found[0].clip_id):
        some = list(matches)
        dropping = [match for _, match in some if drops(match, rules)]
        clip, match = some[0][0], (dropping or [match for _, match in some])[0]
        rows.append(_row(clip, match, bool(dropping)))
    return rows


def pairs(tables: Iterable[pa.Table], rules: Duplicates) -> Iterator[Match]:
    """Every clip with every earlier clip that it is like and that is itself no duplicate."""
    return (match for _, match in _found(tables, rules))


def drops(match: Match, rules: Duplicates) -> bool:
    """Whether the later clip is left out for the earlier one."""
    return match.kind != "sound" or rules.sound_alone == "drop"


def _row(clip: Fingerprint, match: Match, dropped: bool) -> dict[str, Any]:
    return {
        "clip_id": clip.clip_id,
        "video_id": clip.video_id,
        "duplicate_of": match.earlier,
        "kind": match.kind,
        "dropped": dropped,
        "picture_distance": _known(match.picture_distance),
        "sound_distance": _known(match.sound_distance),
        "lag_ms": match.lag_ms,
        "overlap_ms": match.overlap_ms,
        "mirrored": match.mirrored,
    }


def _known(distance: float) -> float | None:
    return None if math.isnan(distance) else round(distance, 4)


def _found(tables: Iterable[pa.Table], rules: Duplicates) -> Iterator[tuple[Fingerprint, Match]]:
    """Each later clip with its matches, in the order of the clips, and then of the earlier ones."""
    index, kept = Index(), _Kept([], [])
    for clips in _batches(tables):
        candidates = _candidates(clips, index)
        staying: dict[int, Fingerprint] = {}
        for place, clip in enumerate(clips):
            old, new = candidates[place]
            earlier = [*map(kept.clip, old), *(staying[one] for one in new if one in staying)]
            matches = [match for match in (compare(one, clip, rules) for one in earlier) if match]
            yield from ((clip, match) for match in matches)
            if not any(drops(match, rules) for match in matches):
                staying[place] = clip
        numbers = kept.take(list(staying.values()))
        index = index.with_level(_level(list(staying.values()), numbers))


def _batches(tables: Iterable[pa.Table]) -> Iterator[list[Fingerprint]]:
    for table in tables:
        for batch in table.to_batches(max_chunksize=_AT_ONCE):
            if batch.num_rows:
                yield [from_row(row) for row in batch.to_pylist()]


def _candidates(clips: Sequence[Fingerprint], index: Index) -> list[tuple[list[int], list[int]]]:
    """For each clip the numbers of kept ones that it may be like, and the places of such before it in the batch."""
    asked = [asked_keys(clip) for clip in clips]
    keys, askers = _joined(asked, range(len(clips)))
    old = _unique(*index.find(keys, askers), len(clips))
    who, whom = _level(clips, range(len(clips))).find(keys, askers)
    new = _unique(who[whom < who], whom[whom < who], len(clips))
    return list(zip(old, new, strict=True))


def _level(clips: Sequence[Fingerprint], numbers: Iterable[int]) -> Level:
    return Level.of(*_joined([kept_keys(clip) for clip in clips], numbers))


def _joined(keys: Sequence[np.ndarray], owners: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
    """The keys of several clips in one array, and whose each is."""
    lengths = [len(some) for some in keys]
    whose = np.repeat(np.fromiter(owners, np.int64, len(keys)), lengths)
    return np.concatenate([np.empty(0, np.uint64), *keys]), whose


def _unique(askers: np.ndarray, found: np.ndarray, count: int) -> list[list[int]]:
    """What each of `count` askers found, once each, in ascending order."""
    both = np.unique(np.stack((askers, found)), axis=1)
    ends = np.searchsorted(both[0], np.arange(1, count))
    return [part.tolist() for part in np.split(both[1], ends)]


@dataclass(frozen=True)
class _Kept:
    """The clips that stay, packed: an array of each kind for each batch, and where a clip's part begins."""

    batches: list[Mapping[str, Any]]
    places: list[tuple[int, int]]

    def take(self, clips: Sequence[Fingerprint]) -> range:
        """Put away the clips of a batch; returns their numbers."""
        first = len(self.places)
        fields = ("pictures", "seen", "sounds", "heard")
        packed = {name: [getattr(clip, name) for clip in clips] for name in fields}
        starts = {name: np.cumsum([0, *map(len, parts)]) for name, parts in packed.items()}
        names = [(clip.clip_id, clip.video_id) for clip in clips]
        if clips:
            joined = {name: np.concatenate(parts) for name, parts in packed.items()}
            self.batches.append({"names": names, "starts": starts, "parts": joined})
            self.places.extend((len(self.batches) - 1, place) for place in range(len(clips)))
        return range(first, len(self.places))

    def clip(self, number: int) -> Fingerprint:
        batch, place = self.places[number]
        held = self.batches[batch]
        parts = {
            name: part[held["starts"][name][place] : held["starts"][name][place + 1]]
            for name, part in held["parts"].items()
        }
        return Fingerprint(*held["names"][place], **parts)
