"""From an account to report.html: numbers, then moments, then excerpts, then the page."""

from __future__ import annotations

from pathlib import Path

from tasks.releases.account import Account
from tasks.releases.report.choice import sheets_of
from tasks.releases.report.page import html_of
from tasks.releases.report.previews import Progress, cut_previews
from tasks.releases.report.records import Tables
from tasks.releases.report.tables import report_tables
from tasks.sounds.statistics import draw_top_events
from tasks.workspace.query import open_database

EVENTS_FIGURE = "figures/audio_events.svg"
"""RealSync's figure 1, by its path in the version."""


def write(account: Account, progress: Progress, tables: Tables | None) -> Path:
    """See `tasks.releases.report.write_report`."""
    files, scratch = account.files(), account.folder.parent
    tables = tables or report_tables(files, scratch, account.recipe.targets)
    with open_database(scratch, clips=files) as database:
        sheets = sheets_of(database, tables)
    moments = [moment for sheet in sheets for moment in sheet.moments]
    previews = cut_previews(list(dict.fromkeys(moments)), account.folder, files, progress)
    (account.folder / EVENTS_FIGURE).parent.mkdir(exist_ok=True)
    draw_top_events(tables.events, account.folder / EVENTS_FIGURE)
    path = account.folder / "report.html"
    path.write_text(html_of(account, tables, sheets, previews), encoding="utf-8")
    return path
