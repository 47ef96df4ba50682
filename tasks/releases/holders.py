"""Which published versions hold some videos: by SQL over the manifests, so that their size does not matter."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tasks.releases.folder import Release, releases
from tasks.workspace.query import open_database


@dataclass(frozen=True)
class Holding:
    """What one version has of one video.

    Attributes:
        paths: of its clips, relative to the folder of the version; empty where a version keeps none as files.
        latest: whether no later version of the dataset is there.
    """

    dataset: str
    version: str
    folder: Path
    video_id: str
    clips: int
    milliseconds: int
    paths: tuple[str, ...]
    latest: bool


def datasets(root: Path) -> list[str]:
    """The data sets of which a workspace has versions, by name."""
    return sorted(folder.name for folder in (root / "releases").glob("*") if releases(root, folder.name))


def holdings(root: Path, videos: Collection[str]) -> list[Holding]:
    """What every version of every data set has of some videos, oldest versions first."""
    found: list[Holding] = []
    for dataset in datasets(root):
        versions = releases(root, dataset)
        for release in versions:
            found += _of(root, release, videos, release == versions[-1])
    return found


def _of(root: Path, release: Release, videos: Collection[str], latest: bool) -> list[Holding]:
    if not release.files():
        return []
    with open_database(root, clips=release.files()) as database:
        found = database.execute(
            "SELECT video_id, count(*), sum(duration_ms)::BIGINT, list(path ORDER BY path) FROM clips "
            "WHERE list_contains(?, video_id) GROUP BY video_id ORDER BY video_id",
            [sorted(videos)],
        ).fetchall()
    return [
        Holding(
            release.dataset,
            release.version,
            release.folder,
            video,
            clips,
            milliseconds,
            tuple(path for path in paths if path and (release.folder / path).exists()),
            latest,
        )
        for video, clips, milliseconds, paths in found
    ]
