"""What a media file holds, as ffprobe tells it: streams, clocks, geometry.

    info = probe(Path("interview.mkv"))
    info.video.frame_rate        # Fraction(30000, 1001)

All times are exact fractions of a second on the container's presentation clock (ffprobe's `pts_time`).
"""

from __future__ import annotations

import json
import re
import stat
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from schemas.errors import MediaError, ToolMissing
from schemas.units import Milliseconds, to_ms

FORMATS = (
    "3gp,aac,ac3,aiff,asf,avi,caf,flac,flv,ivf,m4a,matroska,mj2,mov,mp3,mp4,mpeg,mpegts,mpegvideo,mxf,nut,ogg,rm,"
    "wav,webm,w64"
)
"""Demuxers that may open a source. None of them follows references to other files or to the network, as
playlists and concatenation scripts do."""

_PROBE_SECONDS = 60
_INTERLACED = frozenset({"tt", "bb", "tb", "bt"})
_ASIDES = ("comment", "hearing_impaired", "visual_impaired", "karaoke", "descriptions")


@dataclass(frozen=True)
class VideoStream:
    """The main pictures of a file.

    Attributes:
        width, height: px as stored, before rotation and pixel aspect.
        rotation: degrees clockwise by which a player turns the picture, 0–359.
        pixel_aspect: width of a pixel over its height.
        frame_rate: average, frames per second; 0 when unknown.
        start_time, end_time: seconds; `end_time` is None when the container does not say.
        time_base: seconds of one tick of the stream's clock.
        interlaced: what the container or the codec says of the field order.
        colours: names of matrix, primaries and transfer as ffprobe has them; "unknown" when not said.
    """

    index: int
    codec: str
    width: int
    height: int
    rotation: int
    pixel_aspect: Fraction
    frame_rate: Fraction
    start_time: Fraction
    end_time: Fraction | None
    time_base: Fraction
    pix_fmt: str
    interlaced: bool
    colours: tuple[str, str, str]

    @property
    def duration(self) -> Fraction | None:
        """Seconds from start to end; None when the container does not say."""
        return None if self.end_time is None else self.end_time - self.start_time


@dataclass(frozen=True)
class AudioStream:
    """The main sound of a file; `start_time` and `end_time` (None: not said) in seconds, `sample_rate` in Hz."""

    index: int
    codec: str
    sample_rate: int
    channels: int
    start_time: Fraction
    end_time: Fraction | None

    @property
    def duration(self) -> Fraction | None:
        """Seconds from start to end; None when the container does not say."""
        return None if self.end_time is None else self.end_time - self.start_time


@dataclass(frozen=True)
class MediaInfo:
    """A file's container and its main streams.

    Attributes:
        container: format name as ffprobe gives it.
        duration_ms: as ffprobe gives it; None when the container does not say.
        start_time, end_time: seconds; `end_time` is None when the container does not say.
        video, audio: None when there is no such stream.
    """

    path: Path
    container: str
    duration_ms: Milliseconds | None
    start_time: Fraction
    end_time: Fraction | None
    video: VideoStream | None
    audio: AudioStream | None


def safe_input(path: Path) -> str:
    """The path as ffmpeg takes it literally, whatever colons, percent signs or leading dashes it holds."""
    return f"file:{path.absolute()}"


def probe(path: Path) -> MediaInfo:
    """Read a file's headers.

    The main video stream is the default one, else the largest, and never a cover picture; the main audio
    stream is the default one, else the first, and commentary or description only when there is nothing else.

    Raises:
        MediaError: it is no file, is empty, is no media file, or could not be read within a minute.
        ToolMissing: ffprobe is not installed.
    """
    path = Path(path)
    _require_content(path)
    command = ["ffprobe", "-v", "error", "-protocol_whitelist", "file", "-format_whitelist", FORMATS]
    command += ["-show_format", "-show_streams", "-of", "json", safe_input(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PROBE_SECONDS, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise ToolMissing("ffprobe", "is not on this machine", "install ffmpeg 5.1 or later") from error
    except subprocess.TimeoutExpired as error:
        raise MediaError(
            str(path), f"ffprobe gave no answer in {_PROBE_SECONDS} s", "look at the file"
        ) from error
    described = json.loads(done.stdout or b"{}") if done.returncode == 0 else {}
    if not described.get("streams"):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        problem = f"is no media file that can be read ({path.stat().st_size} bytes)"
        raise MediaError(
            str(path), problem + (f": {said[-1]}" if said else ""), "download or export it again"
        )
    return _media_info(path, described)


@cache
def ffmpeg_version() -> str:
    """The installed ffmpeg's version, such as `ffmpeg 5.1.9-0+deb12u1`.

    Raises:
        ToolMissing: ffmpeg is not installed.
    """
    try:
        done = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, timeout=_PROBE_SECONDS)
    except FileNotFoundError as error:
        raise ToolMissing("ffmpeg", "is not on this machine", "install ffmpeg 5.1 or later") from error
    match = re.match(r"ffmpeg version (\S+)", done.stdout)
    return f"ffmpeg {match.group(1)}" if match else "ffmpeg of unknown version"


def _require_content(path: Path) -> None:
    try:
        found = path.stat()
    except OSError as error:
        raise MediaError(str(path), f"cannot be read: {error.strerror}", "check the path") from error
    except ValueError as error:
        raise MediaError(str(path), f"is no path: {error}", "check the path") from error
    if not stat.S_ISREG(found.st_mode):
        # A pipe would be waited for, and a device has no end.
        raise MediaError(str(path), "is no file but a folder, a pipe or a device", "name a media file")
    if found.st_size == 0:
        raise MediaError(str(path), "is empty: 0 bytes", "download or export it again")


def _media_info(path: Path, described: dict[str, Any]) -> MediaInfo:
    container = described.get("format", {})
    name = container.get("format_name", "unknown")
    start = _fraction(container.get("start_time")) or Fraction(0)
    duration = _fraction(container.get("duration"))
    # Matroska's length counts from the clock's zero, wherever the first packet lies.
    begins = Fraction(0) if name.startswith("matroska") else start
    return MediaInfo(
        path=path,
        container=name,
        duration_ms=to_ms(duration) if duration and duration > 0 else None,
        start_time=start,
        end_time=begins + duration if duration and duration > 0 else None,
        video=_main_video(described["streams"]),
        audio=_main_audio(described["streams"]),
    )


def _main_video(streams: list[dict[str, Any]]) -> VideoStream | None:
    def rank(stream: dict[str, Any]) -> tuple:
        area = stream.get("width", 0) * stream.get("height", 0)
        return -stream.get("disposition", {}).get("default", 0), -area, stream["index"]

    found = [
        stream
        for stream in streams
        if stream.get("codec_type") == "video"
        and stream.get("width", 0) > 0
        and stream.get("height", 0) > 0
        and not stream.get("disposition", {}).get("attached_pic")
        and not stream.get("disposition", {}).get("timed_thumbnails")
    ]
    if not found:
        return None
    stream = min(found, key=rank)
    names = (stream.get(f"color_{part}", "unknown") for part in ("space", "primaries", "transfer"))
    return VideoStream(
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        width=stream["width"],
        height=stream["height"],
        rotation=_rotation(stream),
        pixel_aspect=_fraction(stream.get("sample_aspect_ratio", "").replace(":", "/")) or Fraction(1),
        frame_rate=_fraction(stream.get("avg_frame_rate")) or Fraction(0),
        pix_fmt=stream.get("pix_fmt", "unknown"),
        interlaced=stream.get("field_order") in _INTERLACED,
        time_base=_fraction(stream["time_base"]) or Fraction(1, 1_000_000),
        colours=tuple(names),
        **_clock(stream),
    )


def _main_audio(streams: list[dict[str, Any]]) -> AudioStream | None:
    def rank(stream: dict[str, Any]) -> tuple:
        said = stream.get("disposition", {})
        return any(said.get(word) for word in _ASIDES), -said.get("default", 0), stream["index"]

    found = [
        stream
        for stream in streams
        if stream.get("codec_type") == "audio"
        and int(stream.get("sample_rate", 0)) > 0
        and stream.get("channels")
    ]
    if not found:
        return None
    stream = min(found, key=rank)
    return AudioStream(
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        sample_rate=int(stream["sample_rate"]),
        channels=stream["channels"],
        **_clock(stream),
    )


def _clock(stream: dict[str, Any]) -> dict[str, Fraction | None]:
    """Start and end in seconds, from whole ticks where there are any: exact, unlike the decimals."""
    base = _fraction(stream.get("time_base")) or Fraction(0)
    start = Fraction(stream.get("start_pts", 0)) * base
    end = start + stream["duration_ts"] * base if stream.get("duration_ts", 0) > 0 else _tagged_end(stream)
    return {"start_time": start, "end_time": end}


def _tagged_end(stream: dict[str, Any]) -> Fraction | None:
    """Matroska keeps the time at which a stream ends in a tag named DURATION, as 00:00:10.381000000."""
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.get("tags", {}).get("DURATION", ""))
    if not match:
        return None
    return int(match.group(1)) * 3600 + int(match.group(2)) * 60 + Fraction(match.group(3))


def _rotation(stream: dict[str, Any]) -> int:
    """Degrees clockwise; the display matrix counts them the other way round."""
    turns = [side["rotation"] for side in stream.get("side_data_list", []) if "rotation" in side]
    return -round(float(turns[0])) % 360 if turns else 0


def _fraction(text: str | None) -> Fraction | None:
    """`30000/1001`, `12.5` or nothing; None for what is no number, as ffprobe's `N/A` and `0/0`."""
    try:
        return Fraction(text) if text else None
    except (ValueError, ZeroDivisionError):
        return None
