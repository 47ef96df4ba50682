"""Face crops as the active-speaker networks know them.

The geometry is that of the public pipelines (SyncNet, TalkNet, LR-ASD): a square 2.8 times the half side of
the smoothed box, reaching lower than higher, over a border of grey 110, at 224 px. SyncNet takes all of it in
colour; LR-ASD and Light-ASD take the middle 112 px in grey.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

CROP_SIDE = 112
FULL_SIDE = 224
_BORDER_GREY = 110
_WIDENING = 0.4
_MEDIAN_FRAMES = 13


@dataclass(frozen=True)
class FaceTrack:
    """A track to crop.

    Attributes:
        number: of the track within its clip.
        start_frame: its first frame.
        boxes: float (n, 4): x0, y0, x1, y1 in px, one row per frame.
    """

    number: int
    start_frame: int
    boxes: np.ndarray

    @property
    def end_frame(self) -> int:
        """Exclusive."""
        return self.start_frame + len(self.boxes)


def crop_tracks(
    batches: Iterable[tuple[int, np.ndarray]], tracks: Sequence[FaceTrack], side: int = CROP_SIDE
) -> Iterator[tuple[FaceTrack, np.ndarray]]:
    """Cut every track's face out of the picture in one pass.

    Args:
        batches: `(start_frame, frames)` with frames uint8 (n, h, w) grey or (n, h, w, 3) in colour, in order.
        side: px of the crop's middle to keep, even and at most 224, which is all of it.

    Yields:
        each track once its last frame has passed, with uint8 (frames, side, side), or (frames, side, side, 3) with
        the channels in the order that they came in. A track that reaches beyond
        the clip's end gets the frames there are. Memory holds the crops of the tracks on screen.
    """
    waiting = sorted(tracks, key=lambda track: (track.end_frame, track.number))
    squares = {track.number: _squares(track.boxes) for track in waiting}
    crops: dict[int, list[np.ndarray]] = {track.number: [] for track in waiting}
    for start_frame, frames in batches:
        for track in waiting:
            first = max(track.start_frame, start_frame)
            for frame in range(first, min(track.end_frame, start_frame + len(frames))):
                square = squares[track.number][frame - track.start_frame]
                crops[track.number].append(_crop(frames[frame - start_frame], *square, side))
        while waiting and waiting[0].end_frame <= start_frame + len(frames):
            track = waiting.pop(0)
            yield track, np.stack(crops.pop(track.number))
    for track in waiting:
        if crops[track.number]:
            yield track, np.stack(crops[track.number])


def _squares(boxes: np.ndarray) -> np.ndarray:
    """float (n, 3): centre x, centre y and half side of each box, medians over 13 frames."""
    boxes = np.asarray(boxes, np.float64)
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / 2
    raw = np.column_stack(((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2, half))
    # Repeating the ends, where the public code pads with zeros, keeps the first and last crops on the face.
    reach = _MEDIAN_FRAMES // 2
    padded = np.pad(raw, ((reach, reach), (0, 0)), mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, _MEDIAN_FRAMES, axis=0), axis=-1)


def _crop(frame: np.ndarray, x: float, y: float, half: float, side: int) -> np.ndarray:
    left, right = int(x - half * (1 + _WIDENING)), int(x + half * (1 + _WIDENING))
    top, bottom = int(y - half), int(y + half * (1 + 2 * _WIDENING))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    inside = frame[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if inside.shape[:2] != (bottom - top, right - left):
        whole = np.full((bottom - top, right - left, *frame.shape[2:]), _BORDER_GREY, np.uint8)
        if inside.size:
            y0, x0 = max(-top, 0), max(-left, 0)
            whole[y0 : y0 + inside.shape[0], x0 : x0 + inside.shape[1]] = inside
        inside = whole
    edge = (FULL_SIDE - side) // 2
    return cv2.resize(inside, (FULL_SIDE, FULL_SIDE))[edge : edge + side, edge : edge + side]
