"""How published versions look in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.releases.between import Happened, in_a_line
from tasks.releases.contents import Contents, Numbers
from tasks.releases.folder import Release
from tasks.releases.verify import Finding
from tasks.workspace.stage import Row

HOUR_MS = 3_600_000
_CHANNELS_SHOWN = 20
_FINDINGS_SHOWN = 50


def show_list(console: Console, held: Sequence[Contents]) -> None:
    """A line for each version."""
    table = Table("dataset", "version", "published", "videos", "clips", "hours", "size", "what it changed")
    for each in held:
        table.add_row(
            escape(each.release.dataset), f"[bold]{each.release.version}[/]", each.published or "",
            f"{each.whole.videos:,}", f"{each.whole.clips:,}", _hours(each.whole.milliseconds),
            _size(each.whole.bytes + each.beside_bytes), _changed(each),
        )  # fmt: skip
    for column in table.columns[3:7]:
        column.justify = "right"
    table.columns[1].no_wrap = table.columns[2].no_wrap = True
    console.print(table)


def show_version(console: Console, held: Contents, fingerprint: str) -> None:
    """One version on one screen."""
    release = held.release
    console.print(
        f"[bold]{escape(release.dataset)} {release.version}[/] · published {held.published or 'on an unknown day'}"
    )
    console.print(f"changed: {_changed(held)}", soft_wrap=True)
    _show_numbers(console, "split", [*held.splits, held.whole])
    _show_numbers(console, "channel", held.channels[:_CHANNELS_SHOWN])
    if len(held.channels) > _CHANNELS_SHOWN:
        console.print(f"… and {len(held.channels) - _CHANNELS_SHOWN} more channels")
    console.print(f"leakage: {_leakage(held.leakage)}", soft_wrap=True)
    console.print(
        f"size: {_size(held.whole.bytes)} of clips, {_size(held.beside_bytes)} of tables and documents"
    )
    console.print(f"SHA-256 of SHA256SUMS: {fingerprint}", soft_wrap=True)
    console.print(f"load:  datasets.load_dataset({str(release.folder)!r})", soft_wrap=True, highlight=False)
    console.print(f"look:  {release.folder / 'report.html'}", soft_wrap=True, highlight=False)


def show_findings(console: Console, release: Release, findings: Sequence[Finding], quick: bool) -> None:
    """What is wrong with a version, or that nothing is."""
    name = f"{escape(release.dataset)} {release.version}"
    if not findings:
        how = (
            "clips have their sizes, tables and documents their checksums"
            if quick
            else "every file has its checksum"
        )
        console.print(f"[green]well[/] {name}: {how}, every row keeps its promise")
        return
    console.print(f"[red]harmed[/] {name}: {len(findings)} findings in {release.folder}", soft_wrap=True)
    for each in findings[:_FINDINGS_SHOWN]:
        words = each.what.replace("_", " ")
        console.print(
            f"  {words:<14} {escape(each.item)}: {escape(each.says)}", soft_wrap=True, highlight=False
        )
    if len(findings) > _FINDINGS_SHOWN:
        console.print(f"  … and {len(findings) - _FINDINGS_SHOWN} more; --json has them all")


def show_difference(
    console: Console, older: Release, newer: Release, found: Sequence[Happened], rows: Iterable[Row]
) -> None:
    """What differs between two versions, by reason; `rows`: also clip by clip."""
    console.print(f"[bold]{escape(older.dataset)}[/] from {older.version} to [bold]{newer.version}[/]")
    if not found:
        console.print("Nothing differs.")
        return
    table = Table("change", "clips", "hours", "relabelled", "reason", "for example")
    for each in found:
        numbers = (
            f"{each.clips:,}",
            _hours(each.milliseconds),
            f"{each.relabelled:,}" if each.relabelled else "",
        )
        table.add_row(each.change, *numbers, escape(each.reason or ""), escape(", ".join(each.examples)))
    for column in table.columns[1:4]:
        column.justify = "right"
    table.columns[4].overflow = table.columns[5].overflow = "fold"
    console.print(table)
    for row in rows:
        sides = " -> ".join(side for side in (row["split_before"], row["split_after"]) if side)
        about = " ".join(filter(None, (row["reason"], ", ".join(row["columns"]))))
        console.print(
            f"{row['change']:<10} {row['clip_id']} [{sides}] {about}",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )


def contents_json(held: Contents) -> dict[str, Any]:
    """A version in numbers, as `--json` gives it."""
    return {
        "dataset": held.release.dataset,
        "version": held.release.version,
        "published": held.published,
        **_numbers_json(held.whole),
        "beside_bytes": held.beside_bytes,
        "splits": {each.name: _numbers_json(each) for each in held.splits},
        "channels": {each.name: _numbers_json(each) for each in held.channels},
        "changes": [
            {"change": what, "clips": clips, "hours": ms / HOUR_MS} for what, clips, ms in held.changes
        ],
        "leakage_passed": held.leakage.get("passed"),
    }


def finding_json(finding: Finding) -> dict[str, str]:
    return asdict(finding)


def change_json(each: Happened) -> dict[str, Any]:
    return {
        "change": each.change,
        "reason": each.reason,
        "clips": each.clips,
        "hours": each.milliseconds / HOUR_MS,
        "relabelled": each.relabelled,
        "examples": list(each.examples),
    }


def _numbers_json(numbers: Numbers) -> dict[str, Any]:
    return {
        "videos": numbers.videos,
        "clips": numbers.clips,
        "hours": numbers.milliseconds / HOUR_MS,
        "talking_head_hours": numbers.talking_head_ms / HOUR_MS,
        "voice_over_hours": numbers.voice_over_ms / HOUR_MS,
        "bytes": numbers.bytes,
    }


def _show_numbers(console: Console, what: str, some: Sequence[Numbers]) -> None:
    heads = ("videos", "clips", "hours", "share", "talking-head hours", "voice-over hours")
    table = Table(what, *heads)
    total = max((each.milliseconds for each in some), default=0) if what == "split" else sum(
        each.milliseconds for each in some
    )  # fmt: skip
    for each in some:
        share = f"{each.milliseconds / total:.1%}" if total else ""
        hours = (_hours(ms) for ms in (each.talking_head_ms, each.voice_over_ms))
        table.add_row(
            escape(each.name or "none"),
            f"{each.videos:,}",
            f"{each.clips:,}",
            _hours(each.milliseconds),
            share,
            *hours,
        )
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)


def _changed(held: Contents) -> str:
    return in_a_line(held.changes) or "the first version"


def _leakage(leakage: dict[str, Any]) -> str:
    """The certificate in a line: `8 checks passed, 1 was not done (near_duplicates)`."""
    if not leakage:
        return "there is no certificate"
    done = [check for check in leakage["checks"] if check["done"]]
    left = [check["name"] for check in leakage["checks"] if not check["done"]]
    passed = sum(check["across"] == 0 for check in done)
    more = f"; not done: {', '.join(left)}" if left else ""
    return f"{passed} of {len(done)} checks passed{more}"


def _hours(milliseconds: int | None) -> str:
    return f"{(milliseconds or 0) / HOUR_MS:,.2f}"


def _size(count: int | None) -> str:
    value = float(count or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
