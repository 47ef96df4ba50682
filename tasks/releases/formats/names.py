"""Names that the public loaders can take apart: eleven characters for a video, as YouTube has them.

names = ShortNames()
names.of("youtube-dQw4w9WgXcQ")     # dQw4w9WgXcQ
names.of("file-03f99aaa9433ae8a")   # eleven characters of its digest, the same in every export
"""

from __future__ import annotations

import base64
import hashlib
import re
from itertools import count

from schemas.errors import ReleaseError

LENGTH = 11
REFUSED = "broken"
"""StreamSync's loader passes over every line with this word in it."""

_YOUTUBE = re.compile(r"youtube-([A-Za-z0-9_-]{11})")


def short_name(video_id: str) -> str:
    """YouTube's own eleven characters, else eleven of the video id's digest in the same alphabet."""
    own = _YOUTUBE.fullmatch(video_id)
    if own and REFUSED not in own[1]:
        return own[1]
    drawn = (_digest_name(f"{video_id} {number}") for number in count())
    return next(name for name in drawn if REFUSED not in name)


def _digest_name(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())[:LENGTH].decode()


class ShortNames:
    """Short names of the videos of one export, no two of which may be alike. Memory: one entry for each video."""

    def __init__(self) -> None:
        self._videos: dict[str, str] = {}

    def of(self, video_id: str) -> str:
        """The video's short name.

        Raises:
            ReleaseError: another video has it; of 10 million digests, a chance of one in a million.
        """
        name = short_name(video_id)
        other = self._videos.setdefault(name, video_id)
        if other != video_id:
            problem = (
                f"its short name {name!r} is that of {other} too: {LENGTH} characters do not tell them apart"
            )
            raise ReleaseError(video_id, problem, "export the two videos apart, by --split or --limit")
        return name
