"""Pictures without people: a title sequence, a landscape in wind or rain, colour bars, an interval slate."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.scenes.action import Paint
from tasks.scenes.drawing import blob
from tasks.scenes.lettering import width_of, write
from tasks.scenes.studio import WHITE, Channel

_SHIFT = 4


def titles(channel: Channel, loudness: np.ndarray, width: int, height: int) -> Paint:
    """Flowing colours under the title; a row of bars follows the music's loudness (one value per ms)."""
    y, x = np.mgrid[0:45, 0:80].astype(np.float32) / 45
    main, accent = (np.array(colour, dtype=np.float32) for colour in (channel.main, channel.accent))
    size = round(height * 0.085)
    words = np.zeros((height, width, 3), dtype=np.uint8)
    left = (width - width_of(channel.title, size, bold=True)) // 2
    write(words, channel.title, left, round(height * 0.40), size, WHITE, bold=True)

    def paint(time_s: float) -> np.ndarray:
        wave = (
            np.sin(3 * x + 1.3 * time_s) + np.sin(4 * y - 1.7 * time_s) + np.sin(2.5 * (x + y) + 0.9 * time_s)
        )
        share = np.clip(0.5 + wave / 5, 0, 1)[:, :, None]
        small = (main * (1.1 - 0.5 * share) + accent * (0.75 * share**3)).clip(0, 255).astype(np.uint8)
        picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        bars = 24
        for bar in range(bars):
            past = int(1000 * time_s) - 45 * abs(bar - bars // 2)
            loud = float(loudness[past]) if 0 <= past < len(loudness) else 0.0
            tall = round(height * (0.02 + 0.22 * loud * (0.6 + 0.4 * np.sin(bar * 1.7 + 2.3 * time_s))))
            x0 = round(width * (0.14 + 0.72 * bar / bars))
            picture[round(height * 0.86) - tall : round(height * 0.86), x0 : x0 + max(3, width // 60)] = (
                channel.accent
            )
        return cv2.max(picture, words)

    return paint


def landscape(width: int, height: int, seed: int, rainy: bool) -> Paint:
    """Hills under drifting clouds, a wind turbine that turns; with `rainy`, a grey sky and falling drops."""
    rng = np.random.default_rng([seed, 41])
    sky = _sky(width, height, rng, rainy)
    hills, hole = _hills(width, height, rng, 0.72 if rainy else 1.0)
    drops = np.stack([rng.uniform(0, width, 160), rng.uniform(0, height, 160), rng.uniform(0.7, 1.3, 160)])
    hub = (width * 0.71, height * 0.36)

    def paint(time_s: float) -> np.ndarray:
        middle = (width / 2 + 0.012 * width * time_s, (height - 1) / 2)
        picture = cv2.getRectSubPix(sky, (width, height), middle)
        _turbine(picture, hub, height, 1.9 * time_s)
        cv2.multiply(picture, hole, dst=picture, scale=1 / 255)
        cv2.add(picture, hills, dst=picture)
        if rainy:
            fallen = (drops[1] + 1.5 * height * time_s * drops[2]) % (1.1 * height) - 0.05 * height
            lines = np.stack([drops[0], fallen, drops[0] - 0.012 * height, fallen + 0.05 * height], axis=1)
            cv2.polylines(
                picture,
                list((lines.reshape(-1, 2, 2) * 16).round().astype(np.int32)),
                False,
                (210, 205, 200),
                1,
                cv2.LINE_AA,
                _SHIFT,
            )
        return picture

    return paint


def _sky(width: int, height: int, rng: np.random.Generator, rainy: bool) -> np.ndarray:
    """A strip half as wide again as the picture, for clouds to drift through."""
    wide = width + width // 2
    rise = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    top, low = (
        np.array(c, dtype=np.float32)
        for c in (((128, 118, 108), (176, 170, 164)) if rainy else ((214, 140, 62), (238, 214, 178)))
    )
    picture = np.repeat(top + (low - top) * rise, wide, axis=1)
    clouds = sum(
        cv2.resize(
            rng.normal(0, 1, (3 * k, 8 * k)).astype(np.float32), (wide, height), interpolation=cv2.INTER_CUBIC
        )
        / k
        for k in (1, 2, 4, 8)
    )
    cover = np.clip(clouds * 0.7 - (-0.1 if rainy else 0.35), 0, 1)[:, :, None] * (1 - 0.5 * rise)
    white = np.array([150, 146, 142] if rainy else [250, 248, 244], dtype=np.float32)
    return (picture + (white - picture) * cover).clip(0, 255).astype(np.uint8)


def _hills(width: int, height: int, rng: np.random.Generator, light: float) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture, cover = (
        np.zeros((height, width, 3), dtype=np.float32),
        np.zeros((height, width), dtype=np.float32),
    )
    for level, colour in ((0.60, (150, 142, 96)), (0.70, (96, 140, 92)), (0.82, (58, 118, 74))):
        phase = rng.uniform(0, 6, 2)
        ridge = height * (
            level + 0.05 * np.sin(5 * x / width + phase[0]) + 0.025 * np.sin(13 * x / width + phase[1])
        )
        mask = np.clip(y - ridge, 0, 1)
        shade = (1.1 - 0.5 * (y - ridge) / height)[:, :, None] * np.array(colour, dtype=np.float32) * light
        shade *= (
            1
            + 0.05
            * cv2.GaussianBlur(rng.normal(0, 3, (height, width)).astype(np.float32), (0, 0), 1.5)[:, :, None]
        )
        picture += mask[:, :, None] * (shade - picture)
        cover = np.maximum(cover, mask)
    colour = (picture * cover[:, :, None]).clip(0, 255).astype(np.uint8)
    return colour, np.repeat((255 - 255 * cover).astype(np.uint8)[:, :, None], 3, axis=2)


def _turbine(picture: np.ndarray, hub: tuple[float, float], height: int, angle: float) -> None:
    unit = height / 100
    x, y = hub
    tower = [
        (x - 0.6 * unit, y),
        (x + 0.6 * unit, y),
        (x + 1.3 * unit, y + 45 * unit),
        (x - 1.3 * unit, y + 45 * unit),
    ]
    shapes = [tower]
    for blade in range(3):
        a = angle + blade * 2 * np.pi / 3
        along, across = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
        shapes.append(
            [
                tuple(np.array(hub) + unit * (r * along + w * across))
                for r, w in ((0, -0.7), (6, -1.5), (25, 0), (6, 0.7), (0, 0.7))
            ]
        )
    for shape in shapes:
        cv2.fillPoly(
            picture, [(np.array(shape) * 16).round().astype(np.int32)], (244, 242, 240), cv2.LINE_AA, _SHIFT
        )


def colour_bars(width: int, height: int) -> Paint:
    """The seven bars of a line-up picture at 75 %, with a marker that wanders along the foot."""
    bars = (
        (191, 191, 191),
        (0, 191, 191),
        (191, 191, 0),
        (0, 191, 0),
        (191, 0, 191),
        (0, 0, 191),
        (191, 0, 0),
    )
    ground = np.zeros((height, width, 3), dtype=np.uint8)
    for index, colour in enumerate(bars):
        ground[: round(height * 0.75), width * index // 7 : width * (index + 1) // 7] = colour
    ramp = np.linspace(16, 235, width).astype(np.uint8)
    ground[round(height * 0.75) :] = ramp[None, :, None]

    def paint(time_s: float) -> np.ndarray:
        picture = ground.copy()
        x = round(width * (0.5 + 0.4 * np.sin(time_s)))
        picture[round(height * 0.85) : round(height * 0.90), max(0, x - width // 60) : x + width // 60] = (
            WHITE
        )
        return picture

    return paint


def interval_slate(channel: Channel, length_ms: int, width: int, height: int) -> Paint:
    """What stands between programmes: a title, a light that passes, a bar that fills until the scene ends."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    glow = 0.5 + 0.6 * blob(x, y, width / 2, height / 2, width * 0.45, height * 0.6)
    ground = (np.array(channel.main) * glow[:, :, None]).clip(0, 255).astype(np.uint8)
    for words, place, share in ((channel.title, 0.36, 0.075), ("continues in a moment", 0.52, 0.040)):
        size = round(height * share)
        left = (width - width_of(words, size, bold=share > 0.05)) // 2
        write(ground, words, left, round(height * place), size, WHITE, bold=share > 0.05)
    top, thick = round(height * 0.70), max(3, height // 90)
    first, last = round(width * 0.3), round(width * 0.7)
    ground[top : top + thick, first:last] = ground[top : top + thick, first:last] // 2 + 40

    def paint(time_s: float) -> np.ndarray:
        picture = ground.copy()
        filled = first + round((last - first) * min(1.0, 1000 * time_s / length_ms))
        picture[top : top + thick, first:filled] = channel.accent
        light = round(width * ((0.35 * time_s) % 1.4 - 0.2))
        band = picture[:, max(0, light) : max(0, light + width // 12)]
        if band.size:
            cv2.add(band, (14, 14, 14, 0), dst=band)
        return picture

    return paint
