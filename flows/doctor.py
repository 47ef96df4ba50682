"""What `clapper doctor` finds on this machine, and what a run would use of it.

    diagnosis = examine("workspace")
    show_diagnosis(Console(), diagnosis)

It looks and tries, changes nothing, and needs no network. Of secrets it says only whether they are set.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.doctor_review import review_findings
from flows.finding import Finding, State
from schemas.errors import ClapperError
from schemas.recipe import PROFILES, Recipe

_INSTALL = "run `pip install clapper-av` again in this environment"
_PACKAGES = {
    "numpy": "numpy", "pyarrow": "pyarrow", "pandas": "pandas", "prefect": "prefect", "yt-dlp": "yt_dlp",
    "ffmpeg-python": "ffmpeg", "opencv-python-headless": "cv2", "silero-vad": "silero_vad",
}  # fmt: skip
"""What the embedded profile imports: name of the package to name of the module."""

_INSTALLS = {"silero-vad": "run `pip install --no-deps 'silero-vad>=6.2.3'`"}
_KEYS = {"HF_TOKEN": "gated weights of Hugging Face", "GEMINI_API_KEY": "off-screen sources by Gemini"}
_VERSION_SECONDS = 5.0
_GIB = 1024**3
_WORKER_GIB = 1.0
"""What one worker may need: the pictures on their way, an encoder's look-ahead and the models of a profile."""


@dataclass(frozen=True)
class Diagnosis:
    """All findings, and in sentences what a run here will use."""

    findings: tuple[Finding, ...]
    will_use: tuple[str, ...]

    @property
    def can_run(self) -> bool:
        """Whether a run with the embedded profile can work here."""
        return all(finding.state != "missing" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        findings = [asdict(finding) for finding in self.findings]
        return {"can_run": self.can_run, "findings": findings, "will_use": list(self.will_use)}


def examine(workspace: str) -> Diagnosis:
    """Look at everything a run needs; `workspace` is the folder whose disk counts, made or not."""
    machine = _Machine.look(workspace)
    findings = (*_programs(), *_libraries(), *_models(), *_graphics(), *machine.findings(), *_keys())
    findings += tuple(review_findings(Path(workspace)))
    return Diagnosis(findings, tuple(_sentences(findings, machine)))


def show_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    """The findings by topic, then what will be used; readable from 80 columns on."""
    colours = {"ok": "green", "missing": "bold red", "absent": "yellow"}
    longest = max(len(finding.name) for finding in diagnosis.findings)
    for topic in dict.fromkeys(finding.topic for finding in diagnosis.findings):
        console.print(f"[bold]{topic}[/]")
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(min_width=longest, no_wrap=True)
        table.add_column(min_width=max(map(len, colours)), no_wrap=True)
        table.add_column(overflow="fold")
        for finding in diagnosis.findings:
            if finding.topic == topic:
                text = escape(finding.detail) + (f"\n→ {escape(finding.action)}" if finding.action else "")
                table.add_row(escape(finding.name), f"[{colours[finding.state]}]{finding.state}[/]", text)
        console.print(table)
        console.print()
    console.print("[bold]What will be used[/]")
    for sentence in diagnosis.will_use:
        line = Table.grid(padding=(0, 1, 0, 0))
        line.add_row("·", escape(sentence))
        console.print(line)


def _programs() -> Iterator[Finding]:
    yield Finding("Programs", "Python", "ok", platform.python_version())
    for name in ("ffmpeg", "ffprobe"):
        action = "install ffmpeg 5.1 or later (Debian: `apt install ffmpeg`), so that it is on the PATH"
        place = shutil.which(name)
        if place is None:
            yield Finding("Programs", name, "missing", "is not on the PATH", action)
            continue
        try:
            done = subprocess.run(
                [place, "-version"],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_VERSION_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            yield Finding("Programs", name, "missing", f"{place} does not run: {error}", action)
            continue
        version = re.match(rf"{name} version (\S+)", done.stdout)
        if version:
            yield Finding("Programs", name, "ok", f"{version.group(1)}, {place}")
        else:
            yield Finding("Programs", name, "missing", f"{place} tells no version", action)


def _libraries() -> Iterator[Finding]:
    yield from _media_library()
    for package, module in _PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            yield Finding(
                "Libraries", package, "missing", "is not installed", _INSTALLS.get(package, _INSTALL)
            )
        else:
            yield Finding("Libraries", package, "ok", _version(package))
    yield _onnxruntime()
    yield _chromaprint()
    yield _torch()


def _media_library() -> Iterator[Finding]:
    try:
        import av
    except ImportError as error:
        yield Finding("Libraries", "PyAV", "missing", f"cannot be loaded: {error}", _INSTALL)
        return
    yield Finding("Libraries", "PyAV", "ok", f"{av.__version__} with FFmpeg {av.ffmpeg_version_info}")
    try:
        yield Finding("Libraries", "x264", "ok", _x264_build())
    except (av.FFmpegError, ValueError) as error:
        yield Finding("Libraries", "x264", "missing", f"does not encode: {error}", _INSTALL)
    for name, codec, mode, use in (
        ("AAC encoder", "aac", "w", "encodes the clips' sound"),
        ("AAC decoder, fixed point", "aac_fixed", "r", "decodes to the same samples everywhere"),
    ):
        try:
            av.Codec(codec, mode)
        except ValueError:
            yield Finding("Libraries", name, "missing", f"PyAV's FFmpeg has no {codec}", _INSTALL)
        else:
            yield Finding("Libraries", name, "ok", f"{codec}, {use}")


def _x264_build() -> str:
    """The version that x264 writes into the first packet of what it encodes."""
    import av

    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 64, 64, "yuv420p"
    context.framerate, context.time_base = Fraction(25), Fraction(1, 25)
    frame = av.VideoFrame(64, 64, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    first = b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None)))
    found = re.search(rb"x264 - core (\d+(?: r\d+)?)", first)
    return f"core {found.group(1).decode()}" if found else "of unknown version"


def _onnxruntime() -> Finding:
    try:
        import onnxruntime
    except ImportError as error:
        return Finding("Libraries", "onnxruntime", "missing", f"cannot be loaded: {error}", _INSTALL)
    providers = onnxruntime.get_available_providers()
    devices = [name.removesuffix("ExecutionProvider") for name in providers if not name.startswith("Azure")]
    detail = f"{onnxruntime.__version__}, built for {', '.join(devices)}; runs on the processor"
    return Finding("Libraries", "onnxruntime", "ok", detail)


def _chromaprint() -> Finding:
    try:
        import chromaprint  # noqa: F401 – it loads the library
    except ImportError as error:
        action = "install it (Debian: `apt install libchromaprint1`; it comes with ffmpeg)"
        return Finding(
            "Libraries", "Chromaprint", "absent", f"{error}; duplicates are not told without", action
        )
    return Finding("Libraries", "Chromaprint", "ok", f"{_version('pyacoustid')}, recognises sounds")


def _torch() -> Finding:
    """Loading torch takes seconds, so it is loaded only where it may find a card."""
    if importlib.util.find_spec("torch") is None:
        action = "run `pip install 'clapper-av[light]'`"
        return Finding("Libraries", "torch", "absent", "is not installed; `light` needs it", action)
    from tasks.media.hardware import signs_of_a_device

    version = _version("torch")
    if not signs_of_a_device():
        return Finding("Libraries", "torch", "ok", f"{version}; no NVIDIA device, so on the processor")
    try:
        import torch
    except (ImportError, OSError) as error:
        return Finding("Libraries", "torch", "absent", f"{version} cannot be loaded: {error}", _INSTALL)
    sees = f"sees {torch.cuda.device_count()}" if torch.cuda.is_available() else "cannot use any"
    return Finding("Libraries", "torch", "ok", f"{version}; {sees} of the NVIDIA devices")


def _models() -> Iterator[Finding]:
    from tasks.models import open_store, problems

    try:
        store = open_store()
        checks = {check.name: check for check in store.verify()}
    except ClapperError as error:
        yield Finding("Models", "store", "absent", f"{error.item} {error.problem}", error.action)
        return
    for profile in PROFILES:
        wanted = [name for name, model in store.catalogue.items() if profile in model.profiles]
        packages = problems(Recipe(name="doctor", title="Doctor", profile=profile), (), store)
        states = [f"{name} {checks[name].state}" for name in wanted]
        states += [f"{problem.name} {problem.detail}" for problem in packages]
        actions = [problem.action for problem in packages]
        if any(checks[name].state != "ok" for name in wanted):
            actions.append(f"clapper models pull --profile {profile}")
        said = ", ".join(states) or "comes with the packages: no files of its own"
        how = "run " + ", ".join(f"`{action}`" for action in dict.fromkeys(actions)) if actions else ""
        yield Finding("Models", profile, "absent" if actions else "ok", said, how)


def _graphics() -> Iterator[Finding]:
    try:
        from tasks.media import hardware
    except ImportError as error:
        yield Finding("Graphics", "card", "absent", f"was not looked for: {error}")
        return
    cards, signs = hardware.graphics_cards(), hardware.signs_of_a_device()
    for number, card in enumerate(cards):
        yield Finding("Graphics", f"card {number}", "ok", f"{card.name}, driver {card.driver}")
    if not cards:
        seen = f"nvidia-smi lists none, though there is {', '.join(signs)}" if signs else "no NVIDIA device"
        yield Finding("Graphics", "card", "absent", seen)
    for capability in (hardware.video_decoding(), hardware.video_encoding()):
        state: State = "ok" if capability.usable else "absent"
        yield Finding("Graphics", capability.name, state, capability.detail)


@dataclass(frozen=True)
class _Machine:
    """Cores and memory that this process may use, and the disk of the workspace; bytes."""

    cores: int
    memory: int
    free_memory: int
    workspace: Path
    writable: bool
    free_disk: int

    @classmethod
    def look(cls, workspace: str) -> _Machine:
        folder = Path(workspace).absolute()
        there = next(place for place in (folder, *folder.parents) if place.exists())
        total, free = _memory()
        writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
        return cls(_cores(), total, free, folder, writable, shutil.disk_usage(there).free)

    @property
    def workers(self) -> int:
        """Half the cores, since x264 runs two threads, but two, so that a download overlaps with work; never
        more than memory holds."""
        return max(1, min(max(2, self.cores // 2), int(self.free_memory / _GIB / _WORKER_GIB)))

    def findings(self) -> Iterator[Finding]:
        yield Finding("Machine", "cores", "ok", f"{self.cores}")
        detail = f"{self.memory / _GIB:.1f} GiB, {self.free_memory / _GIB:.1f} GiB of it free"
        yield Finding("Machine", "memory", "ok", detail)
        if self.writable:
            detail = f"{self.workspace}, {self.free_disk / _GIB:.1f} GiB free"
            yield Finding("Machine", "workspace", "ok", detail)
        else:
            action = "name a folder that you may write to, with --workspace or $CLAPPER_WORKSPACE"
            yield Finding("Machine", "workspace", "missing", f"{self.workspace} cannot be written to", action)


def _cores() -> int:
    """Cores this process may use: its affinity, and what a container's quota leaves of it."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _said("/sys/fs/cgroup/cpu.max").partition(" ")
    return max(1, min(allowed, int(quota) // int(period))) if quota.isdigit() else allowed


def _memory() -> tuple[int, int]:
    """Bytes in all and free, within a container's limit; zeros where the system does not tell."""
    kibibytes = dict(re.findall(r"^(\w+):\s+(\d+) kB", _said("/proc/meminfo"), re.MULTILINE))
    total = int(kibibytes.get("MemTotal", 0)) * 1024
    free = int(kibibytes.get("MemAvailable", 0)) * 1024
    limit, used = _said("/sys/fs/cgroup/memory.max"), _said("/sys/fs/cgroup/memory.current")
    if limit.isdigit() and used.isdigit():
        total, free = min(total, int(limit)), min(free, max(0, int(limit) - int(used)))
    return total, free


def _said(file: str) -> str:
    try:
        return Path(file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _keys() -> Iterator[Finding]:
    for name, use in _KEYS.items():
        given = bool(os.environ.get(name))
        yield Finding("Keys", name, "ok" if given else "absent", f"{'set' if given else 'not set'}: {use}")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _sentences(findings: tuple[Finding, ...], machine: _Machine) -> Iterator[str]:
    by_name = {finding.name: finding for finding in findings}
    lacking = [finding for finding in findings if finding.state == "missing"]
    if lacking:
        steps = "; ".join(f"{finding.name} {finding.detail}: {finding.action}" for finding in lacking)
        yield f"No run can work yet. {steps}."
    decoding, encoding = by_name.get("NVDEC"), by_name.get("NVENC")
    if decoding and decoding.state == "ok":
        yield f"Decoding: NVDEC where the stream is 8 bit 4:2:0 ({decoding.detail}), else the processor."
    else:
        yield f"Decoding: the processor. NVDEC is not usable{_because(decoding)}."
    if "x264" in by_name and by_name["x264"].state == "ok":
        yield f"Encoding: libx264 ({by_name['x264'].detail}), so that every machine makes the same bytes."
    if encoding and encoding.state == "ok":
        yield f"NVENC may be asked for by name; it makes other bytes ({encoding.detail})."
    else:
        yield f"NVENC cannot be asked for here{_because(encoding)}."
    ready = [name for name in PROFILES if name in by_name and by_name[name].state == "ok"]
    yield f"Profiles whose models are here: {', '.join(ready) or 'none'}."
    yield (
        f"Workers: `--set limits.workers={machine.workers}` suits {machine.cores} cores and "
        f"{machine.free_memory / _GIB:.1f} GiB of free memory."
    )


def _because(finding: Finding | None) -> str:
    return f": {finding.detail}" if finding else ""
