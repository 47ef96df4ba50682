"""Near duplicates: re-uploads, replays and shared footage, told by picture and sound. See `find`."""

from tasks.duplicates.alike import Match, compare
from tasks.duplicates.find import Found, find_duplicates
from tasks.duplicates.prints import Fingerprint, from_row

__all__ = ["Fingerprint", "Found", "Match", "compare", "find_duplicates", "from_row"]
