"""What a site lists at an address: entries one by one, as the site sends them, and remembered for a while."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yt_dlp
from yt_dlp.utils import PlaylistEntries, YoutubeDLError, sanitize_url, unsmuggle_url

from schemas.recipe import digest
from schemas.sections import Download
from tasks.sources.hashes import write_text
from tasks.sources.identity import host_of, safe_name, shown_url, site_of, video_id
from tasks.sources.site import open_site
from tasks.workspace.tombstones import tombstones

_LOG = logging.getLogger(__name__)
_DEEPEST = 4
"""A channel lists its tabs, a tab its playlists, a playlist its videos; deeper nesting is a loop."""


@dataclass(frozen=True)
class Entry:
    """One video as a site lists it; what the listing does not say is None."""

    video_id: str
    url: str
    channel: str
    of_list: bool
    """Whether the channel is that of the whole listing."""
    title: str | None
    duration_ms: int | None
    height: int | None
    licence: str | None
    live_status: str | None
    listed: int | None
    """How many videos the whole listing has."""


def list_entries(url: str, root: Path, download: Download) -> Iterator[Entry]:
    """The videos at an address (a video, a playlist, a channel or a page), in the site's order, each once.

    Lazy: a caller that stops early spares the site the remaining pages. What was read is kept in the
    workspace's `listings`, but for videos that were taken down, and the site is not asked again within
    `download.relist_after`.

    Raises:
        YoutubeDLError: the site refuses or cannot be reached; see `failures.meaning_of`.
    """
    path = root / "listings" / f"{digest({'url': url, 'cookies': download.cookies})}.json"
    remembered, complete = _remembered(path, download.relist_after)
    yield from remembered
    if complete:
        return
    entries, seen = list(remembered), {entry.video_id for entry in remembered}
    finished, gone = False, tombstones(root)
    try:
        with open_site(root, download, extract_flat="in_playlist", lazy_playlist=True) as site:
            for entry in _walk(site, url):
                if entry.video_id not in seen:
                    seen.add(entry.video_id)
                    if not gone.covers(entry.video_id):
                        entries.append(entry)
                    yield entry
        finished = True
    finally:
        if finished or len(entries) > len(remembered):
            _remember(path, url, entries, finished)


def _remembered(path: Path, relist_after_ms: int) -> tuple[list[Entry], bool]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        age_ms = (time.time() - kept["time"]) * 1000
        if not 0 <= age_ms < relist_after_ms:
            return [], False
        return [Entry(**entry) for entry in kept["entries"]], kept["complete"]
    except FileNotFoundError:
        return [], False
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("listing %s cannot be read (%s): the site is asked again", path.name, error)
        return [], False


def _remember(path: Path, url: str, entries: list[Entry], complete: bool) -> None:
    kept = {
        "time": time.time(),
        "url": shown_url(url),
        "complete": complete,
        "entries": [asdict(entry) for entry in entries],
    }
    write_text(path, json.dumps(kept, ensure_ascii=False))


def _walk(
    site: yt_dlp.YoutubeDL,
    url: str,
    extractor: str | None = None,
    above: Mapping[str, Any] | None = None,
    depth: int = 0,
) -> Iterator[Entry]:
    result = site.extract_info(url, download=False, process=False, ie_key=extractor)
    yield from _entries_of(site, result, url, above or {}, depth)


def _entries_of(
    site: yt_dlp.YoutubeDL, result: dict[str, Any] | None, url: str, above: Mapping[str, Any], depth: int
) -> Iterator[Entry]:
    """Entries of a raw extractor result: a video, a reference, or a list of both.

    Args:
        above: what the list around the result says: `listed`, its length, and perhaps the channel.
    """
    if not result:
        return
    if depth > _DEEPEST:
        raise YoutubeDLError(f"lists within lists, more than {_DEEPEST} deep")
    kind = result.get("_type", "video")
    if kind in ("url", "url_transparent"):
        single = _is_single(site, result)
        if single or (single is None and "listed" in above):
            yield _entry(result, url, above)
        else:
            yield from _walk(
                site, result["url"], result.get("ie_key"), {**above, **_about(result)}, depth + 1
            )
    elif kind in ("playlist", "multi_video"):
        listed = result.get("playlist_count")
        if listed is None and isinstance(result.get("entries"), list):
            listed = len(result["entries"])
        about = {**above, **_about(result), "listed": listed}
        for _, entry in PlaylistEntries(site, result).get_requested_items():
            yield from _entries_of(site, entry, result.get("webpage_url") or url, about, depth + 1)
    else:
        yield _entry(result, url, above)


def _is_single(site: yt_dlp.YoutubeDL, reference: Mapping[str, Any]) -> bool | None:
    """Whether a reference is to one video; None when its extractor does not say."""
    name = reference.get("ie_key") or site_of(unsmuggle_url(reference["url"])[0])[0]
    try:
        extractor = site.get_info_extractor(name)
    except KeyError as error:
        raise YoutubeDLError(
            f"a listing refers to the extractor {name!r}, which yt-dlp does not have"
        ) from error
    return extractor.is_single_video(reference["url"])


_CHANNEL_KEYS = ("channel", "uploader", "channel_id", "uploader_id")


def _about(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: result[key] for key in _CHANNEL_KEYS if result.get(key)}


def _entry(info: Mapping[str, Any], url: str, above: Mapping[str, Any]) -> Entry:
    address = _address(info, url, above)
    site, site_id = info.get("ie_key") or info.get("extractor_key"), info.get("id")
    if not site or (info.get("ie_key") and not site_id):
        site, site_id = site_of(address)
    own, of_list = _channel(info), _channel(above)
    channel = own or of_list or safe_name(host_of(address))
    duration_s = info.get("duration")
    return Entry(
        video_id=video_id(site, site_id, address),
        url=address,
        channel=channel,
        of_list=channel == of_list,
        title=info.get("title"),
        duration_ms=round(duration_s * 1000) if isinstance(duration_s, int | float) else None,
        height=_largest_height(info),
        licence=info.get("license"),
        live_status=info.get("live_status") or ("is_live" if info.get("is_live") else None),
        listed=above.get("listed"),
    )


def _channel(info: Mapping[str, Any]) -> str | None:
    named = next((str(info[key]) for key in _CHANNEL_KEYS if info.get(key)), None)
    return safe_name(named.lstrip("@")) if named else None


def _address(info: Mapping[str, Any], url: str, above: Mapping[str, Any]) -> str:
    """The address that leads to this very video again: not the page's own when the page has several."""
    if info.get("_type", "video") in ("url", "url_transparent"):
        plain, smuggled = unsmuggle_url(sanitize_url(info["url"]), {})
        # What else is smuggled (a referer, say) the site needs; this one only silences a warning.
        return plain if set(smuggled) <= {"to_generic"} else sanitize_url(info["url"])
    if info.get("webpage_url") or "listed" not in above:
        return info.get("webpage_url") or url
    return (info.get("formats") or [info])[-1].get("url") or url


def _largest_height(info: Mapping[str, Any]) -> int | None:
    heights = [info.get("height"), *(form.get("height") for form in info.get("formats") or ())]
    return max((round(height) for height in heights if isinstance(height, int | float)), default=None)
