"""Which videos a recipe takes, by the figures known of them (RealSync §3: at least 20 min and 720p)."""

from __future__ import annotations

from schemas.errors import Dropped
from schemas.sections import Admission

LIVE = ("is_live", "is_upcoming", "post_live")
"""What yt-dlp's `live_status` says of a video that has no final recording yet."""


def refusal(
    admission: Admission,
    *,
    duration_ms: int | None,
    height: int | None,
    licence: str | None,
    live_status: str | None = None,
    licence_is_final: bool = True,
) -> Dropped | None:
    """Why the recipe refuses a video, or None when it takes it or cannot tell yet.

    Args:
        duration_ms: None when not known yet: then it refuses nothing.
        height: px; None likewise.
        licence: as the site has it.
        live_status: yt-dlp's word for it.
        licence_is_final: a missing licence stays missing, hence is refused where the recipe names licences.
    """
    if live_status in LIVE:
        return Dropped("live", f"live status {live_status}")
    if duration_ms is not None and duration_ms < admission.min_duration:
        return Dropped("too_short", f"{duration_ms} ms, at least {admission.min_duration} ms wanted")
    if (
        duration_ms is not None
        and admission.max_duration is not None
        and duration_ms > admission.max_duration
    ):
        return Dropped("too_long", f"{duration_ms} ms, at most {admission.max_duration} ms wanted")
    if height is not None and height < admission.min_height:
        return Dropped("too_low", f"{height} px high, at least {admission.min_height} px wanted")
    return _licence_refusal(admission.licences, licence, licence_is_final)


def _licence_refusal(wanted: tuple[str, ...], licence: str | None, is_final: bool) -> Dropped | None:
    if not wanted or (licence is None and not is_final):
        return None
    if licence is not None and licence.strip().lower() in {name.strip().lower() for name in wanted}:
        return None
    return Dropped("licence", f"licence {licence!r}, one of {', '.join(map(repr, wanted))} wanted")
