"""The active picture of a clip: what is left within black bars, above and below, at the sides, or all around.

A bar is black over the clip, goes along a whole side, and ends at a straight edge. Writing and a station's mark
may shine in it. Darkness in the picture has no such edge: a night sky ends in branches and roofs, a black curtain
in a body's outline. Bars of another colour, and blurred copies of the picture beside it, are not looked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in px; the ends are exclusive."""

_BLACK = 22
"""Bars of old recordings are at 16 of 255, and shimmer."""

_LIT, _MIN_LIT_SHARE = 40, 0.05
"""Pictures with less than this share of pixels brighter than `_LIT` tell nothing of their borders."""

_MOSTLY = 0.6
"""A pixel of a bar is black in this share of the pictures, so that subtitles may come and go over it …"""

_CLEAN, _WRITTEN = 0.99, 0.4
"""… and of a bar's line this share of the pixels is, between the lines with writing and in them."""

_THICKEST_WRITTEN = 0.25
"""A bar with writing takes at most so much of a side: large letters on a dark wall are no subtitles."""

_EDGE, _EDGE_PX = 0.15, 3
_STAYS, _DEEP = 0.05, 8
"""Within so many px of a bar's end the black share of a line falls by at least so much, and is lower in every line of
the next eighth of the picture: letters on a black ground have an edge, too, but soon end."""

_ALONG = 0.5
"""What shines behind an edge reaches along this share of it: the top of a head does not."""

_FLAT = 6.0
"""Levels of luma within which nearly all of a bar lies."""

_LEAST_AREA = 0.2
_LEAST_PX = 2


@dataclass(frozen=True)
class Darkness:
    """What has been seen of a clip's pictures, leaving out those too dark to tell.

    Attributes:
        black: int32 (h, w), in how many of them a pixel was black.
        luma: int32 (h, w), the sum of its luma over them.
        pictures: how many there were.
    """

    black: np.ndarray
    luma: np.ndarray
    pictures: int = 0

    @staticmethod
    def of_none(shape: tuple[int, int]) -> Darkness:
        """Before any picture of `shape`: height and width, px."""
        return Darkness(np.zeros(shape, np.int32), np.zeros(shape, np.int32))

    def with_picture(self, picture: np.ndarray) -> Darkness:
        """With one more, uint8 (h, w) luma; unless it is too dark to tell."""
        if (picture > _LIT).mean() < _MIN_LIT_SHARE:
            return self
        return Darkness(self.black + (picture <= _BLACK), self.luma + picture, self.pictures + 1)


def active_box(seen: Darkness) -> Box:
    """Where the picture is; the whole of it if no bar is certain."""
    height, width = seen.black.shape
    whole = (0, 0, width, height)
    if not seen.pictures:
        return whole
    share = seen.black / seen.pictures
    black = share >= _MOSTLY
    box = whole
    # Bars at the sides make every line mostly black, so those without writing go first.
    for lowest, thickest in ((_CLEAN, 1.0), (_WRITTEN, _THICKEST_WRITTEN)):
        while (inner := _peeled(black, box, lowest, thickest)) != box:
            box = inner
    x0, y0, x1, y1 = box
    if (x1 - x0) * (y1 - y0) < _LEAST_AREA * width * height:
        return whole
    return _with_straight_edges(share, seen.luma / seen.pictures, box, whole)


def _peeled(black: np.ndarray, box: Box, lowest: float, thickest: float) -> Box:
    """The box without the bars along its four sides whose lines are black for at least the share `lowest`.

    A bar that would take more than the share `thickest` of the pictures' side is left.
    """
    height, width = black.shape
    x0, y0, x1, y1 = box
    inside = black[y0:y1, x0:x1]
    rows, columns = inside.mean(axis=1), inside.mean(axis=0)
    top, bottom = _thickness(rows, lowest), _thickness(rows[::-1], lowest)
    left, right = _thickness(columns, lowest), _thickness(columns[::-1], lowest)
    if top + bottom >= len(rows) or left + right >= len(columns):
        return box
    return (
        x0 + left if x0 + left <= thickest * width else x0,
        y0 + top if y0 + top <= thickest * height else y0,
        x1 - right if width - x1 + right <= thickest * width else x1,
        y1 - bottom if height - y1 + bottom <= thickest * height else y1,
    )


def _thickness(shares: np.ndarray, lowest: float) -> int:
    """How many lines from the start on are a bar's: it may hold writing, but ends with a clean line."""
    broken = np.flatnonzero(shares < lowest)
    candidates = shares[: broken[0]] if len(broken) else shares
    clean = np.flatnonzero(candidates >= _CLEAN)
    return int(clean[-1]) + 1 if len(clean) else 0


def _with_straight_edges(share: np.ndarray, luma: np.ndarray, box: Box, whole: Box) -> Box:
    """The box with those bars only that are certain; where one is, what is black opposite is believed, too, as far as
    the certain one goes."""
    x0, y0, x1, y1 = box
    top, bottom = _certain(share[:, x0:x1], luma[:, x0:x1], y0, whole[3] - y1)
    left, right = _certain(share[y0:y1].T, luma[y0:y1].T, x0, whole[2] - x1)
    return left, top, whole[2] - right, whole[3] - bottom


def _certain(share: np.ndarray, luma: np.ndarray, first: int, last: int) -> tuple[int, int]:
    """How thick the bars before and behind the picture are, at most `first` and `last`; 0 for none.

    Args:
        share: (lines, pixels of a line) in what share of the pictures a pixel is black; `luma`, its mean.
    """
    flat = _is_flat(share[:first], luma[:first]), _is_flat(share[::-1][:last], luma[::-1][:last])
    before = flat[0] and _ends_in_an_edge(share, first)
    behind = flat[1] and _ends_in_an_edge(share[::-1], last)
    if not before and not behind:
        return 0, 0
    opposite = min(first, last) if all(flat) and min(first, last) >= _LEAST_PX else 0
    return first if before else opposite, last if behind else opposite


def _is_flat(share: np.ndarray, luma: np.ndarray) -> bool:
    """Whether what is always black of a bar is of one level: a curtain in the dark has folds."""
    always = luma[share >= _CLEAN]
    if not always.size:
        return False
    low, high = np.percentile(always, (5, 95))
    return bool(high - low <= _FLAT)


def _ends_in_an_edge(share: np.ndarray, thickness: int) -> bool:
    """Whether behind so many lines black ends at once, and along most of the line."""
    if thickness < _LEAST_PX:
        return False
    outside = float(share[thickness - 1].mean())
    edge = share[thickness : thickness + _EDGE_PX]
    deep = share[thickness + _EDGE_PX : thickness + max(2 * _EDGE_PX, len(share) // _DEEP)]
    if outside - edge.mean(axis=1).min() < _EDGE or outside - deep.mean(axis=1).max(initial=0) < _STAYS:
        return False
    lit = np.flatnonzero(edge.min(axis=0) < 1 - _EDGE)
    return bool(lit[-1] - lit[0] + 1 >= _ALONG * share.shape[1]) if len(lit) else False
