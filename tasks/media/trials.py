"""Trials of the graphics card's decoder and encoder, in a process of their own: see `tasks.media.hardware`.

python -m tasks.media.trials decoding        # one line of JSON: what each codec's trial showed
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial

import av
import numpy as np
from av.codec.hwaccel import HWAccel

from schemas.errors import MediaError
from schemas.units import FRAME_RATE

KEY_FRAME_EVERY = 2 * FRAME_RATE

DECODED_FORMAT = "yuv420p"
"""The one pixel format that is tried, and so the one that the card is given: 8 bit, 4:2:0, limited range."""

CODECS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "h264": ("libx264", {"preset": "veryfast", "bf": "3"}),
    "hevc": ("libx265", {"preset": "veryfast", "x265-params": "log-level=none"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
}
"""What is tried for decoding, with an encoder that makes the material. MPEG-2 and MPEG-4 part 2 are left out:
their inverse transform is not defined to the bit, so that two right decoders may differ; and AV1, which PyAV
decodes by dav1d, to which no device can be given."""

_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow")
_WIDTH_PX, _HEIGHT_PX = 320, 180
"""The height is no multiple of 16: a decoder that forgets to crop is found out."""

_LEAST_LIKENESS_DB = 30.0


@dataclass(frozen=True)
class Capability:
    """What was tried, whether it can be used, and what was seen: a driver's own words where it failed."""

    name: str
    usable: bool
    detail: str


def nvenc_options(crf: int, preset: str) -> dict[str, str]:
    """NVENC's options for what x264 is told with a CRF and a preset.

    - Constant quality is variable bit rate without a rate (`b` 0, else FFmpeg aims at 2 Mbit/s) and with a
      `cq`, which has the scale of CRF, 0 to 51, but not its exact meaning: the same number gives about the
      same quality, and bytes may differ by a third or more. 0 would mean "choose yourself", and lossless is
      beyond High profile, so CRF 0 becomes 1.
    - Presets p1 to p7 take the places of x264's seven, fastest first; `tune` hq is the one not made for latency.
    - A key frame every 50 pictures and at no other place: no scene cuts, and without look-ahead no adaptive
      choice at all. NVENC makes each of them an IDR picture, so every group of pictures is closed.
    - Three B-frames, x264's own number, none of them a reference: cards before Turing cannot have that.
    - Adaptive quantisation in space, as x264 has it by default.

    Raises:
        ValueError: the CRF is not within 0 to 51, or x264 has no such preset.
    """
    if not 0 <= crf <= 51 or preset not in _PRESETS:
        raise ValueError(f"CRF must be 0 to 51 and is {crf}; presets are {_PRESETS}, and it is {preset}")
    return {
        "preset": f"p{_PRESETS.index(preset) + 1}",
        "tune": "hq",
        "profile": "high",
        "rc": "vbr",
        "cq": str(max(crf, 1)),
        "b": "0",
        "g": str(KEY_FRAME_EVERY),
        "bf": "3",
        "b_ref_mode": "disabled",
        "rc-lookahead": "0",
        "no-scenecut": "1",
        "forced-idr": "1",
        "spatial-aq": "1",
    }


def same_pictures(expected: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> None:
    """See that two decodings are one: uint8 arrays (270, 320), Y above U above V.

    Raises:
        MediaError: with how many pictures there are, or the first that differs and by how much.
    """
    if len(expected) != len(found):
        raise MediaError("trial", f"{len(expected)} pictures went in and {len(found)} came out")
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        if not np.array_equal(one, other):
            most = f"picture {number} by up to {np.abs(one.astype(int) - other.astype(int)).max()} of 255"
            raise MediaError("trial", f"decodes differently from the processor: {most}")


def try_decoding(codec: str, device: HWAccel | None) -> str:
    """Decode a fresh clip through a device and by the processor; say what was compared.

    Raises:
        MediaError: other bytes, or the device was not used after all; and what PyAV raises.
    """
    encoder, options = CODECS[codec]
    clip, _ = _compress(encoder, options, _moving_pictures(2 * FRAME_RATE), "matroska")
    expected, _ = _decode(clip, None)
    found, on_device = _decode(clip, device)
    if device is not None and not on_device:
        raise MediaError("trial", "was decoded by the processor after all")
    same_pictures(expected, found)
    return f"{len(found)} pictures, each the same to the bit as by the processor"


def try_encoding(encoder: str, options: Mapping[str, str]) -> str:
    """Encode moving pictures twice and hold the file to what clips promise; say what was seen.

    Raises:
        MediaError: a promise that is not kept; and what PyAV raises.
    """
    pictures = _moving_pictures(2 * KEY_FRAME_EVERY + 11)
    clip, key_frames = _compress(encoder, options, pictures, "mp4")
    if clip != _compress(encoder, options, pictures, "mp4")[0]:
        raise MediaError("trial", "the same pictures gave two different files")
    if key_frames != list(range(0, len(pictures), KEY_FRAME_EVERY)):
        raise MediaError("trial", f"key frames are at {key_frames}, not at every {KEY_FRAME_EVERY}th picture")
    with av.open(io.BytesIO(clip)) as container:
        stream = container.streams.video[0]
        decoded = [(frame.pts * frame.time_base, _planes(frame)) for frame in container.decode(stream)]
        profile = stream.codec_context.profile
    if profile != "High":
        raise MediaError("trial", f"the profile is {profile}, not High")
    if [time for time, _ in decoded] != [Fraction(n, FRAME_RATE) for n in range(len(pictures))]:
        raise MediaError("trial", f"{len(pictures)} pictures came back as {len(decoded)}, or at other times")
    likeness_db = min(_likeness_db(one, two) for one, (_, two) in zip(pictures, decoded, strict=True))
    if likeness_db < _LEAST_LIKENESS_DB:
        raise MediaError("trial", f"a picture came back with a PSNR of {likeness_db:.1f} dB")
    return f"{len(decoded)} pictures came back in time, PSNR {likeness_db:.1f} dB, twice the same bytes"


def outcome(name: str, trial: Callable[[], str]) -> Capability:
    """Run a trial here, and put FFmpeg's and the driver's messages into the detail when it fails."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    with av.logging.Capture(local=False) as messages:
        try:
            return Capability(name, True, trial())
        except MediaError as error:
            problem = error.problem
        except (av.FFmpegError, OSError, RuntimeError, ValueError) as error:
            problem = "; ".join(dict.fromkeys(text.strip() for _, _, text in messages)) or str(error)
        finally:
            av.logging.set_level(before)
    return Capability(name, False, problem)


def _moving_pictures(count: int) -> list[np.ndarray]:
    """yuv420p as uint8 (270, 320): a grainy texture that drifts 3 px a picture, colours that drift 1."""
    grain = np.random.default_rng(1).integers(40, 216, (_HEIGHT_PX // 4, _WIDTH_PX // 4), dtype=np.uint8)
    luma = np.kron(grain, np.ones((4, 4), np.uint8))
    colour = np.tile(np.linspace(64, 192, _WIDTH_PX, dtype=np.uint8), (_HEIGHT_PX // 2, 1))
    return [np.vstack([np.roll(luma, 3 * n, axis=1), np.roll(colour, n, axis=1)]) for n in range(count)]


def _compress(
    encoder: str, options: Mapping[str, str], pictures: Iterable[np.ndarray], form: str
) -> tuple[bytes, list[int]]:
    """The encoded file, and the numbers of its key frames."""
    buffer, packets = io.BytesIO(), []
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream(encoder, rate=FRAME_RATE, options=dict(options))
        stream.width, stream.height, stream.pix_fmt = _WIDTH_PX, _HEIGHT_PX, DECODED_FORMAT
        stream.codec_context.time_base = Fraction(1, FRAME_RATE)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format=DECODED_FORMAT)
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        keys = [round(packet.pts * packet.time_base * FRAME_RATE) for packet in packets if packet.is_keyframe]
        container.mux(packets)
    return buffer.getvalue(), keys


def _decode(clip: bytes, device: HWAccel | None) -> tuple[list[np.ndarray], bool]:
    """Planes of all pictures, and whether the device decoded them."""
    with av.open(io.BytesIO(clip), hwaccel=device) as container:
        planes = [_planes(frame) for frame in container.decode(video=0)]
        return planes, container.streams.video[0].codec_context.is_hwaccel


def _planes(frame: av.VideoFrame) -> np.ndarray:
    """uint8 (270, 320), Y above U above V; nv12 is taken apart here, without a scaler in between."""
    if frame.format.name != "nv12":
        return frame.to_ndarray(format=DECODED_FORMAT)
    both = frame.to_ndarray()
    colours = both[frame.height :].reshape(-1)
    return np.concatenate([both[: frame.height].reshape(-1), colours[0::2], colours[1::2]]).reshape(
        both.shape
    )


def _likeness_db(one: np.ndarray, other: np.ndarray) -> float:
    """PSNR in dB over all samples; infinite for equal pictures."""
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def _main(trial: str) -> None:
    if trial == "encoding":
        found = [outcome("NVENC", partial(try_encoding, "h264_nvenc", nvenc_options(18, "veryfast")))]
    else:
        device = HWAccel("cuda", allow_software_fallback=False)
        found = [outcome(f"NVDEC {codec}", partial(try_decoding, codec, device)) for codec in CODECS]
    print(json.dumps([asdict(capability) for capability in found]), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
