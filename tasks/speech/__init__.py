"""Where somebody speaks: voice activity of a waveform, and the `speech` stage."""

from tasks.speech.detectors import DETECTORS, Detector, open_detector
from tasks.speech.intervals import SpeechInterval
from tasks.speech.stage import STAGE

__all__ = ["DETECTORS", "STAGE", "Detector", "SpeechInterval", "open_detector"]
