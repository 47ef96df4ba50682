"""Frames and samples into a file: pictures through a pipe to ffmpeg, sound from a WAV beside it."""

from __future__ import annotations

import subprocess
import tempfile
import wave
from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import ffmpeg
import numpy as np

from schemas.errors import MediaError

_X264 = {"vcodec": "libx264", "preset": "ultrafast", "crf": 23, "threads": 2}
_CODECS: dict[str, dict[str, Any]] = {
    ".mp4": {
        **_X264,
        "acodec": "aac",
        "aac_coder": "fast",
        "audio_bitrate": "128k",
        "movflags": "+faststart",
    },
    ".mov": {**_X264, "acodec": "pcm_s16le"},
    # FLAC has no encoder delay; with AAC, Matroska would start the picture a packet late.
    ".mkv": {**_X264, "acodec": "flac"},
    ".webm": {
        "vcodec": "libvpx",
        "deadline": "realtime",
        # Negative: a fixed speed. With a positive one the encoder watches the clock, and bytes differ by run.
        "cpu-used": -8,
        "crf": 12,
        "video_bitrate": "1500k",
        "threads": 1,
        "acodec": "libvorbis",
    },
}


def encode(
    path: Path,
    frames: Iterable[np.ndarray],
    sound: np.ndarray,
    size: tuple[int, int],
    frame_rate: Fraction,
    sample_rate: int,
) -> Path:
    """Write pictures and mono sound, both beginning at zero, frame n at n / frame_rate.

    The same input gives the same bytes with the same ffmpeg. The file appears when it is whole.

    Args:
        path: .mp4, .mov, .mkv or .webm; decides the codecs.
        frames: uint8 (height, width, 3) BGR each; width and height even.
        sound: float32 (samples,), −1 to 1.

    Raises:
        MediaError: unknown suffix, odd size, or ffmpeg failed.
    """
    if path.suffix not in _CODECS:
        raise MediaError(
            str(path), f"suffix '{path.suffix}' is none of {', '.join(_CODECS)}", "choose one of these"
        )
    if size[0] % 2 or size[1] % 2:
        raise MediaError(str(path), f"size {size[0]}x{size[1]} px is odd", "use even numbers")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        samples, part = Path(folder) / "sound.wav", Path(folder) / path.name
        write_wav(samples, sound, sample_rate)
        _pipe(_command(samples, part, size, frame_rate), frames, path, Path(folder) / "log")
        part.replace(path)
    return path


def write_wav(path: Path, sound: np.ndarray, sample_rate: int) -> None:
    """Mono 16 bit WAV of float samples; what lies beyond ±1 is clipped."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((np.clip(sound, -1, 1) * 32767).round().astype("<i2").tobytes())


def _command(samples: Path, target: Path, size: tuple[int, int], frame_rate: Fraction) -> list[str]:
    picture = ffmpeg.input(
        "pipe:0", format="rawvideo", pix_fmt="yuv420p", s=f"{size[0]}x{size[1]}", framerate=str(frame_rate)
    )
    exact = {"fflags": "+bitexact", "flags:v": "+bitexact", "flags:a": "+bitexact", "map_metadata": -1}
    # OpenCV's BGR to I420 is BT.601 in limited range; the file must say so.
    colours = {
        "colorspace": "smpte170m",
        "color_primaries": "smpte170m",
        "color_trc": "smpte170m",
        "color_range": "tv",
    }
    output = ffmpeg.output(
        picture, ffmpeg.input(str(samples)), str(target), **_CODECS[target.suffix], **exact, **colours
    )
    return output.global_args("-loglevel", "error", "-nostats").overwrite_output().compile()


def _pipe(command: list[str], frames: Iterable[np.ndarray], path: Path, log: Path) -> None:
    with log.open("wb") as errors, subprocess.Popen(command, stdin=subprocess.PIPE, stderr=errors) as process:
        try:
            for frame in frames:
                process.stdin.write(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).data)
        except BrokenPipeError:
            # ffmpeg ended early: its exit status and its own words, below, say why.
            pass
        except BaseException:
            process.kill()
            raise
        finally:
            with suppress(BrokenPipeError):
                process.stdin.close()
        status = process.wait()
    if status:
        words = log.read_text(errors="replace").strip()[-500:]
        raise MediaError(
            str(path), f"ffmpeg ended with {status}: {words}", "see whether ffmpeg has the codec"
        )
