"""Conditions: what is wrong with a clip as a whole. See `judge` and `STAGE`."""

from tasks.conditions.judge import CONDITIONS, Verdict, judge
from tasks.conditions.sound import Loudness, loudness_of
from tasks.conditions.stage import STAGE

__all__ = ["CONDITIONS", "STAGE", "Loudness", "Verdict", "judge", "loudness_of"]
