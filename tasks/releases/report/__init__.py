"""The report of a version: one HTML page with its tables, plots and previews, which opens offline.

    write_report(account)                                # report.html and figures/audio_events.svg
    without_previews(page, lambda licence: licence == "CC0-1.0")

Plots are matplotlib's SVG, in the page's own colours: a page with twenty of them has less than a megabyte, and runs
nothing. What draws and decodes is imported when a report is written, not before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.releases.report.passing_on import without_previews

if TYPE_CHECKING:
    from tasks.releases.account import Account
    from tasks.releases.report.records import Tables

__all__ = ["without_previews", "write_report"]


def write_report(
    account: Account,
    progress: Callable[[int, int], None] = lambda *_: None,
    tables: Tables | None = None,
) -> Path:
    """Write report.html, and RealSync's figure 1 as a file of its own, into the folder of a version in the making.

    The same account gives the same bytes.

    Args:
        progress: told how many of how many previews are cut.
        tables: the account's numbers, if they were counted already.

    Raises:
        MediaError: a clip of the version cannot be decoded.
    """
    from tasks.releases.report.write import write

    return write(account, progress, tables)
