"""Pictures with known conditions, drawn: scenes that live, photographs, cards, bars, captions. uint8 (h, w) luma."""

from __future__ import annotations

import cv2
import numpy as np

SIZE = (456, 256)
"""Width and height, px, of a normalised clip of 16:9."""


def texture(seed: int, size: tuple[int, int] = SIZE, dark: int = 40, light: int = 210) -> np.ndarray:
    """A picture with detail of all sizes, as photographs have."""
    generator = np.random.default_rng(seed)
    width, height = size
    picture = np.zeros((height, width), np.float32)
    for cells in (4, 9, 20, 45):
        coarse = generator.random((cells, 2 * cells), np.float32)
        picture += cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC) / cells**0.5
    low, high = picture.min(), picture.max()
    return (dark + (picture - low) * (light - dark) / (high - low)).astype(np.uint8)


def living(count: int, seed: int = 1, size: tuple[int, int] = SIZE, **levels: int) -> np.ndarray:
    """A scene before which a large body moves to and fro: (count, h, w)."""
    ground, body = texture(seed, size, **levels), texture(seed + 100, size, **levels)
    width, height = size
    frames = np.repeat(ground[None], count, axis=0)
    for number, frame in enumerate(frames):
        x = int(width * (0.5 + 0.3 * np.sin(number / 7)))
        y = int(height * (0.55 + 0.05 * np.sin(number / 3)))
        mask = np.zeros((height, width), np.uint8)
        cv2.ellipse(mask, (x, y), (width // 8, height // 3), 0, 0, 360, 1, cv2.FILLED)
        frame[mask > 0] = body[mask > 0]
    return frames


def still(
    count: int, picture: np.ndarray, noise: float = 0.0, zoom: float = 0.0, pan_px: float = 0.0
) -> np.ndarray:
    """A photograph: with fresh noise of so many levels, a zoom by `zoom` a second, a pan by so many px a second."""
    generator = np.random.default_rng(5)
    height, width = picture.shape
    large = cv2.GaussianBlur(
        cv2.resize(picture, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC), (0, 0), 1
    )
    frames = []
    for number in range(count):
        scale = 1.5 / np.exp(zoom * number / 25)
        corner = (width - scale * width / 2 + pan_px * number / 25, height - scale * height / 2)
        way = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]])
        frame = cv2.warpAffine(large, way, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        frames.append(np.clip(frame + generator.normal(0, noise, frame.shape), 0, 255).astype(np.uint8))
    return np.stack(frames)


def card(lines: tuple[str, ...], ground: int = 30, ink: int = 235, scale: float = 0.7) -> np.ndarray:
    """Lines of writing in the middle of a plain ground."""
    width, height = SIZE
    picture = np.full((height, width), ground, np.uint8)
    step = int(42 * scale)
    for number, line in enumerate(lines):
        (wide, _), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_DUPLEX, scale, 1)
        y = height // 2 + step * (2 * number - len(lines) + 2) // 2
        where = (max(8, (width - wide) // 2), y)
        cv2.putText(picture, line, where, cv2.FONT_HERSHEY_DUPLEX, scale, ink, 1, cv2.LINE_AA)
    return picture


def caption(frames: np.ndarray, line: str, y: int, ground: int | None = None) -> np.ndarray:
    """The frames with a line of writing, its foot at y, on a band of the level `ground` or on nothing."""
    captioned = frames.copy()
    for frame in captioned:
        if ground is not None:
            frame[y - 18 : y + 8] = ground
        cv2.putText(frame, line, (60, y), cv2.FONT_HERSHEY_DUPLEX, 0.6, 235, 1, cv2.LINE_AA)
    return captioned


def within_bars(frames: np.ndarray, box: tuple[int, int, int, int], level: int = 0) -> np.ndarray:
    """The frames shrunk into `box` (x0, y0, x1, y1), with bars around them."""
    x0, y0, x1, y1 = box
    barred = np.full_like(frames, level)
    for number, frame in enumerate(frames):
        barred[number, y0:y1, x0:x1] = cv2.resize(frame, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    return barred
