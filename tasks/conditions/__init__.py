"""Conditions: what is wrong with a clip as a whole. See `judge` and `STAGE`."""

from tasks.conditions.background import Background
from tasks.conditions.judge import CONDITIONS, Verdict, judge
from tasks.conditions.loudness import Loudness, loudness_of
from tasks.conditions.sound import Sound, sound_of
from tasks.conditions.stage import STAGE

__all__ = [
    "CONDITIONS",
    "STAGE",
    "Background",
    "Loudness",
    "Sound",
    "Verdict",
    "judge",
    "loudness_of",
    "sound_of",
]
