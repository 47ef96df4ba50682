"""Discovery: which videos a source has now, and which of them the recipe takes.

found = discover(source, recipe, root=Path("workspace"), known=catalogue_ids, limit=None)
found.videos      # new catalogue rows
found.left_out    # what was listed and not taken, with reasons
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from yt_dlp.utils import YoutubeDLError

from schemas.errors import Dropped, SourceError, Withheld
from schemas.recipe import Recipe
from schemas.sections import FilesSource, ListSource, Source, YtdlpSource
from tasks.sources.admission import refusal
from tasks.sources.failures import meaning_of
from tasks.sources.files import list_files
from tasks.sources.identity import shown_url, site_of, video_id
from tasks.sources.listing import Entry, list_entries
from tasks.sources.segments import list_videos
from tasks.workspace.stage import LeftOut, Row
from tasks.workspace.tombstones import Tombstones, tombstones

Progress = Callable[[int, str], None]
"""Called with the number of items looked at so far and what comes next."""


@dataclass(frozen=True)
class Discovery:
    """What a source has.

    Attributes:
        videos: rows of `schemas.tables.CATALOG` whose ids were not known.
        known: fresh rows of videos that were known: a file may have moved, a list may name more spans.
        left_out: what was listed and not taken, with reasons.
    """

    videos: list[Row] = field(default_factory=list)
    known: list[Row] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def _take(self, row: Row, known: Collection[str]) -> int:
        """Add a row, and say how many there are."""
        (self.known if row["video_id"] in known else self.videos).append(row)
        return len(self.videos) + len(self.known)


def discover(
    source: Source,
    recipe: Recipe,
    root: Path,
    known: Collection[str],
    limit: int | None = None,
    progress: Progress | None = None,
) -> Discovery:
    """List a source. A video that was taken down is left out as `taken_down`, and nothing else is said of it.

    Args:
        root: the workspace; listings and checksums are remembered in its folder `listings`.
        known: ids that are in the catalogue already.
        limit: from 1; take so many videos of this source at most, known ones counted, so repeats agree.
        progress: see `Progress`.

    Raises:
        SourceError: the source cannot be listed now, or there is nothing at its address.
        RecipeError: the cookies file or the URL pattern of the recipe is unusable.
    """
    gone = tombstones(root)
    if isinstance(source, YtdlpSource):
        found = _discover_site(source, recipe, root, known, gone, limit, progress)
    else:
        found = _discover_here(source, root, known, gone, limit, progress)
    return replace(found, left_out=_without_content(found.left_out, gone))


def _discover_here(
    source: FilesSource | ListSource,
    root: Path,
    known: Collection[str],
    gone: Tombstones,
    limit: int | None,
    progress: Progress | None,
) -> Discovery:
    """What a folder or a list has."""
    found = Discovery()
    if isinstance(source, FilesSource):
        listed = list_files(source, root, progress)
    else:
        rows, left_out = list_videos(source, progress)
        found.left_out.extend(left_out)
        listed = iter(rows)
    for row in listed:
        if isinstance(row, LeftOut):
            found.left_out.append(row)
            continue
        if gone.covers(row["video_id"], row["sha256"]):
            found.left_out.append(_taken_down(row["video_id"], row["sha256"], gone))
            continue
        # Before the next is looked at: it may be a page of the site or a file of an hour's reading.
        if found._take(row, known) == limit:
            break
    return found


def _taken_down(video_id: str, sha256: str | None, gone: Tombstones) -> LeftOut:
    video = video_id if video_id in gone.dates else gone.checksums[sha256]
    same = "" if video == video_id else f": the same bytes as {video}"
    return LeftOut(video_id, "taken_down", f"on {gone.dates[video]}{same}")


def _without_content(left_out: list[LeftOut], gone: Tombstones) -> list[LeftOut]:
    """Of a video that was taken down, that it was, once; not what a listing or a list says of it."""
    kept = [part for part in left_out if gone.of(part.id) is None or part.reason == "taken_down"]
    told = {part.id for part in kept}
    videos = dict.fromkeys(video for part in left_out if (video := gone.of(part.id)))
    return kept + [_taken_down(video, None, gone) for video in videos if video not in told]


def source_from_argument(text: str) -> Source:
    """The source that `--source [channel=]PATH_OR_URL` means.

    `http(s)://…` is for yt-dlp; .csv, .csv.gz, .txt and .txt.gz are lists; the rest are files.

    Raises:
        pydantic.ValidationError: the channel is no name as recipes allow it.
        SourceError: there is no path or URL.
    """
    channel, separator, place = text.partition("=")
    if not separator or "/" in channel or "?" in channel or Path(text).exists():
        channel, place = "", text
    if not place:
        raise SourceError(text, "names no path and no URL", "write --source [channel=]PATH_OR_URL")
    named = {"channel": channel} if channel else {}
    if place.lower().startswith(("http://", "https://")):
        return YtdlpSource(kind="ytdlp", url=place, **named)
    if place.lower().endswith((".csv", ".csv.gz", ".txt", ".txt.gz")):
        return ListSource(kind="list", path=place, segment="10 s", **named)
    return FilesSource(kind="files", path=place, **named)


def _discover_site(
    source: YtdlpSource,
    recipe: Recipe,
    root: Path,
    known: Collection[str],
    gone: Tombstones,
    limit: int | None,
    progress: Progress | None,
) -> Discovery:
    found, taken_ms = Discovery(), Counter()
    most_ms = recipe.admission.max_per_channel or math.inf
    try:
        with closing(list_entries(source.url, root, recipe.download)) as entries:
            for looked_at, entry in enumerate(entries):
                if gone.covers(entry.video_id):
                    found.left_out.append(_taken_down(entry.video_id, None, gone))
                    continue
                channel = source.channel or entry.channel
                if progress:
                    progress(looked_at, entry.video_id)
                refused = _refusal(recipe, entry, taken_ms[channel], most_ms)
                if refused:
                    found.left_out.append(_left_out(entry, refused))
                    continue
                taken_ms[channel] += entry.duration_ms or 0
                if found._take(_row(source, channel, entry), known) == limit:
                    break
                # A channel's own listing has nothing else to give; a mixed playlist may have other channels.
                if taken_ms[channel] >= most_ms and (source.channel or entry.of_list):
                    found.left_out.extend(_rest(channel, entry, looked_at + 1, most_ms))
                    break
    except YoutubeDLError as error:
        _add_failure(found, source.url, error)
    return found


def _refusal(recipe: Recipe, entry: Entry, taken_ms: int, most_ms: float) -> Withheld | None:
    refused = refusal(
        recipe.admission,
        duration_ms=entry.duration_ms,
        height=entry.height,
        licence=entry.licence,
        live_status=entry.live_status,
        licence_is_final=False,
    )
    if refused is None and taken_ms >= most_ms:
        return Dropped("channel_full", f"{taken_ms} ms taken, at most {most_ms} ms wanted")
    return refused


def _left_out(entry: Entry, refused: Withheld) -> LeftOut:
    return LeftOut(entry.video_id, refused.reason, refused.detail, entry.duration_ms or 0)


def _rest(channel: str, entry: Entry, looked_at: int, most_ms: float) -> list[LeftOut]:
    if entry.listed is not None and entry.listed <= looked_at:
        return []
    rest = f"{entry.listed - looked_at} more videos" if entry.listed else "the rest of the listing"
    return [LeftOut(channel, "channel_full", f"{most_ms / 3_600_000:g} h reached; {rest} not looked at")]


def _add_failure(found: Discovery, url: str, error: YoutubeDLError) -> None:
    """A source that is not to be had is left out; one that broke off keeps what it gave; else another try."""
    meaning = meaning_of(error, shown_url(url))
    if isinstance(meaning, Withheld) and meaning.reason == "unsupported":
        raise SourceError(
            shown_url(url), "yt-dlp finds no video at this address", "check the address"
        ) from error
    if isinstance(meaning, Withheld):
        found.left_out.append(LeftOut(video_id(*site_of(url), url), meaning.reason, meaning.detail))
    elif isinstance(meaning, SourceError) and (found.videos or found.known or found.left_out):
        found.left_out.append(LeftOut(video_id(*site_of(url), url), "listing_broke_off", meaning.problem))
    else:
        raise meaning from error


def _row(source: YtdlpSource, channel: str, entry: Entry) -> Row:
    return {
        "video_id": entry.video_id,
        "kind": "ytdlp",
        "location": entry.url,
        "channel": channel,
        "domain": source.domain,
        "title": entry.title,
        "duration_ms": entry.duration_ms,
        "height": entry.height,
        "licence": entry.licence,
        "sha256": None,
        "bytes": None,
        "segments": None,
    }
