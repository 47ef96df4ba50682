"""Download of one video into `raw/`: resumed where it broke off, in place as a whole or not at all.

raw/<video_id>.mp4          the file; its suffix is the container's, nothing in its name is the site's
raw/<video_id>.info.json    what the site said of it, and its checksum
raw/.partial/<video_id>/    what has arrived so far
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yt_dlp
from yt_dlp.utils import YoutubeDLError

from schemas.errors import Dropped, SourceError, Unavailable
from schemas.recipe import Recipe, digest
from tasks.sources.admission import refusal
from tasks.sources.failures import meaning_of
from tasks.sources.hashes import FileHashes, write_text
from tasks.sources.identity import shown_url, without_secrets
from tasks.sources.site import TOOL, open_site
from tasks.workspace.stage import Row

_SAFE_ID = re.compile(r"[a-z0-9_]{1,64}-[A-Za-z0-9_-]{1,64}")
_SAFE_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")
# fmt: off
_KEPT = (
    "id", "title", "description", "uploader", "uploader_id", "channel", "channel_id", "upload_date",
    "timestamp", "license", "duration", "width", "height", "fps", "vcodec", "acodec", "abr", "vbr", "asr",
    "audio_channels", "dynamic_range", "format_id", "ext", "language", "tags", "categories", "extractor",
    "extractor_key", "live_status", "availability", "age_limit",
)
# fmt: on
"""What the sidecar keeps of yt-dlp's info. No headers, cookies or media URLs: they carry signatures."""


@dataclass(frozen=True)
class Download:
    """A downloaded file. `path` is relative to the workspace; texts are as the site has them."""

    path: str
    sha256: str
    bytes: int
    url: str
    uploader: str | None
    published: str | None
    licence: str | None
    tool: str


def download(row: Row, recipe: Recipe, root: Path, hashes: FileHashes) -> Download:
    """Fetch a video of the catalogue, unless it is here already.

    Of the formats that a site offers: the best picture of at most `download.max_height` (the smallest above
    it where there is none) with the best sound, merged by ffmpeg without encoding.

    Raises:
        Dropped: the recipe refuses it, by what the site says; it is live; its address has several.
        Unavailable: it is removed, private, geo-blocked …
        SourceError: for now; what has arrived stays for the next try.
        WorkspaceError: the disk is full.
    """
    video_id, url = row["video_id"], row["location"]
    if not _SAFE_ID.fullmatch(video_id):
        raise SourceError(ascii(video_id), "is no id that Clapper makes", "discover the source again")
    present = _present(video_id, recipe.download.max_height, root, hashes)
    if present:
        return present
    partial = root / "raw" / ".partial" / video_id
    try:
        partial.mkdir(parents=True, exist_ok=True)
        with open_site(root, recipe.download, **_parameters(recipe, partial)) as site:
            info = _info(site, video_id, url)
            _refuse(video_id, recipe, info)
            _keep_only_same_format(site, partial, info)
            done = site.process_ie_result(info, download=True)
        return _put_in_place(video_id, recipe.download.max_height, root, partial, done)
    except (YoutubeDLError, OSError) as error:
        meaning = meaning_of(error, video_id)
        if isinstance(meaning, Unavailable | Dropped):
            shutil.rmtree(partial, ignore_errors=True)
        raise meaning from error


def _parameters(recipe: Recipe, partial: Path) -> dict[str, Any]:
    return {
        "format": "bv*+ba/b",
        "format_sort": [f"height:{recipe.download.max_height}"],
        "outtmpl": {"default": f"{str(partial).replace('%', '%%')}/media.%(ext)s"},
        "extract_flat": "in_playlist",
        "updatetime": False,
        "noplaylist": True,
    }


def _info(site: yt_dlp.YoutubeDL, video_id: str, url: str) -> dict[str, Any]:
    """What the site says of the one video at an address, its formats chosen."""
    info = site.extract_info(url, download=False)
    if info and info.get("_type") in ("playlist", "multi_video"):
        entries = [entry for entry in info.get("entries") or () if entry]
        if len(entries) > 1:
            raise Dropped(
                "several_videos", f"{len(entries)} videos at one address: make it a source of its own"
            )
        info = entries[0] if entries else None
        if info and info.get("_type") in ("url", "url_transparent"):
            info = site.process_ie_result(info, download=False)
    if not info:
        raise Unavailable("not_found", "the address names no video")
    if info.get("live_status") in ("is_upcoming", "post_live"):
        raise SourceError(
            video_id, f"live status {info['live_status']}", "it is asked for again in a later run"
        )
    return info


def _refuse(video_id: str, recipe: Recipe, info: Mapping[str, Any]) -> None:
    duration_s = info.get("duration")
    refused = refusal(
        recipe.admission,
        duration_ms=round(duration_s * 1000) if duration_s is not None else None,
        height=info.get("height"),
        licence=info.get("license"),
        live_status=info.get("live_status") or ("is_live" if info.get("is_live") else None),
    )
    if refused:
        raise refused
    if info.get("_has_drm") and not info.get("url") and not info.get("requested_formats"):
        raise Unavailable("drm", f"{video_id}: every format is encrypted")


def _keep_only_same_format(site: yt_dlp.YoutubeDL, partial: Path, info: Mapping[str, Any]) -> None:
    """Bytes of another format or an older upload must never be continued: they are told apart by name."""
    formats = info.get("requested_formats") or [info]
    parts = [
        [form.get(key) for key in ("format_id", "ext", "filesize", "width", "height")] for form in formats
    ]
    stamp = digest([parts, info.get("timestamp"), info.get("upload_date")])[:16]
    for leftover in partial.iterdir():
        if not leftover.name.startswith(stamp):
            leftover.unlink()
    site.params["outtmpl"]["default"] = f"{str(partial).replace('%', '%%')}/{stamp}.%(ext)s"


def _put_in_place(
    video_id: str, max_height: int, root: Path, partial: Path, info: Mapping[str, Any]
) -> Download:
    downloads = info.get("requested_downloads") or [{}]
    media = Path(downloads[0].get("filepath") or partial / "nothing")
    if not media.is_file():
        raise SourceError(
            video_id, "yt-dlp reports success and no file is there", "another try follows in a later run"
        )
    suffix = media.suffix.lower() if _SAFE_SUFFIX.fullmatch(media.suffix.lower()) else ".media"
    target = root / "raw" / f"{video_id}{suffix}"
    with media.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    # The sidecar first: a sidecar without its file is a download to finish, a file without one a stranger's.
    sidecar = _sidecar(target.relative_to(root), sha256, media.stat().st_size, max_height, info)
    write_text(
        _sidecar_path(root, video_id), json.dumps(sidecar, ensure_ascii=False, indent=1, sort_keys=True)
    )
    media.replace(target)
    for other in (root / "raw").glob(f"{video_id}.*"):
        if other.name not in (target.name, f"{video_id}.info.json"):
            other.unlink()
    shutil.rmtree(partial)
    return _from_sidecar(sidecar)


def _sidecar(path: Path, sha256: str, size: int, max_height: int, info: Mapping[str, Any]) -> dict[str, Any]:
    date = str(info.get("upload_date") or "")
    return {
        "path": path.as_posix(),
        "sha256": sha256,
        "bytes": size,
        "max_height": max_height,
        "url": shown_url(info.get("webpage_url") or info.get("original_url") or ""),
        "uploader": info.get("channel") or info.get("uploader"),
        "published": f"{date[:4]}-{date[4:6]}-{date[6:]}" if re.fullmatch(r"\d{8}", date) else None,
        "licence": info.get("license"),
        "tool": TOOL,
        "info": {key: _plain(info[key]) for key in _KEPT if info.get(key) is not None},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, bool | int | float) else str(value)


def _sidecar_path(root: Path, video_id: str) -> Path:
    return root / "raw" / f"{video_id}.info.json"


def _present(video_id: str, max_height: int, root: Path, hashes: FileHashes) -> Download | None:
    """The file of an earlier run, if its bytes are those that arrived then, and it was asked for likewise."""
    try:
        sidecar = json.loads(_sidecar_path(root, video_id).read_text(encoding="utf-8"))
        found = _from_sidecar(sidecar)
        if sidecar["max_height"] != max_height or found.sha256 != hashes.sha256(root / found.path):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found


def _from_sidecar(sidecar: Mapping[str, Any]) -> Download:
    return Download(**{name: sidecar[name] for name in Download.__dataclass_fields__})
