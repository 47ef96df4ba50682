"""Fingerprints of pictures: the perceptual hash of imagehash, 256 bits, of the picture without its bars.

What encoders, scaling, another aspect and brightness do to a picture leaves most of these bits as they are. A
picture that shows next to nothing (black, blank, a plain ground) has no fingerprint: it would be like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import imagehash
import numpy as np
from PIL import Image

EVERY = 3
STEP_MS = 40 * EVERY
"""Pictures are taken every 120 ms. Two clips of one recording that begin between each other's pictures are up to
60 ms apart, in which little moves."""

SIZE = (128, 128)
"""Width and height, px, at which pictures are looked at, whatever their shape: a stretched copy becomes the same."""

_HASH_SIDE = 16
WORDS = _HASH_SIDE * _HASH_SIDE // 64

_BAR = 40
"""A bar's lines are no brighter than this, of 255, nearly everywhere and always."""

_NEARLY = 95
_LEAST_SIDE = SIZE[0] // 3
_PLAIN = 8.0
"""Standard deviation of luma, of 255, below which a picture shows nothing."""


def hashes_of(pictures: np.ndarray) -> list[str | None]:
    """The fingerprint of each picture, 64 hexadecimal digits as imagehash prints them; None for a plain one.

    Args:
        pictures: uint8 (n, 128, 128) luma, full range, the pictures of one clip in their order.
    """
    return [_hash(picture) for picture in _without_bars(pictures)]


def _hash(picture: np.ndarray) -> str | None:
    small = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)
    if small.std() < _PLAIN:
        return None
    return str(imagehash.phash(Image.fromarray(picture), hash_size=_HASH_SIDE))


def _without_bars(pictures: np.ndarray) -> np.ndarray:
    """The pictures within black bars above, below or beside them; bars are a clip's, not a single picture's."""
    if not len(pictures):
        return pictures
    top, bottom = _lit(np.percentile(pictures, _NEARLY, axis=(0, 2)))
    left, right = _lit(np.percentile(pictures, _NEARLY, axis=(0, 1)))
    return pictures[:, top:bottom, left:right]


def _lit(lines: np.ndarray) -> tuple[int, int]:
    """First lit line and the one behind the last; all of them where too few are lit to tell."""
    lit = np.flatnonzero(lines > _BAR)
    if not len(lit) or lit[-1] + 1 - lit[0] < _LEAST_SIDE:
        return 0, len(lines)
    return int(lit[0]), int(lit[-1]) + 1


def words_of(hashes: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Fingerprints as numbers, uint64 (n, 4), 0 for None; and which of them there are, bool (n,)."""
    present = np.array([text is not None for text in hashes], bool)
    digits = "".join(text or "0" * (64 * WORDS // 4) for text in hashes)
    return np.frombuffer(bytes.fromhex(digits), ">u8").astype(np.uint64).reshape(-1, WORDS), present


def _odd_columns() -> np.ndarray:
    mask = np.zeros((_HASH_SIDE, _HASH_SIDE), bool)
    mask[:, 1::2] = True
    return np.packbits(mask.ravel()).view(">u8").astype(np.uint64)


MIRROR = _odd_columns()
"""uint64 (4,): the bits that a mirrored picture has the other way round. A cosine of odd frequency changes its sign
when left and right are exchanged, and the median with which it is compared is nearly zero."""
