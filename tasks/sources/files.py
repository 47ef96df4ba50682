"""Local video files: a file, a folder searched in depth, or a glob."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from schemas.errors import SourceError
from schemas.sections import FilesSource
from tasks.sources.hashes import FileHashes
from tasks.sources.identity import file_id, safe_name
from tasks.workspace.stage import LeftOut, Row

# fmt: off
MEDIA_SUFFIXES = frozenset((
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mkv",
    ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".ts",
    ".vob", ".webm", ".wmv",
))
# fmt: on
"""Names that are taken for videos in folders and globs; a file named by itself is taken as it is."""

_PARTIAL = (".part", ".ytdl", ".crdownload", ".tmp")


def list_files(
    source: FilesSource, root: Path, progress: Callable[[int, str], None] | None = None
) -> Iterator[Row | LeftOut]:
    """Catalogue rows of the files of a source in the order of their paths; same content twice is one video.

    Args:
        root: the workspace, which remembers checksums.
        progress: called with the number of files read so far and the path of the next.

    Raises:
        SourceError: there is nothing at the path.
    """
    hashes, first_path = FileHashes(root), {}
    paths, refused = _paths(source)
    yield from refused
    for number, path in enumerate(paths):
        if progress:
            progress(number, str(path))
        try:
            str(path).encode("utf-8")
            sha256, size = hashes.sha256(path), path.stat().st_size
        except (OSError, UnicodeEncodeError) as error:
            yield LeftOut(id=ascii(str(path))[1:-1], reason="unreadable", detail=str(error))
            continue
        identity = file_id(sha256)
        if identity in first_path:
            detail = f"{path} has the same bytes as {first_path[identity]}"
            yield LeftOut(id=identity, reason="duplicate_file", detail=detail)
            continue
        first_path[identity] = path
        yield {
            "video_id": identity,
            "kind": "files",
            "location": str(path),
            "channel": source.channel or safe_name(path.parent.name or "files"),
            "domain": source.domain,
            "title": path.stem,
            "duration_ms": None,
            "height": None,
            "licence": None,
            "sha256": sha256,
            "bytes": size,
            "segments": None,
        }


def _paths(source: FilesSource) -> tuple[list[Path], list[LeftOut]]:
    """Absolute paths, sorted, and the folders that may not be read. Hidden and partial files do not count."""
    where = Path(source.path).expanduser()
    if where.is_file():
        return [where.absolute()], []
    if where.is_dir():
        return _in_depth(where.absolute())
    if glob.has_magic(str(where)):
        found = (Path(name).absolute() for name in glob.glob(str(where), recursive=True))  # noqa: PTH207
        paths = sorted(path for path in found if path.is_file() and _is_video(path.name))
        if paths:
            return paths, []
        raise SourceError(source.path, "the pattern matches no video file", "check the pattern")
    raise SourceError(source.path, "there is no such file or folder", "check the path, or mount the disk")


def _in_depth(folder: Path) -> tuple[list[Path], list[LeftOut]]:
    paths: list[Path] = []
    refused: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=refused.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += (Path(parent, name) for name in names if _is_video(name))
    left_out = [LeftOut(ascii(error.filename)[1:-1], "unreadable", str(error.strerror)) for error in refused]
    return sorted(paths), left_out


def _is_video(name: str) -> bool:
    return (
        not name.startswith(".")
        and not name.lower().endswith(_PARTIAL)
        and Path(name).suffix.lower() in MEDIA_SUFFIXES
    )
