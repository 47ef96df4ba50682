"""Shots by PySceneDetect's ContentDetector: a cut is where hue, saturation and lightness jump."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

import numpy as np

from schemas.units import FRAME_RATE


def find_shots(batches: Iterable[np.ndarray], threshold: float = 27.0) -> list[tuple[int, int]]:
    """Cut a clip into shots.

    Args:
        batches: uint8 (n, h, w, 3) BGR arrays, consecutive frames at 25 fps from the clip's first to its last.
        threshold: mean change per pixel (0–255, over hue, saturation and lightness) that makes a cut.

    Returns:
        `(start_frame, end_frame)`, end exclusive: in order, without gap or overlap, from frame 0 to the
        clip's end. Empty for a clip without frames. Cuts less than 15 frames apart are merged.
    """
    from scenedetect import ContentDetector, FrameTimecode  # not needed by most commands, and slow to come

    detector = ContentDetector(threshold=threshold)
    cuts: set[int] = set()
    frame, moment = 0, None
    for batch in batches:
        for picture in batch:
            moment = FrameTimecode(frame, fps=Fraction(FRAME_RATE))
            cuts.update(cut.frame_num for cut in detector.process_frame(moment, picture))
            frame += 1
    if moment is None:
        return []
    cuts.update(cut.frame_num for cut in detector.post_process(moment))
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < frame), frame]
    return list(pairwise(edges))
