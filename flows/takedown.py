"""`clapper takedown`: a video leaves the workspace and the next version, and never comes back.

    plan = plan_takedown(root, ["youtube-dQw4w9WgXcQ"])     # changes nothing
    carry_out(plan, "the uploader asked for it", today)

What is left of it: its id, the day, and the checksums of its source files, by which the very same file is known under
another id; the reason, for the owner of the workspace alone. A copy with other bytes is not known again, since its
fingerprints are content as well: copies that are in the workspace today are named before anything is removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import yaml
from pydantic import ValidationError

from flows.takedown_review import erase_reviews
from schemas.errors import RecipeError, SourceError
from schemas.judging import Offscreen
from schemas.recipe import Recipe, load_recipe, recipe_names
from tasks.offscreen.forget import forget_answers
from tasks.releases.folder import latest_release
from tasks.releases.holders import Holding, datasets, holdings
from tasks.sources.availability import forget_standings
from tasks.sources.forget import forget
from tasks.sources.identity import file_id, site_of, video_id
from tasks.workspace.catalog import catalog_files
from tasks.workspace.erase import Held, erase, held, look_alikes, same_files
from tasks.workspace.layout import exclusive
from tasks.workspace.ledger import left_out_at_discovery, record_left_out
from tasks.workspace.query import open_database
from tasks.workspace.stage import LeftOut, Row
from tasks.workspace.tombstones import Tombstones, note_erased, take_down, tombstones

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Plan:
    """What a takedown concerns.

    Attributes:
        videos: ids, each with what the catalogue says of it; None where only a version or a tombstone knows it.
        same_file: those among them that nobody named: their source file has the bytes of one that was named.
        copies: likewise, taken for looking and sounding like one of them.
        alike: other videos in the workspace that look or sound like one of them, with the kind of the likeness, and
            that stay. One that was left out as a copy would be released once the first of its kind is gone.
        before: those that were taken down before, with the day.
        held: what the stages have of them.
        published: the versions that hold them.
        next_versions: data set to the version that will be without them.
        emptied: data set to its latest version, where that holds clips of none but them and of videos that were taken
            down before; no version follows while the workspace has no other clips.
    """

    root: Path
    videos: Mapping[str, Row | None]
    same_file: Sequence[str]
    copies: Sequence[str]
    alike: Mapping[str, str]
    before: Mapping[str, str]
    held: Held
    published: Sequence[Holding]
    next_versions: Mapping[str, str]
    emptied: Mapping[str, str]


@dataclass(frozen=True)
class Done:
    """What a takedown did.

    Attributes:
        new: videos that were not taken down before.
        left: what could not be removed, in sentences; a repeat finishes it.
    """

    new: Sequence[str]
    left: Sequence[str]


def plan_takedown(root: Path, named: Sequence[str], with_copies: bool = False) -> Plan:
    """What the takedown of some videos concerns; changes nothing.

    Args:
        named: ids of videos or of their clips, addresses on a site, or paths of local files.
        with_copies: take down as well what was found to look and sound like them.

    Raises:
        SourceError: one of them is no video of this workspace; the error names those that are nearly so.
    """
    catalog, gone = _catalog(root), tombstones(root)
    known = _known(root, catalog, gone)
    chosen = list(dict.fromkeys(resolve(text, known, catalog) for text in named))
    likes = look_alikes(root, chosen)
    copies = [video for video, kind in likes.items() if with_copies and kind == "both" and video in catalog]
    sources = held(root, [*chosen, *copies]).source_sha256
    checksums = {sha256 for each in sources.values() for sha256 in each}
    same = same_files(root, checksums, [*chosen, *copies])
    videos = [*chosen, *copies, *same]
    published = holdings(root, videos)
    latest = {each.dataset: each.version for each in published if each.latest}
    emptied = {name: latest[name] for name in latest if not _others(root, name, {*videos, *gone.dates})}
    return Plan(
        root=root,
        videos={video: catalog.get(video) for video in videos},
        same_file=same,
        copies=copies,
        alike={video: kind for video, kind in likes.items() if video in catalog and video not in videos},
        before={video: gone.dates[video] for video in videos if video in gone.dates},
        held=held(root, videos),
        published=published,
        next_versions={name: _next_major(latest[name]) for name in latest if name not in emptied},
        emptied=emptied,
    )


def carry_out(
    plan: Plan, reason: str, today: date, progress: Callable[[int, int], None] = lambda done, of: None
) -> Done:
    """Take the videos of a plan down. Killed at any moment, it is finished by doing it again.

    The tombstones come first: from then on nothing takes these videos any more.

    Raises:
        WorkspaceError: a run is at work in the workspace, or something in it cannot be written.
    """
    root, videos = plan.root, [*plan.videos]
    with exclusive(root):
        content = held(root, videos)
        new = take_down(
            root, {video: content.source_sha256.get(video, ()) for video in videos}, reason, today
        )
        left = erase_reviews(root, videos, content.clip_sha256)
        clips = {sha256 for checksums in content.clip_sha256.values() for sha256 in checksums}
        forget_answers(root, content.answer_keys, clips, _offscreen_sections(root))
        forget_standings(root, videos)
        forget(root, videos, {sha256 for each in content.source_sha256.values() for sha256 in each})
        erase(root, videos, content.shards, progress)
        dates = tombstones(root).dates
        record_left_out(root, [LeftOut(video, "taken_down", f"on {dates[video]}") for video in videos])
        if not left:
            note_erased(root, videos)
    return Done(new, left)


def resolve(text: str, known: Collection[str], catalog: Mapping[str, Row]) -> str:
    """The video that an id, a clip's id, an address or a path means.

    Raises:
        SourceError: none of those that are known.
    """
    for candidate in _candidates(text, catalog):
        if candidate in known:
            return candidate
    near = get_close_matches(text.rsplit("_", 2)[0], known, n=3, cutoff=0.6)
    near += [video for video in sorted(known) if text in video and video not in near][:3]
    near += [video for video, row in catalog.items() if text.lower() in (row["title"] or "").lower()][:3]
    advice = (
        f"did you mean {', '.join(dict.fromkeys(near))}?"
        if near
        else "`clapper explain` shows a clip's video"
    )
    raise SourceError(text, f"is none of the {len(known)} videos that this workspace knows of", advice)


def _candidates(text: str, catalog: Mapping[str, Row]) -> list[str]:
    if text.lower().startswith(("http://", "https://")):
        listed = [video for video, row in catalog.items() if row["location"] == text]
        return [*listed, video_id(*site_of(text), text)] if urlsplit(text).hostname else listed
    path = Path(text)
    if path.is_file():
        with path.open("rb") as file:
            return [file_id(hashlib.file_digest(file, "sha256").hexdigest())]
    return [text, text.rsplit("_", 2)[0]]


def _catalog(root: Path) -> dict[str, Row]:
    """The catalogue with videos that were taken down and are not erased yet."""
    return {row["video_id"]: row for file in catalog_files(root) for row in pq.read_table(file).to_pylist()}


def _known(root: Path, catalog: Mapping[str, Row], gone: Tombstones) -> set[str]:
    """Every video that was ever taken, seen and not taken, released, or taken down."""
    released = (latest_release(root, dataset) for dataset in datasets(root))
    assigned = {video for release in released if release for video in release.assignments()}
    seen = {row["video_id"] for row in left_out_at_discovery(root)}
    return {*catalog, *gone.dates, *assigned, *seen}


def _others(root: Path, dataset: str, videos: Collection[str]) -> bool:
    """Whether the latest version of a data set holds a clip of any other video."""
    release = latest_release(root, dataset)
    if release is None or not release.files():
        return False
    with open_database(root, clips=release.files()) as database:
        asked = "SELECT 1 FROM clips WHERE NOT list_contains(?, video_id) LIMIT 1"
        return bool(database.execute(asked, [sorted(videos)]).fetchall())


def _next_major(version: str) -> str:
    return f"{int(version.split('.')[0]) + 1}.0.0"


def _offscreen_sections(root: Path) -> list[Offscreen]:
    """The settings of all recipes that are known here: those of published versions, and Clapper's own."""
    found = [load_recipe(RECIPES / f"{name}.yaml").offscreen for name in recipe_names(RECIPES)]
    for file in sorted((root / "releases").glob("*/[0-9]*/recipe.yaml")):
        try:
            found.append(Recipe.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))).offscreen)
        except (OSError, yaml.YAMLError, ValidationError, RecipeError):
            continue  # of another Clapper; its settings are then not tried
    return list({section.model_dump_json(): section for section in found if section}.values())
