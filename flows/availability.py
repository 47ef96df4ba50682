"""`clapper availability`: what share of each published version can still be had at its sources.

    checked = check_versions(root, some_releases, limit=None)
    checked.versions[0].total.share      # 0–1, of the clips of which it is known

A version never changes by this, and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from duckdb import DuckDBPyConnection
from pydantic import ValidationError

from schemas.errors import ReleaseError
from schemas.recipe import Recipe
from schemas.sections import SPLITS
from tasks.releases.folder import Release, releases
from tasks.sources.availability import (
    GONE,
    THERE,
    Place,
    Standing,
    check,
    due,
    standings,
    standings_table,
)
from tasks.workspace.catalog import read_catalog
from tasks.workspace.query import open_database
from tasks.workspace.tombstones import tombstones

NOT_ASKED, TAKEN_DOWN = "not_asked", "taken_down"


@dataclass(frozen=True)
class Standings:
    """What a group of clips has of one state: videos, clips and their length together."""

    videos: int = 0
    clips: int = 0
    milliseconds: int = 0


@dataclass(frozen=True)
class Survival:
    """How much of a group of clips is there still.

    Attributes:
        name: of the group: a split, a channel, or `all`.
        there, gone: of these it is known; `unknown`: nobody could say, or nobody was asked yet.
    """

    name: str
    there: Standings
    gone: Standings
    unknown: Standings

    @property
    def share(self) -> float | None:
        """Of the clips' time that is known of, what is still there, 0–1; None where nothing is known."""
        known = self.there.milliseconds + self.gone.milliseconds
        return self.there.milliseconds / known if known else None


@dataclass(frozen=True)
class Lost:
    """A video of a version that is gone from its source, with when that was first found."""

    video_id: str
    channel: str
    reason: str
    since: str | None
    clips: int


@dataclass(frozen=True)
class Version:
    """One version: what survives of it, in all, by split and by channel, and what does not."""

    version: str
    total: Survival
    splits: Sequence[Survival]
    channels: Sequence[Survival]
    lost: Sequence[Lost]


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        asked: how many sources this check asked.
        due: how many are still to be asked, for want of an answer or for the limit.
    """

    dataset: str
    asked: int
    due: int
    versions: Sequence[Version]


def chosen_releases(root: Path, dataset: str, versions: Sequence[str]) -> list[Release]:
    """The named versions of a data set, or all of them.

    Raises:
        ReleaseError: one is not there, or the data set has none.
    """
    there = {release.version: release for release in releases(root, dataset)}
    if not there:
        raise ReleaseError(dataset, f"has no published version in {root}", "see `clapper release list`")
    for version in versions:
        if version not in there:
            raise ReleaseError(f"{dataset} {version}", "is not published", f"there are: {', '.join(there)}")
    return [there[version] for version in versions or there]


def check_versions(
    root: Path,
    chosen: Sequence[Release],
    limit: int | None = None,
    progress: Callable[[int, int, Standing | None], None] = lambda done, of, told: None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Checked:
    """Ask for the sources of some versions as far as there is no answer of today, and count what survives.

    Args:
        limit: ask for so many at most.
        progress: called with the number of sources asked, that of all to be asked, and the last answer.

    Raises:
        WorkspaceError: another check is under way.
    """
    places, known = places_of(root, chosen), standings(root)
    ahead = due(places, known, clock())[:limit]
    progress(0, len(ahead), None)
    told: list[Standing] = []

    def note(standing: Standing) -> None:
        told.append(standing)
        progress(len(told), len(ahead), standing)

    if ahead:
        download = _recipe(chosen[-1]).download
        known = check(root, ahead, download, clock, note)
    with open_database(root) as database:
        database.register("standings", standings_table(_with_taken_down(root, known)))
        versions = [_version(database, release) for release in chosen]
    return Checked(chosen[0].dataset, len(told), len(due(places, known, clock())), versions)


def available_videos(root: Path) -> list[str]:
    """Ids of the videos whose source was there when it was last asked for.

    Raises:
        ReleaseError: nobody was asked yet.
    """
    known = standings(root)
    if not known:
        raise ReleaseError(str(root), "no source was asked for yet", "run `clapper availability` first")
    gone = tombstones(root)
    return sorted(video for video, told in known.items() if told.state == THERE and not gone.covers(video))


def places_of(root: Path, chosen: Sequence[Release]) -> list[Place]:
    """Where the sources of some versions are, each once, by id; what was taken down is not asked for."""
    files = [file for release in chosen for file in release.files()]
    if not files:
        return []
    with open_database(root, clips=files) as database:
        rows = database.execute(
            "SELECT video_id, any_value(source_url), any_value(source_sha256) FROM clips GROUP BY 1 ORDER BY 1"
        ).fetchall()
    listed = {row["video_id"]: row for row in read_catalog(root)}
    gone = tombstones(root)
    places = []
    for video, url, sha256 in rows:
        row = listed.get(video)
        local = row is not None and row["kind"] == "files"
        if not gone.covers(video):
            places.append(Place(video, row["location"] if row else url, sha256 if local else None))
    return places


def _recipe(release: Release) -> Recipe:
    """The recipe that a version was made with; of another Clapper's what this one understands of it: its name."""
    try:
        text = (release.folder / "recipe.yaml").read_text(encoding="utf-8")
        return Recipe.model_validate(yaml.safe_load(text))
    except (OSError, yaml.YAMLError, ValidationError):
        return Recipe(name="unknown", title="")


def _with_taken_down(root: Path, known: dict[str, Standing]) -> dict[str, Standing]:
    dates = tombstones(root).dates
    return known | {video: Standing(video, GONE, TAKEN_DOWN, None, day, day) for video, day in dates.items()}


def _version(database: DuckDBPyConnection, release: Release) -> Version:
    files = [str(file) for file in release.files()]
    database.read_parquet(files, hive_partitioning=False).create_view("clips", replace=True)
    database.execute(
        "CREATE OR REPLACE TEMP TABLE videos AS SELECT video_id, split, any_value(channel) AS channel, "
        "count(*) AS clips, sum(duration_ms)::BIGINT AS ms, coalesce(any_value(state), 'unknown') AS state, "
        f"coalesce(any_value(reason), '{NOT_ASKED}') AS reason, any_value(gone_since) AS since "
        "FROM clips LEFT JOIN standings USING (video_id) GROUP BY video_id, split"
    )
    (total,) = _survivals(database, "'all'")
    splits = {each.name: each for each in _survivals(database, "split")}
    lost = database.execute(
        "SELECT video_id, channel, reason, since, clips FROM videos WHERE state = 'gone' ORDER BY since, video_id"
    ).fetchall()
    return Version(
        version=release.version,
        total=total,
        splits=[splits[name] for name in SPLITS if name in splits],
        channels=_survivals(database, "channel"),
        lost=[Lost(*row) for row in lost],
    )


def _survivals(database: DuckDBPyConnection, column: str) -> list[Survival]:
    rows = database.execute(
        f"SELECT {column}, state, count(DISTINCT video_id), sum(clips)::BIGINT, sum(ms)::BIGINT "
        "FROM videos GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    nothing = Standings()
    found: dict[str, Survival] = {}
    for name, state, videos, clips, milliseconds in rows:
        before = found.get(name, Survival(name, nothing, nothing, nothing))
        kind = state if state in (THERE, GONE) else "unknown"
        found[name] = replace(before, **{kind: Standings(videos, clips, milliseconds)})
    return list(found.values())


def as_json(checked: Checked) -> dict[str, Any]:
    """JSON-able, with the shares."""
    told = asdict(checked)
    for version, plain in zip(checked.versions, told["versions"], strict=True):
        groups = [(version.total, plain["total"])]
        groups += zip([*version.splits, *version.channels], plain["splits"] + plain["channels"], strict=True)
        for survival, row in groups:
            row["share"] = survival.share
    return told
