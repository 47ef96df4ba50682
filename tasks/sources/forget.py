"""Take what was fetched and listed of some videos out of a workspace: files, sidecars, listings, checksums.

A source that lies outside the workspace is its owner's and is never touched; nor is what the memory of checksums has
of such a file while it lies there, by which the next discovery knows it again without reading it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from pathlib import Path

from tasks.sources.hashes import write_text


def forget(root: Path, videos: Collection[str], checksums: Collection[str]) -> None:
    """Remove what `raw/` and `listings/` have of some videos.

    Args:
        checksums: SHA-256 of their source files.
    """
    for video in videos:
        for file in sorted((root / "raw").glob(f"{video}.*")):
            file.unlink()
        shutil.rmtree(root / "raw" / ".partial" / video, ignore_errors=True)
    for listing in sorted((root / "listings").glob("*.json")):
        _listing_without(listing, videos)
    _hashes_without(root, videos, checksums)


def _listing_without(path: Path, videos: Collection[str]) -> None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        entries = [entry for entry in kept["entries"] if entry["video_id"] not in videos]
        fewer = len(entries) < len(kept["entries"])
    except (ValueError, KeyError, TypeError):
        path.unlink()  # what cannot be read is worth nothing: the site is asked again
        return
    if fewer:
        write_text(path, json.dumps({**kept, "entries": entries}, ensure_ascii=False))


def _hashes_without(root: Path, videos: Collection[str], checksums: Collection[str]) -> None:
    path = root / "listings" / "hashes.jsonl"
    if not path.is_file():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not _is_of(line, root, videos, checksums)]
    if len(kept) < len(lines):
        write_text(path, b"".join(kept).decode("utf-8", "replace"))


def _is_of(line: bytes, root: Path, videos: Collection[str], checksums: Collection[str]) -> bool:
    try:
        name, _, _, checksum = json.loads(line)
        file = Path(name)
    except (ValueError, TypeError):
        return True  # torn, and passed over by everybody
    ours = file.is_relative_to(root)
    named = ours and file.name.split(".")[0] in videos
    return named or (checksum in checksums and (ours or not file.exists()))
