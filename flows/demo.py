"""The demo: a synthetic broadcast with known truth, served on loopback and curated through everything."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from flows.run import Request, run
from schemas.tables import LABEL_NAMES
from schemas.units import FRAME_RATE
from tasks.releases import latest_release
from tasks.scenes import Source, Truth, broadcast, render, serve, truth, write_feed
from tasks.workspace.layout import appearing, open_workspace
from tasks.workspace.stage import Row

PORT = 47653
"""The site's port stays the same, since a video without an id of its own is known by its address."""

SETTINGS = {
    "admission.min_duration": "20 s",
    "admission.min_height": "240 px",
    "media.clip_length": "15 s",
    "faces.every": 6,
    "limits.shard": "2 min",
    "download.rate_limit": None,
    "download.pause": "0 s",
    "splits.train": 0.5,
    "splits.dev": 0.25,
    "splits.test": 0.25,
}
"""RealSync's recipe, at the size of the demo."""


def run_demo(workspace: Path, screen: Console, out: Console) -> int:
    """Render, serve, curate, compare; returns the exit status."""
    root = open_workspace(workspace)
    site = root / "site"
    site.mkdir(exist_ok=True)
    sources = broadcast(seed=0)
    _render_all(sources, site, screen)
    with serve(site, PORT) as base_url:
        feeds = write_feed(sources, site, base_url)
        arguments = tuple(f"{channel}={url}" for channel, url in feeds.items())
        request = Request("realsync", str(root), "embedded", arguments, settings=SETTINGS)
        well, _ = run(request, screen, out)
    release = latest_release(root, "realsync")
    if release is None:
        out.print("[red]No release came of it.[/]")
        return 1
    truths = {source.file_name: truth(source) for source in sources}
    _show_comparison(out, truths, release.rows())
    out.print("\nOpen next:")
    for name in ("report.html", "README.md", "data/train"):
        out.print(f"  {release.folder / name}", soft_wrap=True)
    out.print(f"  clapper status realsync --workspace {root} --profile embedded", soft_wrap=True)
    return 0 if well else 1


def _render_all(sources: Sequence[Source], site: Path, screen: Console) -> None:
    columns = (
        TextColumn("rendering {task.description:<24}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen) as progress:
        bar = progress.add_task("the broadcast", total=sum(source.duration_ms for source in sources))
        for source in sources:
            plan = site / f"{source.name}.json"
            text = json.dumps(truth(source).to_json(), indent=1)
            progress.update(bar, description=source.file_name)
            if not (plan.exists() and plan.read_text() == text and (site / source.file_name).exists()):
                render(source, site)
                with appearing(plan) as unfinished:
                    unfinished.write_text(text)
            progress.advance(bar, source.duration_ms)


def _show_comparison(out: Console, truths: Mapping[str, Truth], rows: Sequence[Row]) -> None:
    """What was found against what is true: labels per 25 fps frame, and audio events by their names."""
    table = Table(
        "source", *(f"{label} s\nfound / true" for label in LABEL_NAMES), "frames that agree", title="Labels"
    )
    total: Counter[tuple[str, str]] = Counter()
    for name, true in truths.items():
        frames = labelled_frames(
            true, [row for row in rows if (row["source_url"] or "").endswith(f"/{name}")]
        )
        total += frames
        table.add_row(name, *_found_and_true(frames), f"{agreement(frames):.1%}")
    table.add_section()
    table.add_row("all", *_found_and_true(total), f"{agreement(total):.1%}")
    out.print(table)
    _show_events(out, truths, rows)


def labelled_frames(true: Truth, rows: Iterable[Row]) -> Counter[tuple[str, str]]:
    """Released frames, counted by (found label, true label)."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for label in row["labels"]:
            for frame_ms in range(label["start_ms"], label["end_ms"], 1000 // FRAME_RATE):
                at_ms = row["source_start_ms"] + frame_ms
                known = next((i.names[0] for i in true.labels if i.start_ms <= at_ms < i.end_ms), "other")
                counts[label["label"], known] += 1
    return counts


def _found_and_true(frames: Mapping[tuple[str, str], int]) -> list[str]:
    def seconds(side: int, label: str) -> float:
        return sum(count for pair, count in frames.items() if pair[side] == label) / FRAME_RATE

    return [f"{seconds(0, label):.1f} / {seconds(1, label):.1f}" for label in LABEL_NAMES]


def agreement(frames: Mapping[tuple[str, str], int]) -> float:
    """The share of frames whose label is the true one."""
    agreeing = sum(count for (found, known), count in frames.items() if found == known)
    return agreeing / max(1, sum(frames.values()))


def _show_events(out: Console, truths: Mapping[str, Truth], rows: Sequence[Row]) -> None:
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for row in rows:
        true = next(
            (known for name, known in truths.items() if (row["source_url"] or "").endswith(f"/{name}")), None
        )
        for event in row["audio_events"] if true else ():
            length = event["end_ms"] - event["start_ms"]
            start, end = (row["source_start_ms"] + event[side] for side in ("start_ms", "end_ms"))
            overlapping = [i for i in (*true.sounds, *true.speech) if i.start_ms < end and start < i.end_ms]
            found[event["name"]] += length
            if any(event["name"] in interval.names for interval in overlapping):
                right[event["name"]] += length
    table = Table(
        "audio event", "seconds found", "of which right", title="Audio events (the embedded tagger names few)"
    )
    for name, milliseconds in found.most_common():
        table.add_row(name, f"{milliseconds / 1000:.1f}", f"{right[name] / milliseconds:.0%}")
    out.print(table)
