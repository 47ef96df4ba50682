"""Whether two clips show and sound the same for a while.

    sound and picture alike          both      a re-upload or a replay
    picture alike, and it moves      picture   shared footage: dubbed, other music, or the sound shifted
    sound alike, picture another     sound     a song, a jingle, a commentary over other pictures

With the same sound beneath, the picture may differ more: a station's mark, a strip of text, a slight zoom, left and
right exchanged. Alone it must nearly be the same, and must be so at this shift only, at no other: one presenter in
one studio on two days looks the same at any shift, and so does a slide that stands. What stands, and what hums, is
never evidence by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from schemas.sections import Duplicates
from tasks.duplicates import pictures, sound
from tasks.duplicates.lags import Items, best_run_at_shared_lags
from tasks.duplicates.prints import Fingerprint
from tasks.duplicates.runs import Run, best_run, distances

Kind = Literal["both", "picture", "sound"]

_SOUND_ITEMS, _LEAST_SOUND_ITEMS = 4, 2
"""A run of sound has so many items, 3.1 s; in clips shorter than that fewer, but two can be laid elsewhere."""

_APART_MS = 1000
_SOUND_CONTRAST, _PICTURE_CONTRAST = 0.5, 0.4
"""Laid together rightly, sounds or pictures differ at most by this share of what they do laid elsewhere …"""

_CHANGES, _MOVES = 0.1, 0.06
"""… and by at least so much less, sounds and pictures: a hum laid elsewhere is a hum, and the hash of a picture that
stands changes in a few of its bits."""

_LARGEST_TABLE = 250 * 250
"""Two clips of half a minute: beyond it a table of all pictures with all takes more than 10 ms."""

_LAG_STEPS = 2
"""Steps of pictures by which picture and sound may disagree on the shift between two clips: a codec's delay."""


@dataclass(frozen=True)
class Match:
    """Two clips that are alike.

    Attributes:
        picture_distance: share of the picture's bits that differ, 0–1, over the time that is alike; NaN where the
            pictures cannot be laid together.
        sound_distance: likewise of the sound; NaN where the sound is not alike.
        lag_ms: how much later in the recording the later clip begins than the earlier one; negative: before it.
        overlap_ms: for how long they are alike.
        mirrored: left and right are exchanged.
    """

    earlier: str
    later: str
    kind: Kind
    picture_distance: float
    sound_distance: float
    lag_ms: int
    overlap_ms: int
    mirrored: bool = False


@dataclass(frozen=True)
class _Seen:
    """How alike the pictures are at a given shift."""

    distance: float
    mirrored: bool


def compare(earlier: Fingerprint, later: Fingerprint, rules: Duplicates) -> Match | None:
    """What two clips have in common; None if that is nothing, or too little to say."""
    heard = _alike_in_sound(earlier, later, rules)
    if heard:
        lag_ms, overlap_ms = round(heard.lag * sound.STEP_MS), _sound_ms(heard.length)
        seen = _pictures_under(earlier, later, heard)
        # Within one source nothing was encoded anew, and a bell that rings again is no replay.
        same_source = earlier.video_id == later.video_id
        if seen.distance <= (rules.max_picture if same_source else rules.max_picture_with_sound):
            shown = (seen.distance, heard.distance, lag_ms, overlap_ms, seen.mirrored)
            return Match(earlier.clip_id, later.clip_id, "both", *shown)
    moving = _alike_in_picture(earlier, later, rules)
    if moving:
        run, mirrored = moving
        shown = (
            run.distance,
            float("nan"),
            run.lag * pictures.STEP_MS,
            run.length * pictures.STEP_MS,
            mirrored,
        )
        return Match(earlier.clip_id, later.clip_id, "picture", *shown)
    if heard:
        return Match(
            earlier.clip_id, later.clip_id, "sound", seen.distance, heard.distance, lag_ms, overlap_ms
        )
    return None


def _sound_ms(items: int) -> int:
    return round(sound.SPAN_MS + (items - 1) * sound.STEP_MS)


def _alike_in_sound(earlier: Fingerprint, later: Fingerprint, rules: Duplicates) -> Run | None:
    window = min(_SOUND_ITEMS, len(earlier.sounds), len(later.sounds))
    if window < _LEAST_SOUND_ITEMS:
        return None
    apart = min(round(_APART_MS / sound.STEP_MS), window - 1)
    heard = (earlier.sounds, earlier.heard), (later.sounds, later.heard)
    run = _best_run(*heard, window, rules.max_sound, apart)
    if not run or not _stands_out(run, _SOUND_CONTRAST, _CHANGES):
        return None
    return run if _sound_ms(run.length) >= rules.min_overlap else None


def _alike_in_picture(earlier: Fingerprint, later: Fingerprint, rules: Duplicates) -> tuple[Run, bool] | None:
    """The run, and whether it is one of mirrored pictures."""
    window = max(2, -(-rules.min_overlap // pictures.STEP_MS))
    apart = round(_APART_MS / pictures.STEP_MS)
    for mirrored in (False, True):
        shown = later.pictures ^ pictures.MIRROR if mirrored else later.pictures
        seen = (earlier.pictures, earlier.seen), (shown, later.seen)
        run = _best_run(*seen, window, rules.max_picture, apart)
        if run and _stands_out(run, _PICTURE_CONTRAST, _MOVES):
            return run, mirrored
    return None


def _best_run(earlier: Items, later: Items, window: int, limit: float, apart: int) -> Run | None:
    """The best common run: of short clips by a table of all items with all, of long ones at likely lags."""
    if len(earlier[0]) * len(later[0]) > _LARGEST_TABLE:
        return best_run_at_shared_lags(earlier, later, window, limit, apart)
    known = earlier[1][:, None] & later[1][None]
    return best_run(distances(earlier[0], later[0]), known, window, limit, apart)


def _stands_out(run: Run, contrast: float, least: float) -> bool:
    """Whether the run's items are alike there only; false where they could not be laid elsewhere."""
    return run.distance <= contrast * run.elsewhere and run.elsewhere - run.distance >= least


def _pictures_under(earlier: Fingerprint, later: Fingerprint, heard: Run) -> _Seen:
    """The pictures shown while the sound is alike, laid together as it says; the better of plain and mirrored."""
    first = round(heard.earlier * sound.STEP_MS / pictures.STEP_MS)
    lag = round(heard.lag * sound.STEP_MS / pictures.STEP_MS)
    length = _sound_ms(heard.length) // pictures.STEP_MS
    found = [
        _Seen(_mean_distance(earlier, later, (first, lag + step, length), mirrored), mirrored)
        for mirrored in (False, True)
        for step in range(-_LAG_STEPS, _LAG_STEPS + 1)
    ]
    known = [seen for seen in found if not np.isnan(seen.distance)]
    return min(known, key=lambda seen: seen.distance) if known else found[0]


def _mean_distance(
    earlier: Fingerprint, later: Fingerprint, place: tuple[int, int, int], mirrored: bool
) -> float:
    """Mean share of differing bits; NaN where there is nothing to compare.

    Args:
        place: the first picture of the earlier clip, how many pictures after it the later clip begins, and for
            how many pictures to compare.
    """
    first, lag, length = place
    begin = max(first, lag, 0)
    end = min(first + length, len(earlier.pictures), len(later.pictures) + lag)
    if begin >= end:
        return float("nan")
    one, other = np.s_[begin:end], np.s_[begin - lag : end - lag]
    known = earlier.seen[one] & later.seen[other]
    if not known.any():
        return float("nan")
    differing = (
        earlier.pictures[one] ^ later.pictures[other] ^ (pictures.MIRROR if mirrored else np.uint64(0))
    )
    bits = np.bitwise_count(differing[known]).sum()
    return float(bits) / (64 * pictures.WORDS * int(known.sum()))
