"""Near duplicates among all clips of a workspace.

Clips are taken in the order given. One is a duplicate if it is like an earlier one that is itself none; so of many
copies the first stays, and clips that come later change nothing about earlier ones.

Later means behind all others in that order. Shards are only ever added at the end, but a clip that failed and is
done by a later run appears in the middle of its shard: it may then be the first of its kind, so that a clip behind
it which stayed until then is left out for it, and what was left out for that one may be reported with the new one
or, if it is not like it, stay. All verdicts are made anew whenever a shard's fingerprints or conditions change, so
they always are those of the clips as they now stand.

A recipe may keep copies (`leave_out: false`). Then all stay, and what matters is which clips are alike, since a split
must not part them. A clip that is like an earlier one all along adds nothing to look for, and later ones are told to
be like that earlier one: of many copies each is told to be like the first, not with each other. Clips of one video
are not compared, since no split parts them. And a key that is in more than `_KEPT_FOR` clips is looked for in the
first of them alone, lest an opening that a channel's videos share make pairs of all of them.

Cost: that of the index for each clip, and a comparison (1 to 2 ms for clips of 10 s, 5 to 15 for five minutes) for
each pair that it finds. Memory: of each clip that stays about 3 kB of fingerprints and, at the peak, 4 kB of the
index for 10 s; 10⁶ clips would take about 7 GB, as reckoned from 10⁵.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.sections import Duplicates
from tasks.duplicates.alike import Match, compare
from tasks.duplicates.index import Index
from tasks.duplicates.pictures import STEP_MS
from tasks.duplicates.prints import Fingerprint, from_row
from tasks.workspace.stage import Row

_READ_AT_ONCE, _AT_ONCE, _PICTURES_AT_ONCE = 256, 2048, 200_000
"""Clips that are read, and clips and pictures that are looked up in the index, together; as text the fingerprints of
a clip of 10 s take 15 kB."""

_KEPT_FOR = 8
"""Where copies are kept, a key is held for so many clips."""


@dataclass(frozen=True)
class Found:
    """What there is among the clips of a workspace.

    Attributes:
        duplicates: rows of DUPLICATES: of each clip that is like an earlier one, the first such. A clip that is left
            out is reported with the clip for which it is; one that stays, though its sound is that of an earlier
            one, or since copies are kept, with the latter.
        pairs: rows of PAIRS: every clip with every earlier clip that it is found to be like.
        counts: clips and pairs by what they are: how much was looked at.
    """

    duplicates: Sequence[Row]
    pairs: Sequence[Row]
    counts: Mapping[str, int]


def find_duplicates(tables: Iterable[pa.Table], rules: Duplicates) -> Found:
    """Compare all clips with each other, as far as the index says that they may be alike.

    Args:
        tables: of FINGERPRINTS, read once each, in an order that later tables only lengthen.
    """
    duplicates: list[Row] = []
    pairs: list[Row] = []
    compared, of_videos = 0, Counter()
    for clip, looked_at, matches in _looked_through(tables, rules):
        of_videos[clip.video_id] += 1
        compared += looked_at
        pairs += [_pair(clip, other, match) for other, match in matches]
        if matches:
            dropping = [match for _, match in matches if drops(match, rules)]
            duplicates.append(_row(clip, (dropping or [match for _, match in matches])[0], bool(dropping)))
    clips = of_videos.total()
    counts = {
        "clips fingerprinted": clips,
        "pairs possible": clips * (clips - 1) // 2,
        "pairs within a video": sum(count * (count - 1) // 2 for count in of_videos.values()),
        "pairs compared": compared,
        "pairs alike": len(pairs),
    }
    return Found(duplicates, pairs, counts)


def drops(match: Match, rules: Duplicates) -> bool:
    """Whether the later clip is left out for the earlier one."""
    return rules.leave_out and (match.kind != "sound" or rules.sound_alone == "drop")


def _pair(clip: Fingerprint, other: Fingerprint, match: Match) -> Row:
    return {
        "clip_id": clip.clip_id,
        "video_id": clip.video_id,
        "other_clip": other.clip_id,
        "other_video": other.video_id,
        "kind": match.kind,
        "overlap_ms": match.overlap_ms,
        "shorter_ms": min(_duration_ms(clip), _duration_ms(other)),
    }


def _duration_ms(clip: Fingerprint) -> int:
    """To 120 ms: as many as the pictures stand for."""
    return len(clip.pictures) * STEP_MS


def _row(clip: Fingerprint, match: Match, dropped: bool) -> Row:
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


Matches = list[tuple[Fingerprint, Match]]


def _looked_through(
    tables: Iterable[pa.Table], rules: Duplicates
) -> Iterator[tuple[Fingerprint, int, Matches]]:
    """Each clip, with how many it was compared, and which of them it is like, in the order of the clips."""
    index, kept = Index(limit=None if rules.leave_out else _KEPT_FOR), _Kept([], [])
    for clips in _together(_fingerprints(tables)):
        among = index.of_these(clips, range(len(clips))).find(clips)
        staying: dict[int, Fingerprint] = {}
        for place, (old, new) in enumerate(zip(index.find(clips), among, strict=True)):
            clip = clips[place]
            earlier = [*map(kept.clip, old), *(staying[one] for one in new if one in staying)]
            others = [other for other in earlier if rules.leave_out or other.video_id != clip.video_id]
            alike = [(other, match) for other in others if (match := compare(other, clip, rules))]
            yield clip, len(others), alike
            if not any(drops(match, rules) or _all_along(match, clip, rules) for _, match in alike):
                staying[place] = clip
        numbers = kept.take(list(staying.values()))
        index = index.with_clips(list(staying.values()), numbers)


def _all_along(match: Match, clip: Fingerprint, rules: Duplicates) -> bool:
    """Whether a clip that is kept is like an earlier one but for less than what two clips must have in common."""
    left_ms = _duration_ms(clip) - match.overlap_ms
    return not rules.leave_out and match.kind == "both" and left_ms < rules.min_overlap


def _fingerprints(tables: Iterable[pa.Table]) -> Iterator[Fingerprint]:
    for table in tables:
        for batch in table.to_batches(max_chunksize=_READ_AT_ONCE):
            yield from map(from_row, batch.to_pylist())


def _together(clips: Iterator[Fingerprint]) -> Iterator[list[Fingerprint]]:
    """Clips as many as are looked up together, whichever tables they come from."""
    some: list[Fingerprint] = []
    pictures = 0
    for clip in clips:
        some.append(clip)
        pictures += len(clip.pictures)
        if len(some) >= _AT_ONCE or pictures >= _PICTURES_AT_ONCE:
            yield some
            some, pictures = [], 0
    if some:
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
