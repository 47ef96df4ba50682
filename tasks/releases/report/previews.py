"""Short excerpts of clips that play on the page itself: H.264 and AAC as data, small, and in time within a frame.

The same clip gives the same bytes. Sound and picture are cut at the same frame of 40 ms and 640 samples, so an
excerpt is as well synchronised as its clip.
"""

from __future__ import annotations

import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from math import ceil, log2
from pathlib import Path

import av
import cv2
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from av.video.reformatter import Interpolation, VideoReformatter

from schemas.errors import MediaError
from schemas.sections import Media
from schemas.units import FRAME_MS, FRAME_RATE, SAMPLES_PER_FRAME
from tasks.media import read_waveform
from tasks.media.encode import ClipEncoder
from tasks.releases.report.choice import Moment

HEIGHT = 192
"""px."""

MOST_BYTES = 60_000
_POSTER_QUALITY = 72
_BEST, _WORST = 27, 51
"""Rate factors of x264; six more make about half the bytes."""

_FORM = Media(preset="fast", audio_bit_rate="32 kbit/s")
_SCALING = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
_FAULTS = (av.error.FFmpegError, OSError)

Progress = Callable[[int, int], None]
"""Told how many of how many excerpts are cut."""


@dataclass(frozen=True)
class Preview:
    """An excerpt as the page holds it.

    Attributes:
        video, poster: data: URIs, MP4 and JPEG.
        width, height: px.
    """

    video: str
    poster: str
    width: int
    height: int


def cut_previews(
    moments: Sequence[Moment], folder: Path, files: Sequence[Path], progress: Progress = lambda *_: None
) -> dict[Moment, Preview]:
    """The excerpts of all moments whose clips the version holds, as files or in its tables; of the others none.

    Args:
        folder: of the version.
        files: of its manifest.

    Raises:
        MediaError: a clip is there and cannot be decoded.
    """
    with tempfile.TemporaryDirectory(prefix=".tmp-previews-", dir=folder.parent) as work:
        clips = dict(_clips(moments, folder, files, Path(work)))
        found: dict[Moment, Preview] = {}
        for number, moment in enumerate(moments):
            if moment.clip_id in clips:
                progress(number, len(moments))
                found[moment] = cut_preview(clips[moment.clip_id], *moment.shown_ms, Path(work))
        progress(len(moments), len(moments))
    return found


def cut_preview(clip: Path, start_ms: int, end_ms: int, work: Path) -> Preview:
    """One excerpt.

    Args:
        start_ms, end_ms: whole frames of 40 ms; `end_ms` exclusive.
        work: a folder for the file in the making.
    """
    first, end = start_ms // FRAME_MS, end_ms // FRAME_MS
    pictures = list(_pictures(clip, first, end))
    if len(pictures) != end - first:
        problem = f"has {len(pictures)} of the frames {first} to {end}"
        raise MediaError(str(clip), problem, "run clapper check-sync on the clip")
    samples = read_waveform(clip)[first * SAMPLES_PER_FRAME : end * SAMPLES_PER_FRAME]
    sound = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
    written = _encoded(pictures, sound, work / "excerpt.mp4")
    middle = pictures[len(pictures) // 2]
    return Preview(
        _data("video/mp4", written), _data("image/jpeg", _poster(middle)), middle.width, middle.height
    )


def _clips(
    moments: Sequence[Moment], folder: Path, files: Sequence[Path], work: Path
) -> Iterator[tuple[str, Path]]:
    """Where the clips are: in the version's folder, or taken out of its tables."""
    wanted = {moment.clip_id: moment.path for moment in moments}
    for clip, path in wanted.items():
        if path and (folder / path).is_file():
            yield clip, folder / path
    for file in files:
        yield from _from_table(file, wanted, work)


def _from_table(file: Path, wanted: Mapping[str, str | None], work: Path) -> Iterator[tuple[str, Path]]:
    """Those clips that a table holds as bytes; only groups of rows with one of them are read."""
    with pq.ParquetFile(file) as table:
        if "video" not in table.schema_arrow.names:
            return
        for group in range(table.num_row_groups):
            ids = table.read_row_group(group, columns=["clip_id"])["clip_id"]
            places = [place for place, one in enumerate(ids.to_pylist()) if one in wanted]
            if places:
                videos = table.read_row_group(group, columns=["video"])["video"]
                for place in places:
                    held = pc.struct_field(videos.slice(place, 1).combine_chunks(), "bytes")[0].as_py()
                    clip = work / f"{ids[place].as_py()}.mp4"
                    clip.write_bytes(held or b"")
                    yield ids[place].as_py(), clip


def _pictures(clip: Path, first: int, end: int) -> Iterator[av.VideoFrame]:
    """Frames of a clip as they will be shown, from the key frame before the first one on."""
    try:
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            container.seek(round(first / FRAME_RATE / stream.time_base), stream=stream)
            size = _size(stream.width, stream.height)
            scaler = VideoReformatter()
            with closing(container.decode(stream)) as frames:
                for frame in frames:
                    number = round(frame.time * FRAME_RATE)
                    if number >= end:
                        return
                    if number >= first:
                        yield scaler.reformat(frame, *size, format="yuv420p", interpolation=_SCALING)
    except (*_FAULTS, IndexError) as error:
        problem = f"cannot be decoded from frame {first} on: {error}"
        raise MediaError(str(clip), problem, "let the run make the clip again") from error


def _size(width: int, height: int) -> tuple[int, int]:
    """Even numbers, the picture's shape kept, no larger than the clip."""
    shown = min(HEIGHT, height - height % 2)
    return max(2, 2 * round(width * shown / height / 2)), shown


def _encoded(pictures: Sequence[av.VideoFrame], sound: np.ndarray, path: Path) -> bytes:
    """The best that is small enough; if none is, the smallest."""
    quality = _BEST
    while True:
        form = _FORM.model_copy(update={"crf": quality})
        encoder = ClipEncoder(path, (pictures[0].width, pictures[0].height), form)
        for picture in pictures:
            encoder.add(picture)
        encoder.finish(sound)
        written = path.read_bytes()
        if len(written) <= MOST_BYTES or quality == _WORST:
            path.unlink()
            return written
        quality = min(_WORST, quality + max(2, ceil(6 * log2(len(written) / MOST_BYTES))))


def _poster(picture: av.VideoFrame) -> bytes:
    image = picture.to_ndarray(format="bgr24")
    done, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _POSTER_QUALITY])
    if not done:
        raise MediaError(
            "poster", f"{picture.width} × {picture.height} px could not be encoded", "report this"
        )
    return packed.tobytes()


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode('ascii')}"
