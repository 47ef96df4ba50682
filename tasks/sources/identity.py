"""Ids, safe names and addresses: who a video is, and which part of a URL may be written down.

video_id("Youtube", "dQw4w9WgXcQ", url)   # youtube-dQw4w9WgXcQ
video_id("Generic", "clip", "http://host/a/clip.mp4")   # generic-<16 hex digits of the canonical URL>
"""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from yt_dlp.extractor import gen_extractor_classes
from yt_dlp.utils import unsmuggle_url

_SITE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ADDRESS = re.compile(r"""[a-z][a-z0-9+.-]*://[^\s"'<>]+""", re.IGNORECASE)
_SIGNATURE = re.compile(
    r"x-(?:amz|goog)-.*|awsaccesskeyid|googleaccessid|key-pair-id|policy|signature|sig|lsig|hmac|expires?"
    r"|hdnts|hdnea|hdntl|__gda__"
)
_AZURE_SIGNATURE = {"sv", "se", "sp", "sr", "st", "spr", "ske", "skoid", "sks", "skt", "sktid", "skv"}
_SHOWN_QUERY = {"v", "list", "id"}
_NO_SITE = {"generic", "html5mediaembed"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


def video_id(site: str | None, site_id: str | None, url: str) -> str:
    """The id of a video on a site: unique, stable, safe as a file name.

    Args:
        site: yt-dlp's extractor key, such as `Youtube`; None counts as `Generic`.
        site_id: the site's own id; the generic extractor's is only a file stem and is not used.
        url: the video's address, whose canonical form stands in for a missing or unsafe id.
    """
    site = re.sub(r"[^a-z0-9_]", "", (site or "generic").lower())
    if site in _NO_SITE:
        site, site_id = "generic", None
    if site_id and _SITE_ID.fullmatch(site_id):
        return f"{site}-{site_id}"
    return f"{site}-{hashlib.sha256(canonical_url(url).encode()).hexdigest()[:16]}"


def file_id(sha256: str) -> str:
    """The id of a local file: of its content, so that a renamed or copied file stays the same video."""
    return f"file-{sha256[:16]}"


def site_of(url: str) -> tuple[str, str | None]:
    """The extractor that yt-dlp would take for a URL, and the site's id if the URL tells; asks no network."""
    for extractor in _likely_extractors(urlsplit(url).netloc):
        if extractor.suitable(url):
            return extractor.ie_key(), extractor.get_temp_id(url)
    for extractor in gen_extractor_classes():
        if extractor.suitable(url):
            if extractor.ie_key() != "Generic":
                _likely_extractors(urlsplit(url).netloc).append(extractor)
            return extractor.ie_key(), extractor.get_temp_id(url)
    return "Generic", None


@functools.lru_cache(maxsize=256)
def _likely_extractors(host: str) -> list:
    """Extractors that took an earlier URL of this host: trying all 1,800 for each row takes minutes."""
    return []


def canonical_url(url: str) -> str:
    """A URL without what changes between visits: fragment, user, default port, and the query's signatures."""
    parts = urlsplit(unsmuggle_url(url)[0])
    host = (parts.hostname or "").lower()
    if parts.port not in (None, _DEFAULT_PORTS.get(parts.scheme)):
        host += f":{parts.port}"
    query = [(key, value, key.lower()) for key, value in parse_qsl(parts.query, True)]
    names = {name for *_, name in query}
    # Short names and `token` tell videos apart on some sites: they are a signature only in its company.
    signature = _AZURE_SIGNATURE if {"sig", "sv"} <= names else set()
    signature = signature | ({"token"} if names & {"expire", "expires"} else set())
    query = sorted((k, v) for k, v, name in query if name not in signature and not _SIGNATURE.fullmatch(name))
    return urlunsplit((parts.scheme.lower(), host, parts.path or "/", urlencode(query), ""))


def shown_url(url: str) -> str:
    """A URL as it may be published: no user, no fragment, and of the query only an id (`v`, `list`, `id`)."""
    parts = urlsplit(unsmuggle_url(url)[0])
    query = [
        (key, value)
        for key, value in parse_qsl(parts.query)
        if key in _SHOWN_QUERY and _SITE_ID.fullmatch(value)
    ]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, urlencode(query), ""))


def without_secrets(text: str) -> str:
    """A message in which every URL is as `shown_url` has it."""
    return _ADDRESS.sub(lambda match: _shown_or_cut(match.group()), text)


def _shown_or_cut(url: str) -> str:
    try:
        return shown_url(url)
    except ValueError:
        return url.split("?")[0].rpartition("@")[2]


def safe_name(text: str) -> str:
    """A name as recipes allow it: ASCII letters, digits, `.`, `_` and `-`, at most 64.

    A text with other letters, or too long, gets eight hex digits of its SHA-256: channels in other scripts
    must not become one. Punctuation alone does not tell two channels apart.
    """
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folded).strip("._-")
    if name and len(name) <= 64 and all(letter.isascii() for letter in text if letter.isalnum()):
        return name
    return f"{name[:48].strip('._-') or 'channel'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def host_of(url: str) -> str:
    """The host of a URL, without a leading `www.`."""
    return (urlsplit(url).hostname or "unknown").removeprefix("www.")
