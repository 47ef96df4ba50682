"""From a source to its normalised clips: one decode, exact clocks, a reason for all that is left out.

    made = normalize(Path("match.mkv"), None, recipe.media, folder, name=lambda start, end: f"{start}_{end}.mp4")
    made.clips[0].path, made.clips[0].source_start_ms, made.clips[0].certificate

An event at source time t is in a clip at t − clip start: sound within 2 ms, picture within 20 ms.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from schemas.errors import Dropped, MediaError
from schemas.sections import Media
from schemas.units import Milliseconds
from tasks.media.cut import Segment
from tasks.media.hardware import decoding_device, encoder_name
from tasks.media.isolation import cut_apart
from tasks.media.onepass import Normalized, NormalizedClip, Tools
from tasks.media.probe import MediaInfo, probe

_UNFINISHED = ".unfinished-"


def normalize(
    source: Path,
    segments: Sequence[Segment] | None,
    media: Media,
    out_dir: Path,
    name: Callable[[int, int], str],
    progress: Callable[[Milliseconds], None] | None = None,
) -> Normalized:
    """Decode a source once, in a process of its own, and write its clips into `out_dir`.

    No clip appears under its final name before all of them are made and the decoded length has been checked.
    Memory does not grow with the source, and never passes `isolation.MEMORY_BYTES`; a source on which nothing
    moves for `process.STALL_SECONDS` is given up. Disk: 32 kB per second of source, beside the clips, while it
    runs.

    Args:
        source: a media file.
        segments: spans on the source's presentation clock, in any order, overlapping or not; None cuts the whole
            source into clips of `media.clip_length`.
        name: start and end of a clip in source ms to its file name.
        progress: called every second of source with the time in ms up to which pictures are done.

    Raises:
        Dropped: `empty_file`, `no_audio`, `no_video`, `silent`, `too_short`, `corrupt`.
        MediaError: no media file, or the decoder failed, stalled or wanted too much memory.
        ToolMissing: ffprobe is not installed, or a device that the recipe demands is not there.
    """
    out_dir = Path(out_dir)
    info = admitted(Path(source))
    with _unfinished(out_dir) as folder:
        tell = progress or (lambda milliseconds: None)
        tools = Tools(_card_decodes(info, media), encoder_name(media.encoder))
        try:
            made = cut_apart(info, segments, media, folder, tools, tell)
        except (Dropped, MediaError):
            if not tools.card_decodes or media.decoder != "auto":
                raise
            # What the card cannot decode, or not just as the processor would, the processor decodes.
            made = cut_apart(info, segments, media, folder, replace(tools, card_decodes=False), tell)
        return replace(made, clips=_published(made.clips, out_dir, name))


def _card_decodes(info: MediaInfo, media: Media) -> bool:
    return decoding_device(media.decoder, info.video.codec, info.video.pix_fmt) is not None


def admitted(source: Path) -> MediaInfo:
    """What a file holds, if it has both pictures and sound.

    Raises:
        Dropped: `empty_file`, `no_audio`, `no_video`; and what `probe` raises.
    """
    if source.is_file() and source.stat().st_size == 0:
        raise Dropped("empty_file", "0 bytes")
    info = probe(source)
    if info.video is None:
        raise Dropped("no_video", f"{info.container} without a video stream")
    if info.audio is None:
        raise Dropped("no_audio", f"{info.container} without an audio stream")
    return info


def _published(
    clips: Sequence[NormalizedClip], out_dir: Path, name: Callable[[int, int], str]
) -> tuple[NormalizedClip, ...]:
    """Give finished files their names, and make the names reach the disk."""
    final = [out_dir / name(clip.source_start_ms, clip.source_end_ms) for clip in clips]
    published = tuple(
        replace(clip, path=clip.path.replace(path)) for clip, path in zip(clips, final, strict=True)
    )
    folder = os.open(out_dir, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return published


@contextmanager
def _unfinished(out_dir: Path) -> Iterator[Path]:
    """A folder beside the final files, empty at first and gone afterwards; so is `out_dir` if nothing is in it.

    What a killed run has left is removed. The folder's name is new each time: a decoder that has outlived its
    run finds its own folder gone, and cannot write into this one.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    for left in out_dir.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=out_dir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if not any(out_dir.iterdir()):
            out_dir.rmdir()
