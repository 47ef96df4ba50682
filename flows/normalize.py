"""`clapper normalize`: files to certified clips in a folder, without a workspace."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import xxhash
from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from schemas.errors import ClapperError, Dropped, MediaError, RecipeError, SystemicError
from schemas.plain import plain
from schemas.sections import Media
from schemas.units import Milliseconds
from tasks.media import Normalized, NormalizedClip, normalize, probe

CERTIFICATES = "certificates.jsonl"

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_FINGERPRINT_BYTES = 2**20
_LONGEST_STEM = 48


@dataclass(frozen=True)
class Result:
    """What became of one source.

    Attributes:
        made: clips and omissions; None when the source as a whole gave nothing.
        reason: a stable word then, `unreadable` for a file that cannot be read or decoded.
        detail: the numbers behind it.
        span_ms: start and end of the source on its clock, as far as they are known.
    """

    source: Path
    made: Normalized | None
    reason: str | None = None
    detail: str = ""
    span_ms: tuple[int | None, int | None] = (None, None)


def media_settings(
    segment_seconds: float | None, short_side: int | None, settings: Mapping[str, str]
) -> Media:
    """The clips' form, from the command's options.

    Args:
        settings: any field of a recipe's `media` section by name, as text with its unit.

    Raises:
        RecipeError: a field that does not exist or a value that is not allowed.
    """
    chosen: dict[str, Any] = {"min_clip_length": "1 s", **settings}
    if segment_seconds is not None:
        chosen["clip_length"] = f"{round(segment_seconds * 1000)} ms"
    if short_side is not None:
        chosen["short_side"] = f"{short_side} px"
    try:
        return Media.model_validate(chosen)
    except ValidationError as error:
        mistakes = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        fields = ", ".join(Media.model_fields)
        raise RecipeError("normalize", "; ".join(mistakes), f"fields: {fields}") from error


def normalize_all(sources: Sequence[Path], out_dir: Path, media: Media, screen: Console) -> Iterator[Result]:
    """Normalise one source after the other into `out_dir`, with a progress bar; certificates are kept beside.

    A source that cannot be normalised is a result like any other.

    Raises:
        SystemicError: what concerns the machine, such as a missing ffprobe.
    """
    with _progress(sources, screen) as tell:
        for source in sources:
            result = _normalized(source, out_dir, media, lambda done, source=source: tell(source, done))
            if result.made and result.made.clips:
                _keep_certificates(result, out_dir)
            tell(source, None)
            yield result


def as_json(result: Result) -> dict[str, Any]:
    """One object: `source`, `clips` with their certificates, and `dropped` spans with their reasons."""
    if result.made is None:
        start_ms, end_ms = result.span_ms
        whole = {"source_start_ms": start_ms, "source_end_ms": end_ms, "reason": result.reason}
        return {"source": str(result.source), "clips": [], "dropped": [{**whole, "detail": result.detail}]}
    return {
        "source": str(result.source),
        "clips": [_clip(clip) for clip in result.made.clips],
        "dropped": [
            {
                "source_start_ms": span.start_ms,
                "source_end_ms": span.end_ms,
                "reason": span.reason,
                "detail": span.detail,
            }
            for span in result.made.left_out
        ],
    }


def show_result(console: Console, result: Result) -> None:
    """A table of the clips and one of what was left out."""
    console.print(f"\n[bold]{plain(result.source)}[/]", soft_wrap=True)
    if result.made is None:
        console.print(f"[yellow]{result.reason}[/] {plain(result.detail)}", soft_wrap=True)
        return
    table = Table(
        "clip",
        "from s",
        "to s",
        "frames",
        "repeated",
        "not shown",
        "silence ms",
        "picture ≤ ms",
        "sound ≤ ms",
    )
    for clip in result.made.clips:
        certificate = clip.certificate
        times = (f"{time / 1000:.3f}" for time in (clip.source_start_ms, clip.source_end_ms))
        counts = (clip.frames, certificate.repeated_frames, certificate.dropped_pictures)
        skews = (certificate.inserted_silence_ms, certificate.picture_skew_ms, certificate.sound_skew_ms)
        table.add_row(clip.path.name, *times, *map(str, counts), *(f"{skew:.1f}" for skew in skews))
    console.print(table)
    for span in result.made.left_out:
        times = f"{span.start_ms / 1000:.3f}–{span.end_ms / 1000:.3f} s"
        console.print(f"[yellow]left out[/] {times} {span.reason}: {plain(span.detail)}", soft_wrap=True)


def show_end(console: Console, results: Sequence[Result], out_dir: Path) -> None:
    """What was done, what was not, and what to do next."""
    clips = [clip for result in results if result.made for clip in result.made.clips]
    without = [result for result in results if not (result.made and result.made.clips)]
    minutes = sum(clip.duration_ms for clip in clips) / 60_000
    console.print(f"\n{len(clips)} clips, {minutes:.1f} min, from {len(results)} sources in {plain(out_dir)}")
    if without:
        reasons = ", ".join(sorted({result.reason or "no clip" for result in without}))
        console.print(f"[yellow]{len(without)} sources gave no clip:[/] {reasons}")
    if clips:
        certificates = plain(out_dir / CERTIFICATES)
        console.print(f"[bold]next[/] clapper check-sync --against {certificates} {plain(clips[0].path)} …")


def _normalized(
    source: Path, out_dir: Path, media: Media, progress: Callable[[Milliseconds], None]
) -> Result:
    try:
        folder = out_dir / _folder_name(source)
        made = normalize(source, None, media, folder, lambda start, end: f"{start}_{end}.mp4", progress)
        return Result(source, made)
    except Dropped as drop:
        return Result(source, None, drop.reason, drop.detail, _span(source))
    except SystemicError:
        raise
    except ClapperError as error:
        detail = f"{error.problem}; {error.action}" if error.action else error.problem
        return Result(source, None, "unreadable", detail, _span(source))


def _folder_name(source: Path) -> str:
    """A name of our own for a source's clips: readable, safe, and another one for another content."""
    if not source.is_file():
        raise MediaError(str(source), "is no file", "check the path")
    try:
        with source.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            digest = xxhash.xxh3_64(str(size).encode())
            for position in (0, max(0, size - _FINGERPRINT_BYTES)):
                file.seek(position)
                digest.update(file.read(_FINGERPRINT_BYTES))
    except OSError as error:
        raise MediaError(str(source), f"cannot be read: {error.strerror}", "check the path") from error
    stem = _UNSAFE.sub("_", source.stem).strip("_-")[:_LONGEST_STEM]
    return f"{stem or 'source'}-{digest.hexdigest()[:8]}"


def _span(source: Path) -> tuple[int | None, int | None]:
    """Start and end of a source in ms on its clock, as its headers have them."""
    try:
        info = probe(source)
    except ClapperError:
        return None, None
    end = info.end_time
    return round(info.start_time * 1000), None if end is None else round(end * 1000)


def _clip(clip: NormalizedClip) -> dict[str, Any]:
    return {
        "path": str(clip.path),
        "source_start_ms": clip.source_start_ms,
        "source_end_ms": clip.source_end_ms,
        "frames": clip.frames,
        "samples": clip.samples,
        "certificate": asdict(clip.certificate),
    }


def _keep_certificates(result: Result, out_dir: Path) -> None:
    """Put the certificates into the folder's list; those of clips that were made again replace the old ones."""
    target = out_dir / CERTIFICATES
    lines: dict[str, str] = {}
    if target.exists():
        lines = {json.loads(line)["path"]: line for line in target.read_text("utf-8").split("\n") if line}
    for clip in result.made.clips:
        path = clip.path.relative_to(out_dir).as_posix()
        row = {"path": path, "source": str(result.source), "certificate": asdict(clip.certificate)}
        lines[path] = json.dumps(row)
    beside = target.with_suffix(".new")
    beside.write_text("".join(f"{line}\n" for line in lines.values()), "utf-8")
    beside.replace(target)


@contextmanager
def _progress(sources: Sequence[Path], screen: Console) -> Iterator[Callable[[Path, int | None], None]]:
    """A bar over the length of all sources; told how far one is in ms, or None when it has ended."""
    starts = {source: _span(source) for source in sources}
    lengths = {source: (end or 0) - (start or 0) for source, (start, end) in starts.items()}
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=screen, disable=not screen.is_terminal) as bar:
        task = bar.add_task("normalising", total=max(1, sum(lengths.values())))
        before = 0

        def tell(source: Path, done_ms: int | None) -> None:
            nonlocal before
            done = (
                lengths[source]
                if done_ms is None
                else min(lengths[source], done_ms - (starts[source][0] or 0))
            )
            bar.update(task, completed=before + max(0, done), description=plain(source.name[:40]))
            if done_ms is None:
                before += lengths[source]
                if not screen.is_terminal:
                    screen.print(f"{plain(source.name)}: at its end", soft_wrap=True)

        yield tell
