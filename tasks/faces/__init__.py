"""Faces: detectors, and tracks through shots. See `open_detector`, `link`, `DETECTIONS` and `STAGE`."""

from tasks.faces.detections import STAGE as DETECTIONS
from tasks.faces.detectors import DETECTORS, open_detector
from tasks.faces.stage import STAGE
from tasks.faces.tracks import Track, TrackRules, detect_in, link

__all__ = [
    "DETECTIONS",
    "DETECTORS",
    "STAGE",
    "Track",
    "TrackRules",
    "detect_in",
    "link",
    "open_detector",
]
