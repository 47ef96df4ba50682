"""The public demos' way to find out who speaks, step by step, for comparing with.

After the order of steps and the settings of `Columbia_test.py` of LR-ASD and Light-ASD, which goes back to SyncNet's
`run_pipeline.py`: everything passes through files, every frame is searched, every track is judged six times in
segments of one to six seconds, and the mean is rounded to 0.1. Only the face detector and the rule for cuts are
handed in, so that they can be the same on both sides. The last step, a video with boxes drawn on it, is left out.
"""

from __future__ import annotations

import subprocess
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from os import times
from pathlib import Path

import cv2
import numpy as np
import torch

MIN_TRACK_FRAMES = 10
MAX_MISSED_FRAMES = 10
_SAME_FACE_OVERLAP = 0.5
_WIDENING = 0.4
_CROP_SIDE = 224
_MEDIAN_FRAMES = 13
_DURATIONS_SECONDS = (1, 2, 3, 4, 5, 6)
_BORDER_GREY = 110


@dataclass
class DemoTrack:
    """A face through consecutive frames: int (n,), boxes float (n, 4) in px, and a score for each, float (≤ n,)."""

    frames: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray


def talking_heads(
    clip: Path,
    folder: Path,
    detect: Callable[[np.ndarray], list[np.ndarray]],
    shots_of: Callable[[Path], list[tuple[int, int]]],
    network: torch.nn.Module,
    seconds: dict[str, float],
    mp3: bool = False,
) -> list[DemoTrack]:
    """The tracks of a clip with their scores.

    Args:
        folder: an empty one for the files.
        detect: frames uint8 (1, h, w, 3) BGR → boxes, as `tasks.faces.detectors.Detector`.
        network: with the attributes `model` and `lossAV` of the public code.
        seconds: processor seconds of each step are added here.
        mp3: leave the AVI's sound to ffmpeg's default, as the demo does. That is MP3, which changes the cepstra of
            16 kHz sound by more than what the networks' own labels can bear, and whose priming makes picture and
            sound come 2 frames later than in the clip. Otherwise the sound is kept as it is.
    """
    with _timed("25 fps, sound and frames to files", seconds):
        video, sound = folder / "video.avi", folder / "audio.wav"
        codec = () if mp3 else ("-c:a", "pcm_s16le")
        _ffmpeg("-i", clip, "-qscale:v", 2, "-threads", 2, "-async", 1, "-r", 25, *codec, video)
        _ffmpeg("-i", video, "-qscale:a", 0, "-ac", 1, "-vn", "-threads", 2, "-ar", 16000, sound)
        _ffmpeg("-i", video, "-qscale:v", 2, "-threads", 2, "-f", "image2", folder / "%06d.jpg")
        pictures = sorted(folder.glob("*.jpg"))
    with _timed("shots", seconds):
        shots = shots_of(video)
    with _timed("faces in every frame", seconds):
        found = [detect(cv2.imread(str(picture))[None])[0] for picture in pictures]
    with _timed("tracks", seconds):
        tracks = [
            track
            for start, end in shots
            if end - start >= MIN_TRACK_FRAMES
            for track in _tracks({frame: list(found[frame]) for frame in range(start, min(end, len(found)))})
        ]
    with _timed("crops to video files", seconds):
        for number, track in enumerate(tracks):
            _crop(track, pictures, sound, folder / f"{number:05d}")
    with _timed("cepstra", seconds):
        heard = [_cepstra(folder / f"{number:05d}.wav") for number in range(len(tracks))]
    with _timed("crops read again", seconds):
        seen = [_read_crops(folder / f"{number:05d}.avi") for number in range(len(tracks))]
    with _timed("network, six times", seconds):
        for track, cepstra, crops in zip(tracks, heard, seen, strict=True):
            track.scores = _scores(network, cepstra, crops)
    return tracks


def smoothed(scores: np.ndarray) -> np.ndarray:
    """The mean over 5 frames, as the demo takes it (its last window lacks the last score)."""
    last = len(scores) - 1
    return np.array([scores[max(n - 2, 0) : max(min(n + 3, last), 1)].mean() for n in range(len(scores))])


@contextmanager
def _timed(name: str, seconds: dict[str, float]) -> Iterator[None]:
    before = processor_seconds()
    yield
    seconds[name] = seconds.get(name, 0.0) + processor_seconds() - before


def processor_seconds() -> float:
    """Of this process and of the children that it has waited for."""
    use = times()
    return use.user + use.system + use.children_user + use.children_system


def wall_seconds() -> float:
    return time.perf_counter()


def _ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def _tracks(found: dict[int, list[np.ndarray]]) -> list[DemoTrack]:
    """Chains of boxes that overlap by more than half, one chain after another, over what is left each time."""
    tracks = []
    while any(found.values()):
        chain: list[tuple[int, np.ndarray]] = []
        for frame, boxes in found.items():
            if chain and frame - chain[-1][0] > MAX_MISSED_FRAMES:
                break
            for n, box in enumerate(boxes):
                if not chain or _overlap(box, chain[-1][1]) > _SAME_FACE_OVERLAP:
                    chain.append((frame, box))
                    del boxes[n]
                    break
        if len(chain) > MIN_TRACK_FRAMES:
            known, boxes = [frame for frame, _ in chain], np.stack([box[:4] for _, box in chain])
            frames = np.arange(known[0], known[-1] + 1)
            between = np.stack([np.interp(frames, known, side) for side in boxes.T], axis=1)
            tracks.append(DemoTrack(frames, between, np.zeros(0)))
    return tracks


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    size = np.clip(np.minimum(a[2:4], b[2:4]) - np.maximum(a[:2], b[:2]), 0, None)
    both = size.prod()
    return both / ((a[2:4] - a[:2]).prod() + (b[2:4] - b[:2]).prod() - both)


def _crop(track: DemoTrack, pictures: list[Path], sound: Path, target: Path) -> None:
    """Write the track's crops and sound as `target`.avi and `target`.wav."""
    silent = target.with_name(target.name + "t.avi")
    writer = cv2.VideoWriter(str(silent), cv2.VideoWriter_fourcc(*"XVID"), 25, (_CROP_SIDE, _CROP_SIDE))
    x0, y0, x1, y1 = track.boxes.T
    half, x, y = (_median(v) for v in (np.maximum(y1 - y0, x1 - x0) / 2, (x0 + x1) / 2, (y0 + y1) / 2))
    for n, frame in enumerate(track.frames):
        border = int(half[n] * (1 + 2 * _WIDENING))
        sides = ((border, border), (border, border), (0, 0))
        picture = np.pad(cv2.imread(str(pictures[frame])), sides, constant_values=_BORDER_GREY)
        middle_x, middle_y, reach = x[n] + border, y[n] + border, half[n] * (1 + _WIDENING)
        face = picture[
            int(middle_y - half[n]) : int(middle_y + half[n] * (1 + 2 * _WIDENING)),
            int(middle_x - reach) : int(middle_x + reach),
        ]
        writer.write(cv2.resize(face, (_CROP_SIDE, _CROP_SIDE)))
    writer.release()
    heard, span = target.with_suffix(".wav"), (track.frames[0] / 25, (track.frames[-1] + 1) / 25)
    cut = ("-ss", f"{span[0]:.3f}", "-to", f"{span[1]:.3f}")
    codec = ("-ac", 1, "-vn", "-acodec", "pcm_s16le", "-ar", 16000)
    _ffmpeg("-i", sound, "-async", 1, *codec, *cut, heard)
    _ffmpeg("-i", silent, "-i", heard, "-c:v", "copy", "-c:a", "copy", target.with_suffix(".avi"))


def _median(values: np.ndarray) -> np.ndarray:
    """The median over 13 values with zeros beyond the ends, as scipy.signal.medfilt takes it."""
    padded = np.pad(values, _MEDIAN_FRAMES // 2)
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, _MEDIAN_FRAMES), axis=1)


def _cepstra(path: Path) -> np.ndarray:
    from python_speech_features import mfcc

    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return mfcc(samples, 16_000, numcep=13, winlen=0.025, winstep=0.010)


def _read_crops(path: Path) -> np.ndarray:
    film, crops = cv2.VideoCapture(str(path)), []
    while True:
        there, frame = film.read()
        if not there:
            return np.array(crops)
        grey = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), (_CROP_SIDE, _CROP_SIDE))
        crops.append(grey[56:168, 56:168])


def _scores(network: torch.nn.Module, cepstra: np.ndarray, crops: np.ndarray) -> np.ndarray:
    """The mean over segments of all durations, of the frames that have both picture and sound."""
    frames = min(len(cepstra) // 4, len(crops))
    found = []
    for duration in _DURATIONS_SECONDS:
        scores: list[float] = []
        for n in range(ceil(frames / 25 / duration)):
            sound = torch.FloatTensor(cepstra[: 4 * frames][n * duration * 100 : (n + 1) * duration * 100])
            faces = torch.FloatTensor(crops[:frames][n * duration * 25 : (n + 1) * duration * 25])
            with torch.no_grad():
                heard = network.model.forward_audio_frontend(sound[None])
                seen = network.model.forward_visual_frontend(faces[None])
                joined = network.model.forward_audio_visual_backend(heard, seen)
                scores.extend(network.lossAV.forward(joined, labels=None))
        found.append(scores)
    return np.round(np.mean(found, axis=0), 1)
