"""Moments: the spans of a source, 3 to 13 s around what is seen and heard at once, that become clips. See `STAGE`."""

from tasks.moments.plan import Moment, plan
from tasks.moments.stage import STAGE, look_through
from tasks.moments.timeline import Timeline

__all__ = ["STAGE", "Moment", "Timeline", "look_through", "plan"]
