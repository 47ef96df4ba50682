"""Labels: talking head, voice-over, other (RealSync §3.1). See `fuse`, `summarize`, `sync_summary` and `STAGE`."""

from tasks.labels.fuse import FaceSpan, LabelInterval, SpeakerWindow, SpeechSpan, Turn, fuse
from tasks.labels.stage import STAGE
from tasks.labels.summary import summarize, sync_summary

__all__ = [
    "STAGE",
    "FaceSpan",
    "LabelInterval",
    "SpeakerWindow",
    "SpeechSpan",
    "Turn",
    "fuse",
    "summarize",
    "sync_summary",
]
