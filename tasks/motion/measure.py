"""What a clip's picture does, second by second: how bright it is, what changes, where it stands or is a card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.sections import Motion
from schemas.units import FRAME_RATE
from tasks.motion.bars import Box, Darkness, active_box
from tasks.motion.cards import is_card
from tasks.motion.likeness import prepared, unlike
from tasks.motion.sharpness import brightness, sharpness
from tasks.motion.shrink import shrunk

SIZE = (64, 36)
"""Width and height, px, at which frames are compared, whatever the clip's shape: shares do not depend on it, and
noise and small movements of single pixels do not count."""

_BLACK_SHARE = 0.98
"""Of a black frame so much is dark: subtitles and a station's mark may shine."""

_SAME = 0.002
"""A card stays the same from one second to the next but for this share of its picture: no face moves beside it."""


@dataclass(frozen=True)
class Second:
    """One second of a clip; the last one may have fewer than 25 frames.

    Attributes:
        luma: mean luma, 0–255.
        changed: share of the pixels that change from one frame to the next, 0–1, mean over the second's frames.
        black_frames: how many frames are black.
        frozen_frames: how many frames are the one before again. A clip's first frame is never one of them.
        unlike: share of the picture that was another one second earlier, 0–1, pan and zoom of the whole aside;
            0 for the first second.
        card_frames: how many frames show a card full of text: all of the second's if it begins with one that was
            there a second earlier or still is a second later, else none.
        bright: luma that 2 % of the second's first picture exceed, 0–255.
        sharpness: of that picture's edges within the bars seen so far, 0–1; None where it has none.
    """

    luma: float
    changed: float
    black_frames: int
    frozen_frames: int
    unlike: float = 0.0
    card_frames: int = 0
    bright: float = 0.0
    sharpness: float | None = None


@dataclass(frozen=True)
class Measured:
    """A clip: its seconds, and the box of its picture without bars; no box for a clip without frames."""

    seconds: list[Second]
    active_box: Box | None


@dataclass(frozen=True)
class _Frame:
    luma: float
    changed: float
    black: bool
    frozen: bool


@dataclass(frozen=True)
class _Look:
    """Of a second's first picture: what changed since the second before, whether it still is the same card, how
    bright and how sharp it is."""

    unlike: float
    card: bool
    bright: float
    sharpness: float | None


def measure(batches: Iterable[np.ndarray], rules: Motion) -> Measured:
    """Measure a clip.

    Args:
        batches: uint8 (n, h, w) luma, 0–255, consecutive frames at 25 fps from the clip's first to its last, of
            one size.

    Returns:
        A second for each that the clip has begun; luma to 0.1, shares to 0.0001. Independent of the batches.
        Memory: one batch beside what the receiver keeps.
    """
    frames: list[_Frame] = []
    before: np.ndarray | None = None
    looks: list[_Look] = []
    latest: np.ndarray | None = None
    seen: Darkness | None = None
    for batch in batches:
        first = -len(frames) % FRAME_RATE
        small = np.stack([shrunk(frame, SIZE) for frame in batch])
        frames += _frames(small.astype(np.int16), before, rules)
        before = small[-1].astype(np.int16)
        for picture in batch[first::FRAME_RATE]:
            earlier, latest = latest, prepared(picture)
            change = None if earlier is None else unlike(earlier, latest)
            card = change is not None and change <= _SAME and is_card(picture)
            seen = (seen or Darkness.of_none(picture.shape)).with_picture(picture)
            # Where a bar meets the picture is the sharpest edge of all, and says nothing of the picture.
            x0, y0, x1, y1 = active_box(seen)
            looks.append(_Look(change or 0.0, card, brightness(picture), sharpness(picture[y0:y1, x0:x1])))
    return Measured(_seconds(frames, looks), active_box(seen) if seen else None)


def _frames(pictures: np.ndarray, before: np.ndarray | None, rules: Motion) -> list[_Frame]:
    """Measure consecutive small pictures, int16 (n, h, w); `before` is the one before the first."""
    earlier = np.concatenate((pictures[:1] if before is None else before[None], pictures[:-1]))
    differences = np.abs(pictures - earlier).reshape(len(pictures), -1)
    luma = pictures.reshape(len(pictures), -1)
    frozen = differences.mean(axis=1) <= rules.max_still
    frozen[0] &= before is not None
    columns = (
        luma.mean(axis=1),
        (differences > rules.min_change).mean(axis=1),
        (luma <= rules.max_black).mean(axis=1) >= _BLACK_SHARE,
        frozen,
    )
    return [_Frame(*frame) for frame in zip(*(column.tolist() for column in columns), strict=True)]


def _seconds(frames: Sequence[_Frame], looks: Sequence[_Look]) -> list[Second]:
    """Frames and the look of each second's first one, second by second."""
    still_cards = [*(look.card for look in looks), False]
    seconds = []
    for number, look in enumerate(looks):
        some = frames[number * FRAME_RATE : (number + 1) * FRAME_RATE]
        seconds.append(
            Second(
                luma=round(sum(frame.luma for frame in some) / len(some), 1),
                changed=round(sum(frame.changed for frame in some) / len(some), 4),
                black_frames=sum(frame.black for frame in some),
                frozen_frames=sum(frame.frozen for frame in some),
                unlike=round(look.unlike, 4),
                card_frames=len(some) if any(still_cards[number : number + 2]) else 0,
                bright=round(look.bright, 1),
                sharpness=None if look.sharpness is None else round(look.sharpness, 3),
            )
        )
    return seconds
