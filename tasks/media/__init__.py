"""Sync-exact normalising and cutting, and reading of clips: the only place in the house that decodes media."""

from tasks.media.cut import Segment
from tasks.media.fanout import Reader, fan_out
from tasks.media.frames import FrameBatch, View
from tasks.media.normalize import normalize
from tasks.media.omissions import Omission
from tasks.media.onepass import Normalized, NormalizedClip
from tasks.media.probe import AudioStream, MediaInfo, VideoStream, ffmpeg_version, probe
from tasks.media.read import read_frames, read_waveform

__all__ = [
    "AudioStream",
    "FrameBatch",
    "MediaInfo",
    "Normalized",
    "NormalizedClip",
    "Omission",
    "Reader",
    "Segment",
    "VideoStream",
    "View",
    "fan_out",
    "ffmpeg_version",
    "normalize",
    "probe",
    "read_frames",
    "read_waveform",
]
