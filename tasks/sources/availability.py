"""Whether sources still exist: asked without fetching anything, and remembered, so that nobody is asked twice a day.

availability/standings.parquet   STANDINGS: the last answer on each video
availability/journal.jsonl       answers of a check under way, one line each; folded into the table at its end

A site that does not answer, refuses this machine or asks to wait says nothing about the video: that is `unknown`, it
counts neither as there nor as gone, and the next check asks again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq
import yt_dlp
from yt_dlp.utils import YoutubeDLError

from schemas.errors import SourceError, SystemicError, Unavailable, WorkspaceError
from schemas.sections import Download
from schemas.tables import TEXT, described
from tasks.sources.failures import meaning_of
from tasks.sources.hashes import FileHashes
from tasks.sources.site import open_site
from tasks.workspace.layout import appearing, write_table

THERE, GONE, UNKNOWN = "there", "gone", "unknown"

STANDINGS = described(
    ("video_id", TEXT, ""),
    ("state", TEXT, "there, gone, or unknown: nobody could say"),
    (
        "reason",
        TEXT,
        "why it is gone or unknown: removed, private, geo_blocked, file_changed …; null where it is there",
    ),
    ("detail", TEXT, "what the site said"),
    ("asked_at", TEXT, "ISO 8601, UTC"),
    ("gone_since", TEXT, "when it was first found gone, and not seen since; null where it is there"),
)

HOLDS = timedelta(days=1)
"""For how long an answer is not asked for again."""

SILENCES = 8
"""After so many videos in a row of which a site can say nothing the check ends: it asks us to go away."""

_DEEPEST = 4


@dataclass(frozen=True)
class Place:
    """Where a video's source is to be found.

    Attributes:
        location: an address, or the absolute path of a local file; None where nobody knows it any more.
        sha256: of a local file's bytes.
    """

    video_id: str
    location: str | None
    sha256: str | None = None


@dataclass(frozen=True)
class Standing:
    """A row of STANDINGS."""

    video_id: str
    state: str
    reason: str | None
    detail: str | None
    asked_at: str
    gone_since: str | None


def standings(root: Path) -> dict[str, Standing]:
    """The last answers on all videos that were ever asked for, by id."""
    path = root / "availability" / "standings.parquet"
    rows = pq.read_table(path, schema=STANDINGS).to_pylist() if path.exists() else []
    found = {row["video_id"]: Standing(**row) for row in rows}
    for told in _journal(root):
        found[told.video_id] = told
    return found


def standings_table(known: Mapping[str, Standing]) -> pa.Table:
    """The same as a table, by id."""
    return pa.Table.from_pylist([asdict(known[video]) for video in sorted(known)], schema=STANDINGS)


def due(places: Iterable[Place], known: Mapping[str, Standing], now: datetime) -> list[Place]:
    """Those of which there is no answer that holds."""
    return [place for place in places if not _holds(known.get(place.video_id), now)]


def check(
    root: Path,
    places: Sequence[Place],
    download: Download,
    clock: Callable[[], datetime],
    progress: Callable[[Standing], None] = lambda standing: None,
) -> dict[str, Standing]:
    """Ask for each place, one after another; returns all standings. Killed, it has kept what it was told.

    It ends early after SILENCES videos in a row of which nothing could be said.

    Args:
        download: the manners: pause between requests, time-out, cookies.
        clock: the time now, UTC.

    Raises:
        WorkspaceError: another check is under way in the workspace.
        RecipeError: the cookies file cannot be read.
    """
    folder = root / "availability"
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        known, hashes, silent = standings(root), FileHashes(root), 0
        # More tries would be patience with a site that is asked again tomorrow anyhow.
        manners = download.model_copy(update={"retries": min(download.retries, 1)})
        with (
            open_site(root, manners, noplaylist=True, extract_flat="in_playlist") as site,
            (folder / "journal.jsonl").open("a", encoding="utf-8") as journal,
        ):
            journal.write("\n")  # ends a line that a kill tore
            for place in places:
                told = _standing(place, known.get(place.video_id), _asked(place, site, hashes), clock())
                known[told.video_id] = told
                _note(journal, told)
                progress(told)
                silent = silent + 1 if told.state == UNKNOWN else 0
                if silent == SILENCES:
                    break
        _fold(folder, known)
    return known


def forget_standings(root: Path, videos: Collection[str]) -> None:
    """Remove what was ever said of some videos.

    Raises:
        WorkspaceError: a check is under way.
    """
    folder = root / "availability"
    if folder.is_dir():
        with _alone(folder):
            _fold(folder, {video: told for video, told in standings(root).items() if video not in videos})


def _asked(place: Place, site: yt_dlp.YoutubeDL, hashes: FileHashes) -> tuple[str, str | None, str | None]:
    """State, reason and detail of one source, as it is now."""
    if place.location is None:
        return UNKNOWN, "no_address", "neither the catalogue nor the manifest says where it was"
    if "://" not in place.location:
        return _local(place, hashes)
    try:
        _look_at(site, place.location)
    except (YoutubeDLError, OSError) as error:
        meaning = meaning_of(error, place.video_id)
        if isinstance(meaning, Unavailable) and meaning.reason != "unsupported":
            return GONE, meaning.reason, meaning.detail
        if isinstance(meaning, SystemicError):
            raise meaning from error
        if isinstance(meaning, SourceError):
            return UNKNOWN, "no_answer", meaning.problem
        # Live again, or a page that yt-dlp does not understand any more: it is there, in some form.
        return (UNKNOWN if meaning.reason == "unsupported" else THERE), meaning.reason, meaning.detail
    return THERE, None, None


def _look_at(
    site: yt_dlp.YoutubeDL, address: str, extractor: str | None = None, depth: int = 0
) -> dict[str, Any]:
    """What the site says of a video, through references to other addresses; formats are not asked for."""
    found = site.extract_info(address, download=False, process=False, ie_key=extractor)
    if not found:
        raise YoutubeDLError("the video does not exist: its page names none")
    if found.get("_type") in ("url", "url_transparent") and depth < _DEEPEST:
        return _look_at(site, found["url"], found.get("ie_key"), depth + 1)
    return found


def _local(place: Place, hashes: FileHashes) -> tuple[str, str | None, str | None]:
    try:
        sha256 = hashes.sha256(Path(place.location or ""))
    except FileNotFoundError:
        return GONE, "file_gone", "there is no file at its place"
    except OSError as error:
        return UNKNOWN, "unreadable", error.strerror
    if place.sha256 and sha256 != place.sha256:
        return GONE, "file_changed", f"SHA-256 {sha256[:16]}… now, {place.sha256[:16]}… when it was taken"
    return THERE, None, None


def _standing(
    place: Place, before: Standing | None, asked: tuple[str, str | None, str | None], now: datetime
) -> Standing:
    state, reason, detail = asked
    moment, earlier = now.isoformat(timespec="seconds"), before.gone_since if before else None
    since = {THERE: None, GONE: earlier or moment, UNKNOWN: earlier}[state]
    return Standing(place.video_id, state, reason, detail, moment, since)


def _holds(told: Standing | None, now: datetime) -> bool:
    return (
        told is not None
        and told.state != UNKNOWN
        and timedelta(0) <= now - datetime.fromisoformat(told.asked_at) < HOLDS
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkspaceError(
                str(folder), "a check of availability is under way", "wait for it to end"
            ) from error
        yield


def _journal(root: Path) -> Iterator[Standing]:
    path = root / "availability" / "journal.jsonl"
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            yield Standing(**json.loads(line))
        except (ValueError, TypeError):  # torn by a kill
            continue


def _note(file: TextIO, told: Standing) -> None:
    file.write(json.dumps(asdict(told), ensure_ascii=False) + "\n")
    file.flush()
    os.fsync(file.fileno())


def _fold(folder: Path, known: Mapping[str, Standing]) -> None:
    with appearing(folder / "standings.parquet") as unfinished:
        write_table(standings_table(known), unfinished)
    (folder / "journal.jsonl").unlink(missing_ok=True)
