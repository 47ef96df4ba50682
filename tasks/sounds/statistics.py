"""What is heard how often: the most frequent audio events, as rows and as a picture (RealSync, figure 1).

matplotlib is imported when a picture is drawn, not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.sounds.audioset import ontology, roots_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from matplotlib.figure import Figure

ROOT_COLOURS = {
    "Human sounds": "#0072b2",
    "Animal": "#d55e00",
    "Music": "#cc79a7",
    "Natural sounds": "#009e73",
    "Sounds of things": "#e69f00",
    "Source-ambiguous sounds": "#56b4e9",
    "Channel, environment and background": "#7f7f7f",
}
"""Colours that people with the common colour blindnesses can tell apart (Okabe and Ito)."""


@dataclass(frozen=True)
class EventCount:
    """How often one class is heard.

    Attributes:
        id, name: of AudioSet.
        clips: in how many clips.
        events: how many times; see `tasks.sounds.events` for what is one event.
        seconds: for how long in all.
    """

    id: str
    name: str
    clips: int
    events: int
    seconds: float


def top_events(database: DuckDBPyConnection, count: int = 50) -> list[EventCount]:
    """The classes with most events, most first; equals by seconds, then by name.

    Args:
        database: with a view `clips` whose `audio_events` are as in the manifest; of any number of clips.
        count: how many classes to return at most.
    """
    found = database.execute(
        """
        WITH heard AS (
            SELECT event.id AS id, count(*) AS events, sum(event.end_ms - event.start_ms) AS milliseconds
            FROM (SELECT unnest(audio_events) AS event FROM clips) GROUP BY ALL
        ), spread AS (
            SELECT id, count(*) AS clips FROM (
                SELECT unnest(list_distinct(list_transform(audio_events, lambda event: event.id))) AS id FROM clips
            ) GROUP BY ALL
        )
        SELECT id, clips, events, milliseconds FROM heard JOIN spread USING (id) ORDER BY id
        """
    ).fetchall()
    counts = [
        EventCount(one, ontology()[one].name, clips, events, milliseconds / 1000)
        for one, clips, events, milliseconds in found
    ]
    return sorted(counts, key=lambda one: (-one.events, -one.seconds, one.name))[:count]


def draw_top_events(rows: Sequence[EventCount], path: Path) -> None:
    """Write `events_figure` as a file that looks alike on machines with other fonts.

    The same rows give the same bytes with the same matplotlib.

    Args:
        rows: as `top_events` returns them, most first; may be none.
        path: the picture to write; `.svg` or `.png`. Its folder must exist.
    """
    import matplotlib

    # matplotlib's own font, as outlines.
    style = {"svg.hashsalt": "clapper", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 9}
    with matplotlib.rc_context(style):
        figure = events_figure(rows)
        figure.axes[0].set_title(_title(rows), loc="left", fontsize=11)
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)


def events_figure(rows: Sequence[EventCount], width: float = 9, grid: str = "#dddddd") -> Figure:
    """How often each class is heard, as horizontal bars in the colour of its (nearest) root of AudioSet.

    Args:
        rows: most first; may be none.
        width: inches.
        grid: colour of the lines behind the bars.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    roots = [roots_of(one.id)[0] for one in rows]
    most = max((one.events for one in rows), default=1)
    figure = Figure(figsize=(width, 1.6 + 0.21 * max(len(rows), 5)), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(rows))
    axes.barh(places, [one.events for one in rows], color=[ROOT_COLOURS[root] for root in roots], height=0.75)
    for place, one in zip(places, rows, strict=True):
        axes.text(one.events + most * 0.008, place, f"{one.events:,}", va="center", fontsize=8)
    axes.set_yticks(places, [one.name for one in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, most * 1.1)
    axes.set_xlabel("audio events")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="x", color=grid, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    keys = [Patch(color=colour, label=root) for root, colour in ROOT_COLOURS.items() if root in roots]
    if keys:
        # Below the bars, so that it covers none however long they are.
        figure.legend(handles=keys, loc="outside lower center", ncols=min(len(keys), 3), frameon=False)
    return figure


def _title(rows: Sequence[EventCount]) -> str:
    if not rows:
        return "No audio events"
    events, hours = sum(one.events for one in rows), sum(one.seconds for one in rows) / 3600
    heard = "class" if len(rows) == 1 else "classes"
    return f"Audio events: the {len(rows)} most frequent {heard} (n = {events:,} events, {hours:,.1f} h)"
