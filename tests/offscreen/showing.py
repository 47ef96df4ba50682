"""Clips whose every frame is one grey, with a tone or without sound."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIZE = 128


def grey_clip(path: Path, levels: Sequence[int], tone_hz: float | None) -> Path:
    """A clip of 25 fps in normal form: frame k shows `levels[k]` of 255, 16 kHz sound of the same length."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25, options={"qp": "0", "preset": "ultrafast"})
        picture.width = picture.height = SIZE
        picture.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=16_000, layout="mono") if tone_hz else None
        for number, level in enumerate(levels):
            image = np.full((SIZE, SIZE, 3), level, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        if sound:
            samples = np.arange(len(levels) * 640)
            wave = (0.4 * np.sin(2 * np.pi * tone_hz * samples / 16_000)).astype(np.float32)
            heard = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            heard.sample_rate, heard.pts = 16_000, 0
            container.mux(sound.encode(heard))
            container.mux(sound.encode(None))
    return path
