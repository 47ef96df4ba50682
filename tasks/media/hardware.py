"""What the graphics card can do for video on this machine, found by trying it, never by its name.

    hardware.video_decoding()                    # Capability("NVDEC", usable=False, detail="no NVIDIA device …")
    device = hardware.decoding_device("auto", "h264", "yuv420p")
    container = av.open(path, hwaccel=device)    # None decodes on the processor
    stream = container.add_stream(hardware.encoder_name("x264"), …)

Decoding is `auto` by default: standards define the output of these decoders to the bit, and the card is used
only after it gave the very bytes of the processor, so clips keep their bytes whichever machine makes them.
Encoding is `x264` by default: another encoder makes other bytes, and a run that is continued on another
machine must end in the same ones. Whoever wants NVENC names it in the recipe, and the stage's key says so.

The trial runs in a process of its own, since a driver may crash or hang whoever calls it; that process is
`python -m tasks.media.trials decoding|encoding`. Without any sign of an NVIDIA device it is not started.
"""

from __future__ import annotations

import ctypes
import json
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from av.codec.hwaccel import HWAccel

from schemas.errors import ToolMissing
from tasks.media.process import own_module
from tasks.media.trials import CODECS, DECODED_FORMAT, Capability

Decoding = Literal["auto", "cpu", "nvdec"]
Encoding = Literal["auto", "x264", "nvenc"]
Trial = Literal["decoding", "encoding"]


_TRIAL_SECONDS, _LIST_SECONDS, _REAP_SECONDS = 60.0, 10.0, 5.0


@dataclass(frozen=True)
class GraphicsCard:
    """One line of nvidia-smi."""

    name: str
    driver: str


@cache
def graphics_cards() -> tuple[GraphicsCard, ...]:
    """The NVIDIA cards that nvidia-smi lists; none where it is missing or fails. Takes 10 s at most."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_LIST_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    fields = (line.rpartition(", ") for line in done.stdout.splitlines() if ", " in line)
    return tuple(GraphicsCard(name, driver) for name, _, driver in fields)


@cache
def signs_of_a_device() -> tuple[str, ...]:
    """What speaks for an NVIDIA device here: device files, nvidia-smi, the driver's library. Starts nothing."""
    files = [str(file) for file in sorted(Path("/dev").glob("nvidia*"))]
    program = shutil.which("nvidia-smi")
    library = "libcuda.so.1"
    try:
        ctypes.CDLL(library)
    except OSError:
        library = ""
    return tuple(sign for sign in (*files, program, library) if sign)


@cache
def decoders() -> Mapping[str, Capability]:
    """Codec (as FFmpeg names it) to what its trial on the card's decoder showed; tried once per process."""
    return _tried("decoding", [f"NVDEC {codec}" for codec in CODECS], list(CODECS))


def video_decoding() -> Capability:
    """NVDEC in one line: usable when it decodes at least H.264 just as the processor does."""
    found = decoders()
    if not found["h264"].usable:
        return Capability("NVDEC", False, found["h264"].detail)
    same = [codec for codec, capability in found.items() if capability.usable]
    others = [f"{codec}: {tried.detail}" for codec, tried in found.items() if not tried.usable]
    detail = f"decodes {', '.join(same)} to the same bytes as the processor"
    return Capability("NVDEC", True, "; not used for ".join([detail, *others]))


@cache
def video_encoding() -> Capability:
    """NVENC, tried once per process with the options that clips are encoded with."""
    return _tried("encoding", ["NVENC"], ["h264_nvenc"])["h264_nvenc"]


def decoding_device(
    wanted: Decoding, codec: str = "h264", pixel_format: str = DECODED_FORMAT
) -> HWAccel | None:
    """What to give `av.open` as `hwaccel` for a source whose main video stream has this codec and format.

    `auto` gives the card what it was seen to decode to the same bytes, and falls back to the processor where
    the stream is too large for it; `nvdec` insists. A card's frames come as nv12: the same samples, the two
    colour planes interleaved. Damaged streams are another matter: each decoder conceals errors its own way.

    Raises:
        ToolMissing: `nvdec` is wanted and cannot be used for this.
    """
    if wanted == "cpu":
        return None
    tried = _decoder(codec, pixel_format)
    if tried.usable:
        return HWAccel("cuda", allow_software_fallback=wanted == "auto")
    if wanted == "auto":
        return None
    action = "ask for decoding by `auto` or `cpu`, or run this where `clapper doctor` finds NVDEC usable"
    raise ToolMissing(tried.name, f"is asked for and cannot be used: {tried.detail}", action)


def encoder_name(wanted: Encoding) -> Literal["libx264", "h264_nvenc"]:
    """FFmpeg's name of the encoder to use. `x264` tries nothing; `auto` takes NVENC where it is usable.

    Raises:
        ToolMissing: `nvenc` is wanted and cannot be used.
    """
    if wanted == "x264":
        return "libx264"
    tried = video_encoding()
    if tried.usable:
        return "h264_nvenc"
    if wanted == "auto":
        return "libx264"
    action = "ask for the encoder `x264` (H100 and A100 have no NVENC), or run this where it is usable"
    raise ToolMissing(tried.name, f"is asked for and cannot be used: {tried.detail}", action)


def run_trial(
    trial: Trial, names: Sequence[str], command: Sequence[str] | None = None, limit_s: float = _TRIAL_SECONDS
) -> list[Capability]:
    """Run a trial in a child process; whatever happens to it, every name gets its capability.

    A child that crashes or is stopped discredits all that it reported: a driver that takes a process down
    with one codec is not trusted with another.
    """
    argv, environment = own_module("tasks.media.trials", trial)
    child = subprocess.Popen(
        command or argv, env=environment, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        said, complained = child.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        _stop(child)
        return [Capability(name, False, f"its trial did not end within {limit_s:g} s") for name in names]
    problem = "its trial gave no readable answer"
    if child.returncode:
        last_words = (complained.strip().splitlines() or [""])[-1]
        status = child.returncode
        ended = f"ended with status {status}:" if status > 0 else f"crashed ({signal.strsignal(-status)})"
        problem = f"its trial {ended} {last_words}".rstrip()
    else:
        with suppress(IndexError, TypeError, ValueError):
            found = [Capability(**entry) for entry in json.loads(said.strip().splitlines()[-1])]
            if [capability.name for capability in found] == list(names):
                return found
    return [Capability(name, False, problem) for name in names]


def _decoder(codec: str, pixel_format: str) -> Capability:
    name = f"NVDEC {codec}"
    if codec not in CODECS:
        return Capability(name, False, f"only {', '.join(CODECS)} are tried")
    if pixel_format != DECODED_FORMAT:
        return Capability(name, False, f"only {DECODED_FORMAT} is tried, and the source is {pixel_format}")
    return decoders()[codec]


def _tried(trial: Trial, names: Sequence[str], keys: Sequence[str]) -> Mapping[str, Capability]:
    if signs_of_a_device():
        found = run_trial(trial, names)
    else:
        reason = "no NVIDIA device: no /dev/nvidia*, no nvidia-smi, no libcuda.so.1"
        found = [Capability(name, False, reason) for name in names]
    return dict(zip(keys, found, strict=True))


def _stop(child: subprocess.Popen) -> None:
    """Kill without waiting for ever: a process that a driver holds in the kernel does not die."""
    child.kill()
    with suppress(subprocess.TimeoutExpired):
        child.communicate(timeout=_REAP_SECONDS)
