"""Where somebody speaks, and who: voice activity and turns of a waveform; the stages `speech` and `turns`."""

from tasks.speech.detectors import DETECTORS, Detector, open_detector
from tasks.speech.intervals import SpeechInterval
from tasks.speech.stage import STAGE

__all__ = ["DETECTORS", "STAGE", "Detector", "SpeechInterval", "open_detector"]
