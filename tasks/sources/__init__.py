"""Where videos come from: sites that yt-dlp knows, local files, lists of segments; and how they get here."""

from tasks.sources.discover import Discovery, discover, source_from_argument
from tasks.sources.stage import STAGE

__all__ = ["STAGE", "Discovery", "discover", "source_from_argument"]
