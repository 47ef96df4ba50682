"""Motion: how bright the picture is, how much of it changes, where it is black or frozen. See `measure`, `STAGE`."""

from tasks.motion.measure import Second, measure
from tasks.motion.stage import STAGE

__all__ = ["STAGE", "Second", "measure"]
