"""yt-dlp as Clapper uses it: silent, without plugins, configuration or files outside the workspace."""

from __future__ import annotations

import io
import logging
import random
from pathlib import Path
from typing import Any

import yt_dlp

from schemas.errors import RecipeError
from schemas.sections import Download
from tasks.sources.identity import without_secrets

TOOL = f"yt-dlp {yt_dlp.version.__version__}"

_LOG = logging.getLogger(__name__)

# Code that happens to lie in the home folder or on the import path has no place in a reproducible download.
yt_dlp.globals.plugin_dirs.value = []


class _Silence:
    """What yt-dlp says goes to Python's log, never to the terminal, and without signed URLs."""

    def debug(self, message: str) -> None:
        _LOG.debug("%s", without_secrets(message))

    def warning(self, message: str) -> None:
        _LOG.info("%s", without_secrets(message))

    # Each error is raised as well, and reported by whoever catches it.
    error = debug


def read_cookies(download: Download) -> str | None:
    """The text of the cookies file that a recipe names.

    Raises:
        RecipeError: it cannot be read.
    """
    if download.cookies is None:
        return None
    try:
        return Path(download.cookies).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            "download.cookies", f"{download.cookies} cannot be read: {error}", "name a cookies.txt"
        ) from error


def open_site(root: Path, download: Download, **more: Any) -> yt_dlp.YoutubeDL:
    """yt-dlp with the recipe's manners; a context manager.

    Args:
        root: the workspace; yt-dlp keeps what it remembers in `listings/yt-dlp` there.
        more: further parameters of `YoutubeDL`, which come before ours.
    """
    cookies = read_cookies(download)
    parameters = {
        "logger": _Silence(),
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "color": "never",
        "consoletitle": False,
        "cachedir": str(root / "listings" / "yt-dlp"),
        # A stream, not the file's name: yt-dlp writes its cookies back, and the file is not ours to change.
        "cookiefile": io.StringIO(cookies) if cookies is not None else None,
        "socket_timeout": download.timeout / 1000,
        "retries": download.retries,
        "extractor_retries": download.retries,
        "fragment_retries": download.retries,
        "file_access_retries": 3,
        "skip_unavailable_fragments": False,
        "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor", "file_access"), backoff_s),
        "ratelimit": download.rate_limit * 1024 if download.rate_limit else None,
        "sleep_interval_requests": download.pause / 1000,
        "sleep_interval": download.pause / 1000,
        "js_runtimes": {"deno": {}, "node": {}, "bun": {}, "quickjs": {}},
    }
    return yt_dlp.YoutubeDL({**parameters, **more})


def backoff_s(n: int) -> float:
    """Seconds to wait before try n + 1: 1, 2, 4 … 60 s, less up to half by chance: workers spread out."""
    return min(60.0, 2.0**n) * random.uniform(0.5, 1.0)
