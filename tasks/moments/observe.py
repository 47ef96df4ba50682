"""One pass over a source in a process of its own: its sound on disk, what moves, where shots cut, where both exist.

observed = observe(source, folder, threshold=27.0)
observed.samples, observed.seen.times

The child answers with one line of JSON, and files beside it; what it writes is trusted no further than that.
"""

from __future__ import annotations

import json
import pickle
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schemas.errors import ClapperError, Dropped, MediaError, ToolMissing
from schemas.units import SAMPLE_RATE, Milliseconds
from tasks.media.cut import common_start
from tasks.media.isolation import MEMORY_BYTES, longest_s
from tasks.media.normalize import admitted
from tasks.media.onepass import audible, bounds_of
from tasks.media.pictures import PictureTrack, decode_pictures
from tasks.media.probe import MediaInfo
from tasks.media.process import WatchedProcess, own_module
from tasks.media.sound import Sound, decode_sound, sound_bounds_ms
from tasks.moments.pictures import Seen, look_at

_REQUEST, _SOUND, _SEEN = "request.pickle", "sound.s16", "seen.npy"
_BEAT_EVERY_S = 0.5
_READ_BYTES, _LONGEST_ANSWER_BYTES = 65536, 2**24
_RAISED = {kind.__name__: kind for kind in (Dropped, MediaError, ToolMissing)}
_MISTAKES = (AttributeError, LookupError, OSError, OverflowError, RecursionError, TypeError, ValueError)

_LARGEST_SEEN_BYTES = 2**28
"""Of what is told of pictures: of more than a hundred hours."""

_OUTSIDE_SOUND_MS = 1000
"""Where both streams exist may differ from where the sound does by part of a picture; by this it never does."""


@dataclass(frozen=True)
class Observed:
    """A source as it was seen and heard, on its presentation clock.

    Attributes:
        start_ms, end_ms: where picture and sound both exist; a clip may begin at `start_ms`.
        samples: int16 (n,), mono at 16 kHz, mapped from a file in the folder that `observe` was given.
        first_sample: position of the first one, in samples from the clock's zero.
    """

    start_ms: Milliseconds
    end_ms: Milliseconds
    samples: np.ndarray
    first_sample: int
    seen: Seen


def observe(source: Path, folder: Path, threshold: float) -> Observed:
    """Decode a source once, in a process of its own.

    Memory does not grow with the sound, and by 12 bytes per picture. Disk: 32 kB per second, in `folder`, which
    must be empty and outlive the result.

    Args:
        threshold: what makes a cut; see `pictures.look_at`.

    Raises:
        Dropped: `empty_file`, `no_audio`, `no_video`, `silent`, `corrupt`.
        MediaError: no media file, or the decoder failed, stalled, wanted too much memory or talked nonsense.
        ToolMissing: ffprobe is not installed.
    """
    info = admitted(source)
    request = folder / _REQUEST
    request.write_bytes(pickle.dumps((info, threshold)))
    argv, environment = own_module("tasks.moments.observe", str(request))
    environment["MALLOC_ARENA_MAX"] = "2"
    with WatchedProcess(argv, str(source), name="the decoder", environment=environment) as child:
        said = _said(child, str(source), longest_s(source))
        child.finish()
    return _observed(said, folder, str(source))


def _said(child: WatchedProcess, item: str, longest: float) -> bytes:
    """The last line that the child wrote; those before it are heartbeats."""
    last, deadline = b"", time.monotonic() + longest
    while piece := child.read(_READ_BYTES):
        last = (last + piece).lstrip(b"\n")
        if time.monotonic() > deadline:
            problem = f"takes longer than {longest:.0f} s, too long for its bytes"
            raise MediaError(item, problem, "leave this source out")
        if len(last) > _LONGEST_ANSWER_BYTES:
            raise _nonsense(item)
    return last


def _observed(said: bytes, folder: Path, item: str) -> Observed:
    if not said:
        raise MediaError(item, "the decoder ended without an answer", "report this file")
    try:
        answer = json.loads(said)
        if "raised" in answer:
            error: Exception = _RAISED[answer["raised"]](*map(str, answer["arguments"]))
        else:
            return _checked(answer, folder)
    except _MISTAKES as mistake:
        raise _nonsense(item) from mistake
    raise error


def _checked(answer: dict[str, Any], folder: Path) -> Observed:
    start_ms, end_ms, first_sample = (_whole(answer[name]) for name in ("start_ms", "end_ms", "first_sample"))
    samples = np.memmap(_plain_file(folder / _SOUND), np.int16, "r")
    sound_ms = [(first_sample + edge) * 1000 // SAMPLE_RATE for edge in (0, len(samples))]
    sounds = sound_ms[0] - _OUTSIDE_SOUND_MS <= start_ms and end_ms <= sound_ms[1] + _OUTSIDE_SOUND_MS
    if not (start_ms == end_ms or (start_ms < end_ms and sounds)):
        raise ValueError(f"{start_ms} to {end_ms} ms are not where the sound is")
    seen = _seen(_plain_file(folder / _SEEN), answer["cuts"])
    return Observed(Milliseconds(start_ms), Milliseconds(end_ms), samples, first_sample, seen)


def _whole(number: object) -> int:
    if type(number) is not int:
        raise TypeError(f"{number!r} is no whole number")
    return number


def _plain_file(path: Path) -> Path:
    """A pipe would keep us waiting, and a link leads elsewhere."""
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"{path.name} is no file of the decoder's own")
    return path


def _seen(path: Path, told: Sequence[Sequence[float]]) -> Seen:
    if path.stat().st_size > _LARGEST_SEEN_BYTES:
        raise ValueError(f"{path.name} is too large")
    # Mapped: what its head says of its size is held against the file.
    times, moved = np.load(path, mmap_mode="r", allow_pickle=False).astype(np.float64)
    cuts = tuple((float(end), float(start)) for end, start in told)
    edges = np.array(cuts).ravel()
    if not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
        raise ValueError("times of pictures are no times")
    if not ((moved >= 0) & (moved <= 1)).all():
        raise ValueError("what moved is no share")
    if not (np.isfinite(edges).all() and (np.diff(edges) >= 0).all()):
        raise ValueError("times of cuts are no times")
    return Seen(times, moved.astype(np.float32), cuts)


def _nonsense(item: str) -> MediaError:
    """Whoever has taken the child over may say anything."""
    return MediaError(item, "the decoder's answer cannot be read", "report this file")


def look_and_listen(
    info: MediaInfo, folder: Path, threshold: float, beat: Callable[[], None]
) -> dict[str, Any]:
    """What the child does: the sound first, which tells where pictures begin to count, then the pictures."""
    with (folder / _SOUND).open("w+b") as spool:
        sound = audible(info, decode_sound(info, spool, beat))
        track = PictureTrack(decode_pictures(info), sound_bounds_ms(sound)[0], lambda milliseconds: beat())
        seen = look_at(track, threshold)
        np.save(folder / _SEEN, np.stack([seen.times, seen.moved.astype(np.float64)]), allow_pickle=False)
        return {**_common_span(info, track, sound), "first_sample": sound.first, "cuts": seen.cuts}


def _common_span(info: MediaInfo, track: PictureTrack, sound: Sound) -> dict[str, int]:
    """Where both streams exist, as `normalize` will find it."""
    leading = track.leading
    start_ms = common_start(leading.time, leading.until, sound_bounds_ms(sound)[0])
    return {"start_ms": start_ms, "end_ms": max(start_ms, bounds_of(info, track, sound).end_ms)}


def main(request: Path) -> None:
    """The child: do what the request says and print the answer."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    info, threshold = pickle.loads(request.read_bytes())
    try:
        answer = look_and_listen(info, request.parent, threshold, _beat())
    except Dropped as drop:
        answer = {"raised": "Dropped", "arguments": [drop.reason, drop.detail]}
    except ClapperError as error:
        answer = {"raised": type(error).__name__, "arguments": [error.item, error.problem, error.action]}
    except MemoryError:
        problem = f"needs more than {MEMORY_BYTES // 2**20} MiB of memory to decode"
        answer = {"raised": "MediaError", "arguments": [str(info.path), problem, "leave this source out"]}
    except Exception as error:
        # The border of what hostile input can provoke: whatever it was, it is a reason and no crash.
        problem = f"cannot be decoded: {type(error).__name__}: {error}"
        answer = {"raised": "MediaError", "arguments": [str(info.path), problem, "look at the file"]}
    print(json.dumps(answer, default=str), end="", flush=True)


def _beat() -> Callable[[], None]:
    """An empty line now and then, for whoever watches."""
    last = 0.0

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last >= _BEAT_EVERY_S:
            last = time.monotonic()
            print(flush=True)

    return beat


if __name__ == "__main__":
    main(Path(sys.argv[1]))
