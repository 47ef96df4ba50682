"""Near duplicates: re-uploads, replays and shared footage, told by picture and sound. See `find` and `STAGE`."""

from tasks.duplicates.alike import Match, compare
from tasks.duplicates.find import find_duplicates, pairs
from tasks.duplicates.prints import Fingerprint, from_row
from tasks.duplicates.stage import STAGE

__all__ = ["STAGE", "Fingerprint", "Match", "compare", "find_duplicates", "from_row", "pairs"]
