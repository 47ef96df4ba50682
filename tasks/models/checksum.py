"""SHA-256 of files, computed once per process and state of the file."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path


def file_sha256(file: Path) -> str:
    """SHA-256 (hex) of a file's bytes; remembered for its path, modification time and size."""
    state = file.stat()
    return _sha256(str(file.resolve()), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _sha256(path: str, modified_ns: int, size_bytes: int) -> str:
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
