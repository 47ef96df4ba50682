"""yt-dlp's own messages, as its extractors raise them, and what they mean."""

from __future__ import annotations

import errno
import io
import sys

import pytest
from yt_dlp.networking import Response
from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError, UnsupportedError

from schemas.errors import Dropped, SourceError, Unavailable, WorkspaceError
from tasks.sources.failures import meaning_of

HINT = (
    ". Use --cookies-from-browser or --cookies for the authentication. See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ"
    "#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies. Also see  https://github.com/yt-dlp/yt-dlp"
    "/wiki/Extractors#exporting-youtube-cookies  for tips on effectively exporting YouTube cookies"
)


def as_download_error(error: Exception) -> DownloadError:
    try:
        raise error
    except Exception:
        return DownloadError(f"ERROR: {error}", sys.exc_info())


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Private video. Sign in if you've been granted access to this video" + HINT, "private"),
        ("This video is private", "private"),
        ("This is a private playlist. You need to login as its owner", "private"),
        ("Video unavailable. This video has been removed by the uploader", "removed"),
        ("This video has been removed for violating YouTube's policy on hate speech.", "removed"),
        ("Video unavailable. This video is no longer available because the YouTube account associated with this video"
         " has been terminated.", "removed"),
        ("Video unavailable. This video is no longer available due to a copyright claim by Someone", "removed"),
        ("Video unavailable", "removed"),
        ("This video isn't available anymore", "removed"),
        ("The uploader has not made this video available in your country", "geo_blocked"),
        ("Video unavailable. This video contains content from SME, who has blocked it in your country on copyright"
         " grounds", "geo_blocked"),
        ("This video is not available from your location due to geo restriction", "geo_blocked"),
        ("Sign in to confirm your age. This video may be inappropriate for some users" + HINT, "age_gated"),
        ("Login is required to access age-restricted content" + HINT, "age_gated"),
        ("Join this channel to get access to members-only content like this video, and other exclusive perks.",
         "members_only"),
        ("This video is available to this channel's members on level: Fan (or any higher level).", "members_only"),
        ("This video is only available to Music Premium members", "members_only"),
        ("This video requires payment to watch", "paid"),
        ("This video is only available for registered users" + HINT, "login_required"),
        ("The playlist does not exist.", "not_found"),
        ("Incomplete YouTube ID abc. URL https://www.youtube.com/watch?v=abc looks truncated.", "not_found"),
        ("This video is DRM protected", "drm"),
    ],
)  # fmt: skip
def test_what_is_not_to_be_had(message: str, reason: str) -> None:
    error = as_download_error(ExtractorError(message, expected=True, video_id="x", ie="Youtube"))
    meaning = meaning_of(error, "youtube-x")
    assert isinstance(meaning, Unavailable)
    assert meaning.reason == reason
    assert "--cookies" not in meaning.detail


@pytest.mark.parametrize(
    "message",
    [
        "Sign in to confirm you're not a bot. This helps protect our community. Learn more" + HINT,
        "Video unavailable. This content isn't available, try again later. The current session has been rate-limited"
        " by YouTube for up to an hour.",
        "Premieres in 3 hours",
        "This live event will begin in 2 days.",
        "Requested format is not available. Use --list-formats for a list of available formats",
        "Unable to extract initial state; please report this issue on  https://github.com/yt-dlp/yt-dlp/issues?q= ,"
        " filling out the appropriate issue template. Confirm you are on the latest version using  yt-dlp -U",
        "Failed to extract any player response",
        "Read timed out.",
    ],
)
def test_what_deserves_another_try(message: str) -> None:
    meaning = meaning_of(as_download_error(ExtractorError(message, video_id="x", ie="Youtube")), "youtube-x")
    assert isinstance(meaning, SourceError)
    assert meaning.item == "youtube-x"
    assert meaning.action


def http_error(status: int, **headers: str) -> DownloadError:
    headers = {key.replace("_", "-"): value for key, value in headers.items()}
    error = HTTPError(Response(io.BytesIO(b""), "https://h.org/a?sig=geheim", headers, status))
    return as_download_error(
        ExtractorError("Unable to download webpage: " + str(error), cause=error, expected=True)
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, "not_found"), (410, "not_found"), (451, "geo_blocked"), (401, "login_required")],
)
def test_http_refusals_of_the_video(status: int, reason: str) -> None:
    meaning = meaning_of(http_error(status), "x")
    assert isinstance(meaning, Unavailable)
    assert meaning.reason == reason


@pytest.mark.parametrize("status", [403, 429, 500, 502, 503])
def test_http_refusals_of_the_machine(status: int) -> None:
    assert isinstance(meaning_of(http_error(status), "x"), SourceError)


def test_the_wait_a_site_asks_for_is_told() -> None:
    assert "120 s" in str(meaning_of(http_error(429, Retry_After="120"), "x"))


def test_errors_that_speak_by_their_type() -> None:
    geo = GeoRestrictedError("Dieses Video geht hier nicht", countries=["DE"])
    assert meaning_of(as_download_error(geo), "x").reason == "geo_blocked"
    assert (
        meaning_of(as_download_error(UnsupportedError("https://h.org/p?key=geheim")), "x").reason
        == "unsupported"
    )
    network = TransportError("Failed to establish a new connection: [Errno 111] Connection refused")
    assert isinstance(meaning_of(as_download_error(network), "x"), SourceError)
    full = DownloadError("ERROR: unable to write data: [Errno 28] No space left on device")
    assert isinstance(meaning_of(full, "x"), WorkspaceError)
    assert isinstance(meaning_of(OSError(errno.ENOSPC, "full"), "x"), WorkspaceError)


def test_a_running_stream_is_dropped() -> None:
    meaning = meaning_of(as_download_error(ExtractorError("This live stream is live", expected=True)), "x")
    assert isinstance(meaning, Dropped)
    assert meaning.reason == "live"


def test_no_signature_in_any_message() -> None:
    error = DownloadError("ERROR: unable to fetch https://u:pw@h.org/a.mp4?sig=geheim&Expires=3: broken")
    meaning = meaning_of(error, "x")
    assert "geheim" not in str(meaning)
    assert "pw" not in str(meaning)
