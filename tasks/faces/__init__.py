"""Faces: detectors, and tracks through shots. See `open_detector`, `link` and `STAGE`."""

from tasks.faces.detectors import DETECTORS, open_detector
from tasks.faces.stage import STAGE
from tasks.faces.tracks import Track, TrackRules, detect_in, frames_to_search, link

__all__ = [
    "DETECTORS",
    "STAGE",
    "Track",
    "TrackRules",
    "detect_in",
    "frames_to_search",
    "link",
    "open_detector",
]
