"""`clapper check-sync`: does a file keep the sync contract, by its own packets, frames and samples."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from schemas.errors import MediaError
from schemas.plain import plain
from tasks.media.check import SyncCheck, differences
from tasks.media.check_apart import check_apart
from tasks.media.events import EventOffsets

_NOTICE_SECONDS = 3.0

Certified = dict[Path, dict[str, Any]]


def files_to_check(given: Sequence[Path], certified: Certified | None) -> list[Path]:
    """Files as given and the .mp4 files of folders; without any, those that have certificates."""
    if not given and certified:
        return list(certified)
    return [file for path in given for file in (sorted(path.rglob("*.mp4")) if path.is_dir() else [path])]


def read_certificates(path: Path) -> Certified:
    """The facts of each clip, by its resolved path, of a file that `clapper normalize` has written.

    Raises:
        MediaError: it cannot be read, or a line is no certificate.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError(str(path), f"cannot be read: {error}", "name a certificates.jsonl") from error
    found: Certified = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            clip, facts = row["path"], dict(row["certificate"]["facts"])
            found[(path.parent / clip).resolve()] = facts
        except (ValueError, KeyError, TypeError) as error:
            problem = f"line {number} has no path with a certificate ({type(error).__name__}: {error})"
            raise MediaError(
                str(path), problem, "name the certificates.jsonl of clapper normalize"
            ) from error
    return found


def check_all(
    files: Sequence[Path], certified: Certified | None, against: str, screen: Console
) -> Iterator[SyncCheck]:
    """The checks in the order of the files, several at a time, each in a process of its own.

    Args:
        certified: when given, a file's facts must also be those of its certificate.
        against: what to call the certificates in a sentence.
        screen: told every few seconds how far it is.
    """
    tell = _notices(len(files), screen)
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        for done, (file, check) in enumerate([(file, pool.submit(check_apart, file)) for file in files]):
            tell(done, file)
            while True:
                try:
                    result = check.result(timeout=_NOTICE_SECONDS)
                    break
                except TimeoutError:
                    tell(done, file)
            yield result if certified is None else _compared(result, certified, against)
    finally:
        pool.shutdown(cancel_futures=True)


def _notices(total: int, screen: Console) -> Callable[[int, Path], None]:
    last = time.monotonic()

    def tell(done: int, file: Path) -> None:
        nonlocal last
        if time.monotonic() - last >= _NOTICE_SECONDS:
            last = time.monotonic()
            screen.print(f"{done} of {total} files checked; now {plain(file.name)}", soft_wrap=True)

    return tell


def _compared(check: SyncCheck, certified: Certified, against: str) -> SyncCheck:
    facts = certified.get(check.path.resolve())
    found = (f"it has no certificate in {against}",) if facts is None else differences(check, facts)
    return replace(check, problems=check.problems + found)


def as_json(check: SyncCheck) -> dict[str, Any]:
    """One object: `path`, `passed`, `problems`, `facts` and `events`, the last two null where there are none."""
    row = asdict(check)
    return {
        "path": str(check.path),
        "passed": check.passed,
        **{k: row[k] for k in ("problems", "facts", "events")},
    }


def show_check(console: Console, check: SyncCheck) -> None:
    """A verdict, its reasons, and the numbers behind it."""
    verdict = "[green]pass[/]" if check.passed else "[red]fail[/]"
    console.print(f"\n{verdict} [bold]{plain(check.path)}[/]", soft_wrap=True)
    for problem in check.problems:
        console.print(f"  [red]·[/] {plain(problem)}", soft_wrap=True, highlight=False)
    if check.facts:
        console.print(_numbers(check))
        facts = check.facts
        for name, value in (("file", f"SHA-256 {facts.sha256}"), ("made by", facts.encoder or "not told")):
            console.print(f"  {name:<8} {plain(value)}", soft_wrap=True, highlight=False)
        console.print(
            f"  decoded  frames {facts.frames_xxh3}, samples {facts.samples_xxh3}",
            soft_wrap=True,
            highlight=False,
        )
    if check.events:
        _show_events(console, check.events)


def _numbers(check: SyncCheck) -> Table:
    facts = check.facts
    table = Table("", "count", "first ms", "last ms")
    picture = (facts.picture_first_pts_ms, facts.picture_last_pts_ms)
    sound = (facts.sound_first_pts_ms, facts.sound_last_pts_ms)
    table.add_row("frames", str(facts.frames), *(f"{stamp:.2f}" for stamp in picture))
    table.add_row("samples", str(facts.samples), *(f"{stamp:.2f}" for stamp in sound))
    skews = (facts.start_skew_ms, facts.end_skew_ms)
    table.add_row("audio early by", "", *(f"{skew:+.2f}" for skew in skews))
    table.add_row("drift, ms an hour", f"{facts.drift_ms_per_hour:+.1f}", "", "")
    return table


def _show_events(console: Console, events: EventOffsets) -> None:
    counts = f"{events.flashes} flashes, {events.beeps} beeps, {len(events.pairs)} pairs"
    console.print(
        f"  events   {counts}: median [bold]{events.median_ms:+d} ms[/], farthest {events.largest_ms:+d} ms "
        "(positive: audio early; a flash is known to its frame only, a beep to the ms)",
        soft_wrap=True,
        highlight=False,
    )
    pairs = ", ".join(f"{pair.offset_ms:+d} at {pair.flash_ms / 1000:.2f} s" for pair in events.pairs)
    console.print(f"           {pairs}", soft_wrap=True, highlight=False)


def show_end(console: Console, checks: Sequence[SyncCheck]) -> None:
    """How many passed, when there is more than one."""
    if len(checks) > 1:
        passed = sum(check.passed for check in checks)
        console.print(f"\n{passed} of {len(checks)} files keep the sync contract")
