"""Cutting a source in a process of its own: hostile input may crash it, hang it or fill it, and only it.

The child gets its request as a file beside the clips, and answers in lines of JSON: heartbeats while it works,
then one result. What it writes is trusted no further than that.
"""

from __future__ import annotations

import json
import pickle
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

from schemas.certificate import Certificate, FileFacts
from schemas.errors import ClapperError, Dropped, MediaError, ToolMissing
from schemas.sections import Media
from schemas.units import Milliseconds
from tasks.media.cut import Segment
from tasks.media.omissions import Omission
from tasks.media.onepass import Beat, Normalized, NormalizedClip, Tools, cut_source
from tasks.media.probe import MediaInfo
from tasks.media.process import WatchedProcess, own_module

MEMORY_BYTES = 4 * 2**30
"""Address space of the child on a machine that decodes on its processor; a 1080p source takes a tenth of it."""

_LONGEST_ANSWER_BYTES = 2**26
_LONGEST_START_S, _LEAST_BYTES_PER_S = 600, 25_000
_WHOLE_NUMBERS = ("bytes", "source_start_ms", "source_end_ms", "width", "height")
_BEAT_EVERY_S = 0.5
_READ_BYTES = 65536
_RAISED = {kind.__name__: kind for kind in (Dropped, MediaError, ToolMissing)}


def cut_apart(
    info: MediaInfo,
    segments: Sequence[Segment] | None,
    media: Media,
    folder: Path,
    tools: Tools,
    progress: Callable[[Milliseconds], None],
) -> Normalized:
    """`onepass.cut_source` in a child process.

    Raises:
        MediaError: the child crashed, stalled or wanted more than `MEMORY_BYTES`; and what `cut_source` raises.
    """
    request = folder / "request.pickle"
    request.write_bytes(pickle.dumps((info, segments, media, folder, tools)))
    argv, environment = own_module("tasks.media.isolation", str(request))
    environment["MALLOC_ARENA_MAX"] = "2"
    item = str(info.path)
    with WatchedProcess(argv, item, name="the decoder", environment=environment) as child:
        answer = _answer(child, progress, item, longest_s(info.path))
        child.finish()
    return _result(answer, folder, item)


def longest_s(source: Path) -> float:
    """For how many seconds a source may be decoded: by its bytes on disk, since headers may say anything."""
    return _LONGEST_START_S + source.stat().st_blocks * 512 / _LEAST_BYTES_PER_S


def _answer(
    child: WatchedProcess, progress: Callable[[Milliseconds], None], item: str, longest: float
) -> dict[str, Any]:
    """The last line that the child wrote; heartbeats before it are handed on."""
    answer: dict[str, Any] = {}
    rest, deadline = b"", time.monotonic() + longest
    while piece := child.read(_READ_BYTES):
        *lines, rest = (rest + piece).split(b"\n")
        if time.monotonic() > deadline:
            problem = f"takes longer than {longest:.0f} s, too long for its bytes"
            raise MediaError(item, problem, "leave this source out")
        if len(rest) > _LONGEST_ANSWER_BYTES:
            raise _nonsense(item)
        for line in lines:
            answer = _parsed(line, item)
            if answer.get("done_ms") is not None:
                progress(Milliseconds(answer["done_ms"]))
    return answer


def _parsed(line: bytes, item: str) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _nonsense(item) from error
    if not isinstance(answer, dict) or not isinstance(answer.get("done_ms"), int | None):
        raise _nonsense(item)
    return answer


def _result(answer: dict[str, Any], folder: Path, item: str) -> Normalized:
    if not answer.keys() & {"raised", "clips"}:
        raise MediaError(item, "the decoder ended without an answer", "report this file")
    try:
        if "clips" in answer:
            return _normalized(answer, folder)
        error = _RAISED[answer["raised"]](*map(str, answer["arguments"]))
    except (AttributeError, LookupError, TypeError, ValueError) as mistake:
        raise _nonsense(item) from mistake
    raise error


def _nonsense(item: str) -> MediaError:
    """Whoever has taken the child over may say anything."""
    return MediaError(item, "the decoder's answer cannot be read", "report this file")


def _normalized(answer: dict[str, Any], folder: Path) -> Normalized:
    clips, seen = [], set()
    for row in answer["clips"]:
        path = folder / Path(row["path"]).name
        if str(path) != row["path"] or path.suffix != ".mp4" or path.is_symlink() or not path.is_file():
            raise ValueError(f"{path.name} is no clip of the decoder's own")
        if path in seen or not all(type(row[name]) is int for name in _WHOLE_NUMBERS):
            raise ValueError(f"{path.name} is told wrongly")
        seen.add(path)
        certificate = {**row["certificate"], "facts": FileFacts(**row["certificate"]["facts"])}
        clips.append(NormalizedClip(**{**row, "path": path, "certificate": Certificate(**certificate)}))
    return Normalized(tuple(clips), tuple(Omission(**span) for span in answer["left_out"]))


def main(request: Path) -> None:
    """The child: do what the request says and print the answer."""
    info, segments, media, folder, tools = pickle.loads(request.read_bytes())
    if not (tools.card_decodes or tools.encoder != "libx264"):
        # A graphics card's driver maps far more than it uses.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        made = cut_source(info, segments, media, folder, tools, _beat())
        _say(
            {
                "clips": [asdict(clip) for clip in made.clips],
                "left_out": [asdict(span) for span in made.left_out],
            }
        )
    except Dropped as drop:
        _say({"raised": "Dropped", "arguments": [drop.reason, drop.detail]})
    except ClapperError as error:
        _say({"raised": type(error).__name__, "arguments": [error.item, error.problem, error.action]})
    except MemoryError:
        problem = f"needs more than {MEMORY_BYTES // 2**20} MiB of memory to decode"
        _say({"raised": "MediaError", "arguments": [str(info.path), problem, "leave this source out"]})
    except Exception as error:
        # The border of what hostile input can provoke: whatever it was, it is a reason and no crash.
        problem = f"cannot be decoded: {type(error).__name__}: {error}"
        _say({"raised": "MediaError", "arguments": [str(info.path), problem, "look at the file"]})


def _beat() -> Beat:
    """A heartbeat that both decoding threads may call; without news of the pictures as often as they like."""
    lock, last = Lock(), 0.0

    def beat(done_ms: Milliseconds | None) -> None:
        nonlocal last
        now = time.monotonic()
        with lock:
            if done_ms is None and now - last < _BEAT_EVERY_S:
                return
            last = now
            _say({"done_ms": done_ms})

    return beat


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message, default=str), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
