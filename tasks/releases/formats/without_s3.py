"""Stands in for the package s3fs where a dataset lies on this machine: put its folder first on PYTHONPATH.

StreamSync's loader opens one file of the bucket `avsync-dataset-v5` by s3fs, whatever is on the disk, and fetches
videos by it that are not. This opens the file in the folder that LOCAL_SCRATCH names, and fetches nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO


class S3FileSystem:
    """As much of s3fs.S3FileSystem as that loader uses."""

    def __init__(self, *_: object, **__: object) -> None:
        self._folder = Path(os.environ["LOCAL_SCRATCH"]).expanduser()

    def open(self, path: str, mode: str = "rb") -> IO[bytes]:
        """A file of the bucket."""
        return (self._folder / path.removeprefix("s3://")).open(mode)

    def get(self, path: str, target: str) -> None:
        """Nothing is fetched: what is asked for should have been there.

        Raises:
            FileNotFoundError: always.
        """
        raise FileNotFoundError(
            f"{target} is not on this machine: is LOCAL_SCRATCH the folder of the export?"
        )
