"""Frames on canvases: pictures of a size that a network takes, and the way back for the boxes found there.

placing = place((456, 256), Fitting(margin=0.25))
canvas = placing.draw(frame)                      # uint8 (384, 608, 3)
boxes = placing.in_frame(boxes_on_canvas)
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

STRIDE_PX = 32
"""Sides of canvases are multiples of it: the coarsest stride of all the networks here."""

_GREY = 127


@dataclass(frozen=True)
class Fitting:
    """How frames are fitted onto canvases.

    Attributes:
        margin: grey border on each side, as a share of the frame's shorter side. Networks that learnt faces
            with something around them miss those that fill the picture.
        long_side_px: longest side of a canvas, margin included; larger frames are drawn smaller.
        enlarging: largest scale that a frame is drawn at; 1 never enlarges.
        fixed_px: width and height of the only canvas that the network takes, which frames then fill at whatever
            scale; None where any size will do.
    """

    margin: float = 0.0
    long_side_px: int = 640
    enlarging: float = 1.0
    fixed_px: tuple[int, int] | None = None


@dataclass(frozen=True)
class Placing:
    """Where frames of one size lie on their canvases; sizes are width and height, in px.

    Attributes:
        canvas: size of the canvas.
        drawn: size of the frame on it.
        corner: x and y of the frame's upper left corner on it.
        scale: drawn size over the frame's own, across and down; they differ by the rounding to whole px.
    """

    canvas: tuple[int, int]
    drawn: tuple[int, int]
    corner: tuple[int, int]
    scale: tuple[float, float]

    def draw(self, frame: np.ndarray) -> np.ndarray:
        """uint8 (h, w, 3) to uint8 (canvas height, canvas width, 3), in the same order of channels."""
        if self.scale != (1, 1):
            smoothing = cv2.INTER_AREA if self.scale[0] < 1 else cv2.INTER_LINEAR
            frame = cv2.resize(frame, self.drawn, interpolation=smoothing)
        if self.drawn == self.canvas:
            return frame
        (wide, high), (width, height), (x, y) = self.canvas, self.drawn, self.corner
        canvas = np.full((high, wide, 3), _GREY, np.uint8)
        canvas[y : y + height, x : x + width] = frame
        return canvas

    def in_frame(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes (k, 5) on the canvas, to float32 (k, 5) in px of the frame."""
        moved = np.array(boxes, np.float32)
        moved[:, :4] = (moved[:, :4] - np.float32(self.corner * 2)) / np.float32(self.scale * 2)
        return moved


def place(size: tuple[int, int], fitting: Fitting) -> Placing:
    """The placing of frames of a width and height in px."""
    border = 2 * fitting.margin * min(size)
    limit = fitting.fixed_px or (fitting.long_side_px, fitting.long_side_px)
    scale = min(side_limit / (side + border) for side, side_limit in zip(size, limit, strict=True))
    if fitting.fixed_px is None:
        scale = min(scale, fitting.enlarging)
    drawn = tuple(max(1, round(side * scale)) for side in size)
    canvas = fitting.fixed_px or tuple(_up_to_stride((side + border) * scale) for side in size)
    corner = tuple((whole - part) // 2 for whole, part in zip(canvas, drawn, strict=True))
    exact = tuple(part / side for part, side in zip(drawn, size, strict=True))
    return Placing(canvas, drawn, corner, exact)


def _up_to_stride(length: float) -> int:
    return max(1, -int(-round(length, 6) // STRIDE_PX)) * STRIDE_PX
