"""Speakers: which face makes the sound, and how far off it is. See `open_scorer`, `calibration` and `STAGE`."""

from tasks.speakers.calibration import Calibration, calibration
from tasks.speakers.crops import FaceTrack, crop_tracks
from tasks.speakers.scorers import SCORERS, Evidence, open_scorer
from tasks.speakers.stage import STAGE
from tasks.speakers.windows import ScoredWindow, evidence_of_clip, scored, spoken_frames

__all__ = [
    "SCORERS",
    "STAGE",
    "Calibration",
    "Evidence",
    "FaceTrack",
    "ScoredWindow",
    "calibration",
    "crop_tracks",
    "evidence_of_clip",
    "open_scorer",
    "scored",
    "spoken_frames",
]
