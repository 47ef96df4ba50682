"""What the commands that keep versions true show: takedowns and what survives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from schemas.plain import plain
from schemas.sections import SPLITS

if TYPE_CHECKING:
    from flows.availability import Checked, Survival, Version
    from flows.takedown import Plan
    from tasks.releases.common import Group

TAKEN_DOWN = "taken_down"
HOUR_MS = 3_600_000
MOST_LOST = 20
"""Videos that are gone are named up to so many; all of them with --json."""


def show_plan(out: Console, plan: Plan) -> None:
    """What a takedown concerns: the videos, what is like them, the versions that hold them."""
    for video, row in plan.videos.items():
        named = f" “{plain(row['title'])}”, channel {plain(row['channel'])}" if row else ""
        out.print(f"[bold]{plain(video)}[/]{named}", highlight=False)
        out.print(f"  {_in_workspace(plan, video)}", highlight=False)
    for video, kind in plan.alike.items():
        alike = {"both": "picture and sound are"}.get(kind, f"its {kind} is")
        out.print(
            f"[yellow]Stays:[/] {plain(video)}, though {alike} like those of one of them: the next version may have "
            "it in its place. With --with-copies it goes as well; later, copies will not be known any more.",
            soft_wrap=True,
        )
    if plan.published:
        out.print(_published(plan))
    else:
        out.print("No published version holds them.")


def _in_workspace(plan: Plan, video: str) -> str:
    clips = sum(1 for clip in plan.held.clip_sha256 if clip.rsplit("_", 2)[0] == video)
    words = [f"{clips} {'clip' if clips == 1 else 'clips'} in the workspace"]
    if video in plan.copies:
        words.append("picture and sound are like those of one that you named")
    if video in plan.same_file:
        words.append("its source has the same bytes as one that you named")
    if video in plan.before:
        words.append(f"taken down on {plan.before[video]}; what is left of it goes now")
    return "; ".join(words)


def _published(plan: Plan) -> Table:
    table = Table(
        "version",
        "video",
        "clips",
        "hours",
        "its files there",
        title="Published versions that hold them",
        title_justify="left",
    )
    for each in plan.published:
        paths = f"{PurePosixPath(each.paths[0]).parent}/" if each.paths else "none beside the tables"
        name = f"{each.dataset} {each.version}"
        table.add_row(name, each.video_id, str(each.clips), f"{each.milliseconds / HOUR_MS:.3f}", paths)
    return table


def show_done(out: Console, plan: Plan, left: Sequence[str]) -> None:
    """What a takedown did, what the next versions will be, and what to do with those that are published."""
    for sentence in left:
        out.print(f"[red]Left:[/] {plain(sentence)}", soft_wrap=True)
    them = "it" if len(plan.videos) == 1 else "them"
    out.print(f"Taken down: {', '.join(map(plain, plan.videos))}. No run takes {them} again.", soft_wrap=True)
    for dataset, version in plan.next_versions.items():
        out.print(f"The next `clapper run {dataset}` publishes {version}, without {them}.", soft_wrap=True)
    for dataset, version in plan.emptied.items():
        out.print(
            f"[yellow]Nothing is left to publish[/] of what {dataset} {version} holds: unless the workspace has "
            f"other clips, no version without {them} follows. Withdraw by hand the versions that hold {them}.",
            soft_wrap=True,
        )
    if plan.published:
        out.print(
            "Published versions never change. To withdraw one, remove its folder here, delete by hand what was "
            "pushed of it (its tag and files on a hub, its prefix in a store), and tell those who have it:",
            soft_wrap=True,
        )
        for folder in dict.fromkeys(each.folder for each in plan.published):
            out.print(f"  {folder}", soft_wrap=True, highlight=False)


def plan_json(plan: Plan) -> dict[str, Any]:
    """The same, JSON-able."""
    return {
        "videos": list(plan.videos),
        "same_file": list(plan.same_file),
        "copies": list(plan.copies),
        "alike": dict(plan.alike),
        "published": [
            {
                "dataset": each.dataset,
                "version": each.version,
                "video_id": each.video_id,
                "clips": each.clips,
                "hours": each.milliseconds / HOUR_MS,
                "paths": list(each.paths),
            }
            for each in plan.published
        ],
        "next_versions": dict(plan.next_versions),
        "emptied": dict(plan.emptied),
    }


def show_availability(out: Console, checked: Checked) -> None:
    """What survives of each version, by split and channel, and what is gone."""
    for version in checked.versions:
        out.print(_survivals(checked.dataset, version))
        for lost in version.lost[:MOST_LOST]:
            word = "on" if lost.reason == TAKEN_DOWN else "found so first on"
            since = f", {word} {lost.since[:10]}" if lost.since else ""
            clips = "1 clip" if lost.clips == 1 else f"{lost.clips} clips"
            told = f"{plain(lost.video_id)} ({plain(lost.channel)}, {clips})"
            out.print(
                f"  [red]gone[/] {told}: {plain(lost.reason.replace('_', ' '))}{since}",
                highlight=False,
                soft_wrap=True,
            )
        if len(version.lost) > MOST_LOST:
            out.print(f"  and {len(version.lost) - MOST_LOST} more that are gone; --json names all")
    rest = f"; {checked.due} are still to be asked: repeat this" if checked.due else ""
    out.print(f"{checked.asked} sources asked now{rest}. Answers hold for a day; no version was changed.")


_WORDS = {
    "common": "in both: the same file, the same side",
    "not_available": "likewise, and its source is gone or unknown",
    "other_data": "in both, with another file",
    "other_split": "in both, on another side",
    "only_first": "in the first alone",
    "only_second": "in the second alone",
}


def show_common(out: Console, title: str, groups: Sequence[Group], written: Path | None) -> None:
    """How much two versions have in common, and what keeps the rest out."""
    table = Table("clips that are", "split", "videos", "clips", "hours", title=title, title_justify="left")
    for column in table.columns[2:]:
        column.justify = "right"
    for what, words in _WORDS.items():
        some = [group for group in groups if group.what == what]
        for group in sorted(some, key=lambda group: SPLITS.index(group.split)):
            hours = f"{group.milliseconds / HOUR_MS:.2f}"
            table.add_row(words, group.split, str(group.videos), str(group.clips), hours)
        if some:
            table.add_section()
    out.print(table)
    if written:
        out.print(f"The ids of the first kind are in {written}.", soft_wrap=True)


def _survivals(dataset: str, version: Version) -> Table:
    title = f"{dataset} {version.version}: what survives at its sources"
    table = Table("", "videos", "clips", "hours", "videos gone", "unknown", title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for rows in ([version.total], version.splits, version.channels):
        for survival in rows:
            table.add_row(*_cells(survival))
        table.add_section()
    return table


def _cells(survival: Survival) -> list[str]:
    there, gone, unknown = (asdict(part) for part in (survival.there, survival.gone, survival.unknown))
    shares = [_share(there[name], gone[name], per) for name, per in _MEASURES]
    return [plain(survival.name), *shares, str(gone["videos"]), str(unknown["videos"])]


_MEASURES = (("videos", 1), ("clips", 1), ("milliseconds", HOUR_MS))


def _share(there: int, gone: int, per: int) -> str:
    """What survives of what is known, as `12 of 16 (75.0 %)`."""
    if not there + gone:
        return "–"
    known = there + gone
    numbers = f"{there} of {known}" if per == 1 else f"{there / per:.2f} of {known / per:.2f}"
    return f"{numbers} ({there / known:.1%})"
