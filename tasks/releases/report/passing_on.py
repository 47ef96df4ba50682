"""A report as it may leave the machine: without excerpts of clips that may not be passed on."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

NOT_PASSED_ON = "not passed on: the source's licence does not allow it"

_PREVIEW = re.compile(r'<video class="preview"(?: data-licence="([^"]*)")?[^>]*></video>')
"""As page.html writes it; whatever comes from outside is escaped there, so no attribute holds a quote or a `>`."""


def without_previews(page: str, may_stay: Callable[[str | None], bool]) -> str:
    """The page with its excerpts, and their posters, only where the source's licence allows it.

    Args:
        page: report.html of a version.
        may_stay: whether clips under a licence, as the source states it (None: it states none), may be passed on.
    """

    def kept(match: re.Match) -> str:
        licence = unescape(match[1]) if match[1] is not None else None
        return match[0] if may_stay(licence) else f'<span class="preview none">{NOT_PASSED_ON}</span>'

    return _PREVIEW.sub(kept, page)
