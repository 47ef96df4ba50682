"""The decisions of a workspace as the pipeline reads them: clip id to what people decided of just that clip."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from annotation.store import decided_file, read_decided
from tasks.workspace.stage import Row


def decisions(root: Path, recipe: str) -> Mapping[str, Row]:
    """Clip id to its row of `schemas.review.DECIDED`; a clip that nobody was asked about yet has none.

    The row holds for the file whose `clip_sha256` it names, and for no other.
    """
    path = decided_file(root, recipe)
    if not path.exists():
        return {}
    state = path.stat()
    return _decisions(root, recipe, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=2)
def _decisions(root: Path, recipe: str, changed_ns: int, inode: int) -> Mapping[str, Row]:
    """Kept while the file is the same: every shard of a survey asks for it."""
    return {row["clip_id"]: row for row in read_decided(root, recipe)}
