"""What a failure of yt-dlp means: not to be had, not wanted, or worth another try."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import GeoRestrictedError, UnsupportedError

from schemas.errors import Dropped, SourceError, Unavailable, WorkspaceError
from tasks.sources.identity import without_secrets

_LATER = "later"
_RULES: tuple[tuple[str, str], ...] = (
    # Sites refuse a whole machine in words that sound like a refusal of the video: these come first.
    (_LATER, r"rate.?limit|try again later|too many requests|not a bot|captcha|temporarily unavailable"),
    (
        _LATER,
        r"ip address is blocked|unusual traffic|http error 5\d\d|timed out|connection (?:reset|refused)",
    ),
    (
        _LATER,
        r"premieres? in|will begin in|is scheduled for|not yet available|offline\. ?will|is being processed",
    ),
    ("live", r"live(?:stream)? (?:stream|event) is (?:live|in progress)|only available live"),
    ("drm", r"\bdrm\b"),
    ("age_gated", r"confirm your age|age.?restrict|age.?gate|age.?verif|inappropriate for some users"),
    ("age_gated", r"sensitive content setting"),
    ("geo_blocked", r"(?:in|from) your (?:country|location|region)|geo.?(?:restrict|block)|\bvpn\b"),
    ("members_only", r"members?.only|channel's members|join this channel|supporter.only|premium members"),
    ("members_only", r"subscribers? only|only (?:available )?(?:to|for) subscribers"),
    ("paid", r"requires? payment|need to purchase|rent(?:al)? (?:or|to)|purchase"),
    ("removed", r"has been removed|removed by|account .{0,60}(?:terminated|closed|suspended)|copyright"),
    ("removed", r"no longer (?:available|exists?)|isn.t available any ?more|has been deleted|was deleted"),
    (
        "private",
        r"(?:this|is a|:) ?(?:video|playlist) is private|private (?:video|playlist)|video is private",
    ),
    ("login_required", r"registered users|log(?:ged)?.?in|sign in|password"),
    ("not_found", r"does(?: not|n.t) exist|not found|incomplete youtube id|looks truncated"),
    (
        "removed",
        r"video (?:is )?(?:unavailable|not available)|this video (?:is|isn.t|is not) (?:un)?available",
    ),
)
_COMPILED = tuple((reason, re.compile(pattern, re.IGNORECASE)) for reason, pattern in _RULES)
_REASON_OF_STATUS = {401: "login_required", 404: "not_found", 410: "not_found", 451: "geo_blocked"}
_HINT = re.compile(
    r"\.? ?(?:use --|also see|see {2}|you might want to use|please report|confirm you are on).*", re.I | re.S
)


def meaning_of(error: BaseException, item: str) -> Unavailable | Dropped | SourceError | WorkspaceError:
    """The Clapper error for a failure of yt-dlp.

    Args:
        error: what yt-dlp raised; the errors inside it are looked at too.
        item: the id (or the shown URL) that the error shall name.

    Returns:
        Unavailable with reason removed, private, geo_blocked, age_gated, members_only, paid,
        login_required, not_found, unsupported or drm; Dropped("live"); WorkspaceError when the disk is full;
        else SourceError, hence another try in a later run: rate limits, network, and what is not understood.
    """
    chain = list(_inside(error))
    text = _message(error)
    full = next(
        (e for e in chain if isinstance(e, OSError) and e.errno in (errno.ENOSPC, errno.EDQUOT)), None
    )
    if full is not None or "No space left on device" in str(error):
        return WorkspaceError(item, f"the disk is full: {text}", "free some space, then run again")
    http = next((e for e in chain if isinstance(e, HTTPError)), None)
    if http is not None and http.status in _REASON_OF_STATUS:
        return Unavailable(_REASON_OF_STATUS[http.status], text)
    if http is not None:
        return SourceError(item, text, _advice(http))
    if any(isinstance(e, GeoRestrictedError) for e in chain):
        return Unavailable("geo_blocked", text)
    if any(isinstance(e, UnsupportedError) for e in chain):
        return Unavailable("unsupported", text)
    reason = next((reason for reason, pattern in _COMPILED if pattern.search(text)), _LATER)
    if reason == _LATER:
        return SourceError(item, text, "another try follows in a later run")
    return Dropped("live", text) if reason == "live" else Unavailable(reason, text)


def _inside(error: BaseException | None, depth: int = 0) -> Iterator[BaseException]:
    """An error and those it was made from: yt-dlp keeps them in `exc_info` and `cause` too."""
    if not isinstance(error, BaseException) or depth > 8:
        return
    yield error
    exc_info = getattr(error, "exc_info", None)
    for inner in (exc_info[1] if exc_info else None, getattr(error, "cause", None), error.__cause__):
        if inner is not error:
            yield from _inside(inner, depth + 1)


def _message(error: BaseException) -> str:
    """yt-dlp's message without its prefix, its hints on its own options, and the secrets in URLs."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).removeprefix("ERROR: ").strip()
    text = without_secrets(_HINT.sub("", text))
    return " ".join(text.split())[:500]


def _advice(http: HTTPError) -> str:
    wait = http.response.headers.get("Retry-After") if http.response is not None else None
    if http.status in (429, 503) and wait:
        return f"the site asks to wait {wait} s; raise download.pause in the recipe"
    if http.status == 429:
        return "raise download.pause in the recipe; another try follows in a later run"
    if http.status == 403:
        return "the site refuses; set download.cookies, or update yt-dlp; another try follows in a later run"
    return "another try follows in a later run"
