"""Motion: how bright the picture is, what changes, where it is black, frozen or a card, and within which bars.

See `measure` and `STAGE`.
"""

from tasks.motion.measure import Measured, Second, measure
from tasks.motion.stage import STAGE

__all__ = ["STAGE", "Measured", "Second", "measure"]
