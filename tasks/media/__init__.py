"""Sync-exact normalising and cutting, and reading of clips: the only place in the house that decodes media."""

from tasks.media.cut import Segment
from tasks.media.encode import ClipEncoder, EncodedClip
from tasks.media.normalize import Normalized, NormalizedClip, normalize
from tasks.media.omissions import Omission
from tasks.media.probe import AudioStream, MediaInfo, VideoStream, ffmpeg_version, probe
from tasks.media.read import FrameBatch, read_frames, read_waveform

__all__ = [
    "AudioStream",
    "ClipEncoder",
    "EncodedClip",
    "FrameBatch",
    "MediaInfo",
    "Normalized",
    "NormalizedClip",
    "Omission",
    "Segment",
    "VideoStream",
    "ffmpeg_version",
    "normalize",
    "probe",
    "read_frames",
    "read_waveform",
]
