"""Shots: where the picture cuts. See `find_shots` and `STAGE`."""

from tasks.shots.content import find_shots
from tasks.shots.stage import STAGE

__all__ = ["STAGE", "find_shots"]
