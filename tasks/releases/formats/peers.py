"""What layouts of other people's loaders have in common: which clips go in, which stay out, and the account of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from schemas.errors import ReleaseError
from tasks.releases.folder import Release
from tasks.releases.formats.exported import (
    NO_MEDIA,
    Clip,
    Exported,
    Options,
    Tally,
    clips_of,
    withheld,
)

PEER_SPLIT = {"train": "train", "dev": "valid", "test": "test"}
"""Our splits in the loaders' words."""

Item = TypeVar("Item")
Made = TypeVar("Made")


@contextmanager
def as_file(clip: Clip, scratch: Path) -> Iterator[Path]:
    """A clip as a file, be it beside the tables or within them."""
    if clip.file is not None:
        yield clip.file
        return
    with tempfile.NamedTemporaryFile(prefix=".clip-", suffix=".mp4", dir=scratch) as stored:
        stored.write(clip.content or b"")
        stored.flush()
        yield Path(stored.name)


def clips_to_export(release: Release, options: Options, tally: Tally) -> Iterator[Clip]:
    """The clips that have media and may be passed on, in the version's order; the others are counted.

    Progress is told of each clip when the next one is asked for.

    Raises:
        ReleaseError: a clip's file is not there, or its row names a path outside the version.
    """
    for clip in clips_of(release, options):
        reason = NO_MEDIA if clip.file is clip.content is None else withheld(clip.row, options)
        if reason:
            tally.add(reason, clip.row["duration_ms"])
        else:
            _require_file(release, clip)
            yield clip
        options.advance(clip.row["duration_ms"])


def left_out_table(exported: Exported) -> str:
    """The account of what stayed out, as Markdown."""
    if not exported.left_out:
        return "Nothing was left out.\n"
    rows = [
        f"| `{share.reason}` | {share.parts:,} | {share.milliseconds / 3_600_000:,.2f} |"
        for share in exported.left_out
    ]
    return "\n".join(["| left out because | clips or parts | hours |", "|---|---|---|", *rows]) + "\n"


def _require_file(release: Release, clip: Clip) -> None:
    if clip.file is None:
        return
    item, path = clip.row["clip_id"], clip.row["path"]
    if not clip.file.resolve().is_relative_to(release.folder.resolve()):
        raise ReleaseError(item, f"its path {path!r} leads out of the version", "publish it again")
    if not clip.file.is_file():
        raise ReleaseError(item, f"its file {path} is gone", "see `clapper release verify`")
