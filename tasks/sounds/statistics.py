"""What is heard how often: the most frequent audio events, as rows and as a picture (RealSync, figure 1).

matplotlib is imported when a picture is drawn, not before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.sounds.audioset import ontology, roots_of
from tasks.workspace.stage import Row

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


def top_events(event_rows: Iterable[Row], count: int = 50) -> list[EventCount]:
    """The classes with most events, most first; equals by seconds, then by name.

    Args:
        event_rows: rows of the stage `events`, in any order. Memory grows with the pairs of clip and class.
        count: how many classes to return at most.
    """
    clips: dict[str, set[str]] = {}
    events: Counter[str] = Counter()
    milliseconds: Counter[str] = Counter()
    for row in event_rows:
        clips.setdefault(row["id"], set()).add(row["clip_id"])
        events[row["id"]] += 1
        milliseconds[row["id"]] += row["end_ms"] - row["start_ms"]
    counts = [
        EventCount(one, ontology()[one].name, len(clips[one]), events[one], milliseconds[one] / 1000)
        for one in events
    ]
    return sorted(counts, key=lambda one: (-one.events, -one.seconds, one.name))[:count]


def draw_top_events(rows: Sequence[EventCount], path: Path) -> None:
    """Draw how often each class is heard, as horizontal bars in the colour of its (nearest) root of AudioSet.

    The same rows give the same bytes with the same matplotlib.

    Args:
        rows: as `top_events` returns them, most first; may be none.
        path: the picture to write; `.svg` or `.png`. Its folder must exist.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    roots = [roots_of(one.id)[0] for one in rows]
    most = max((one.events for one in rows), default=1)
    # matplotlib's own font, as outlines: the picture looks alike on machines with other fonts.
    style = {"svg.hashsalt": "clapper", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 9}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(9, 1.6 + 0.21 * max(len(rows), 5)), layout="constrained")
        axes = figure.add_subplot()
        places = range(len(rows))
        axes.barh(
            places, [one.events for one in rows], color=[ROOT_COLOURS[root] for root in roots], height=0.75
        )
        for place, one in zip(places, rows, strict=True):
            axes.text(one.events + most * 0.008, place, f"{one.events:,}", va="center", fontsize=8)
        axes.set_yticks(places, [one.name for one in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, most * 1.1)
        axes.set_xlabel("audio events")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_title(_title(rows), loc="left", fontsize=11)
        axes.grid(axis="x", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        keys = [Patch(color=colour, label=root) for root, colour in ROOT_COLOURS.items() if root in roots]
        if keys:
            # Below the bars, so that it covers none however long they are.
            figure.legend(handles=keys, loc="outside lower center", ncols=min(len(keys), 4), frameon=False)
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)


def _title(rows: Sequence[EventCount]) -> str:
    if not rows:
        return "No audio events"
    events, hours = sum(one.events for one in rows), sum(one.seconds for one in rows) / 3600
    heard = "class" if len(rows) == 1 else "classes"
    return f"Audio events: the {len(rows)} most frequent {heard} (n = {events:,} events, {hours:,.1f} h)"
