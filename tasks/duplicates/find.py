"""Near duplicates among all clips of a workspace.

Clips are taken in the order given. One is a duplicate if it is like an earlier one that is itself none; so of many
copies the first stays, and clips that come later change nothing about earlier ones.

Later means behind all others in that order. Shards are only ever added at the end, but a clip that failed and is
done by a later run appears in the middle of its shard: it may then be the first of its kind, so that a clip behind
it which stayed until then is left out for it, and what was left out for that one may be reported with the new one
or, if it is not like it, stay. All verdicts are made anew whenever a shard's fingerprints or conditions change, so
they always are those of the clips as they now stand.

Cost: that of the index for each clip, and a comparison (1 to 2 ms for clips of 10 s) for each pair that it finds.
Memory: of each clip that stays about 3 kB of fingerprints and, at the peak, 4 kB of the index for 10 s; 10⁶ clips
would take about 7 GB, as reckoned from 10⁵.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.sections import Duplicates
from tasks.duplicates.alike import Match, compare
from tasks.duplicates.index import Index
from tasks.duplicates.prints import Fingerprint, from_row

_READ_AT_ONCE, _AT_ONCE = 256, 2048
"""Clips that are read, and looked up in the index, together; their fingerprints as text take 15 kB a clip."""


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
    for clips in _together(_fingerprints(tables)):
        among = Index().with_clips(clips, range(len(clips))).find(clips)
        staying: dict[int, Fingerprint] = {}
        for place, (old, new) in enumerate(zip(index.find(clips), among, strict=True)):
            earlier = [*map(kept.clip, old), *(staying[one] for one in new if one in staying)]
            matches = [match for match in (compare(one, clips[place], rules) for one in earlier) if match]
            yield from ((clips[place], match) for match in matches)
            if not any(drops(match, rules) for match in matches):
                staying[place] = clips[place]
        numbers = kept.take(list(staying.values()))
        index = index.with_clips(list(staying.values()), numbers)


def _fingerprints(tables: Iterable[pa.Table]) -> Iterator[Fingerprint]:
    for table in tables:
        for batch in table.to_batches(max_chunksize=_READ_AT_ONCE):
            yield from map(from_row, batch.to_pylist())


def _together(clips: Iterator[Fingerprint]) -> Iterator[list[Fingerprint]]:
    """Clips as many as are looked up together, whichever tables they come from."""
    while some := list(islice(clips, _AT_ONCE)):
        yield some


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
