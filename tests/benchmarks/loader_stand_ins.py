"""Stand-ins for what public loaders import and is not installed: torchvision's readers, by PyAV, and omegaconf.

`VideoReader` hands out what torchvision's own hands out after a precise seek: every picture, and every whole packet
of sound, whose stamp is not before the time that was sought.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from types import ModuleType, SimpleNamespace
from typing import Any

import av
import torch
from torch import nn

_BEFORE_S = 4


def install() -> None:
    """Make `import torchvision` and `import omegaconf` find the stand-ins, where they are not installed."""
    vision, io, transforms = (ModuleType(f"torchvision{part}") for part in ("", ".io", ".transforms"))
    vision.io, vision.transforms = io, transforms
    vision.set_video_backend = lambda name: None
    io.read_video, io.VideoReader = read_video, VideoReader
    transforms.Compose, transforms.transforms = Compose, transforms
    for name in (
        "Resize",
        "RandomHorizontalFlip",
        "Normalize",
        "ColorJitter",
        "RandomApply",
        "RandomGrayscale",
    ):
        setattr(transforms, name, _unused(name))
    omegaconf = ModuleType("omegaconf")
    omegaconf.OmegaConf = SimpleNamespace()
    for module in (vision, io, transforms, omegaconf):
        sys.modules.setdefault(module.__name__, module)


class Compose:
    """One transform after the other."""

    def __init__(self, transforms: list[Any]) -> None:
        self.transforms = transforms

    def __call__(self, item: Any) -> Any:
        for transform in self.transforms:
            item = transform(item)
        return item


def read_video(
    path: str,
    start_pts: float = 0,
    end_pts: float | None = None,
    pts_unit: str = "sec",
    output_format: str = "THWC",
) -> tuple[torch.Tensor, torch.Tensor, dict[str, float]]:
    """Pictures uint8 (T, H, W, 3) or (T, 3, H, W), sound float32 (1, N), and both rates."""
    with av.open(path) as container:
        pictures = [
            torch.from_numpy(frame.to_ndarray(format="rgb24"))
            for frame in container.decode(video=0)
            if start_pts <= frame.time <= (end_pts or float("inf"))
        ]
        fps = float(container.streams.video[0].average_rate)
    with av.open(path) as container:
        sound = [
            torch.from_numpy(frame.to_ndarray())
            for frame in container.decode(audio=0)
            if start_pts <= frame.time <= (end_pts or float("inf"))
        ]
        rate = container.streams.audio[0].rate
    frames = torch.stack(pictures)
    if output_format == "TCHW":
        frames = frames.permute(0, 3, 1, 2)
    return frames, torch.cat(sound, dim=1), {"video_fps": fps, "audio_fps": rate}


class VideoReader:
    """As much of torchvision.io.VideoReader as StreamSync uses."""

    def __init__(self, path: str, **_: Any) -> None:
        self._path, self._kind, self._from_s = path, "video", 0.0

    def set_current_stream(self, kind: str) -> None:
        self._kind = kind

    def seek(self, time_s: float) -> VideoReader:
        self._from_s = time_s
        return self

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with av.open(self._path) as container:
            stream = getattr(container.streams, self._kind)[0]
            sought = max(Fraction(0), Fraction(self._from_s) - _BEFORE_S)
            container.seek(int(sought / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                if frame.time >= self._from_s:
                    yield {"data": _content(frame), "pts": frame.time}

    def get_metadata(self) -> dict[str, dict[str, list[float]]]:
        with av.open(self._path) as container:
            fps, rate = float(container.streams.video[0].average_rate), float(container.streams.audio[0].rate)
        return {"video": {"fps": [fps]}, "audio": {"framerate": [rate]}}


def _content(frame: av.VideoFrame | av.AudioFrame) -> torch.Tensor:
    """uint8 (3, H, W), or float32 (N, channels)."""
    if isinstance(frame, av.VideoFrame):
        return torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
    return torch.from_numpy(frame.to_ndarray()).T


def _unused(name: str) -> type[nn.Module]:
    """A class to inherit from; the transforms that use it are not run here."""
    return type(name, (nn.Module,), {})
