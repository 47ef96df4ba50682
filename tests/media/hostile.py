"""Files that no camera makes: small sources of every usual kind, damaged in ways drawn from a seed.

    sources = base_files(folder)
    case = damaged_case(17, [source.read_bytes() for source in sources])
    case.what, len(case.content)          # "zeros: 1200 bytes at 310", 48211

The same number gives the same damage wherever it is drawn; the sources are encoded anew in each run.
"""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from tests.media.making import Recording, events_between, record, steady

SEED = 20_240_617
LENGTH_S = 3.4

_FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"
_BASES = {
    "plain.mp4": "-c:v libx264 -preset ultrafast -bf 2 -c:a aac",
    "fragments.mp4": f"-c:v libx264 -preset ultrafast -g 12 -c:a aac -movflags {_FRAGMENTS}",
    "web.webm": "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus",
    "lossless.mkv": "-c:v libx264 -preset ultrafast -c:a flac",
    "broadcast.ts": "-c:v mpeg2video -c:a mp2 -r 25",
    "old.avi": "-c:v mpeg4 -c:a libmp3lame -r 25",
    "camera.mov": "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le",
    "flash.flv": "-c:v flv1 -c:a libmp3lame -ar 44100",
    "free.ogv": "-c:v libtheora -c:a libvorbis",
    "windows.wmv": "-c:v wmv2 -c:a wmav2",
    "disc.mpg": "-c:v mpeg1video -c:a mp2 -r 25",
}
BASE_NAMES = tuple(_BASES)
_SIZE_NAMES = (
    b"moov mvhd trak tkhd edts elst mdia mdhd hdlr minf stbl stsd stts ctts stsc stsz stco mdat moof traf trun "
    b"tfhd tfdt mvex avc1 avcC mp4a esds RIFF LIST hdrl avih strl strh strf movi idx1 OggS fmt"
).split()
_EXTREMES = (0, 1, 7, 2**31 - 1, 2**31, 2**32 - 1, 2**16)

Draw = Callable[[bytearray, Sequence[bytes], random.Random], str]


@dataclass(frozen=True)
class Case:
    """A damaged file: the base that it was, what was done to it in words, and its bytes."""

    number: int
    base: str
    kind: str
    what: str
    content: bytes


def base_files(folder: Path) -> list[Path]:
    """The undamaged sources, 96 x 64 px and 3.4 s long with flashes and beeps, in the order of `BASE_NAMES`."""
    events = events_between(0, LENGTH_S)
    recording = Recording("master.mkv", steady(25, 0, LENGTH_S), [(0, LENGTH_S)], events, audio_codec="flac")
    master = record(recording, folder)
    made = []
    for name, options in _BASES.items():
        made.append(folder / name)
        command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(master), *options.split(), "-threads", "1"]
        subprocess.run([*command, "-y", str(made[-1])], check=True, capture_output=True)
    master.unlink()
    return made


def damaged_case(number: int, contents: Sequence[bytes]) -> Case:
    """Case `number` of the endless list that the seed begins; `contents` of the files of `BASE_NAMES`."""
    chance = random.Random(f"{SEED}-{number}")
    which = number % len(BASE_NAMES)
    kind = list(_DAMAGES)[(number // len(BASE_NAMES) + number) % len(_DAMAGES)]
    content = bytearray(contents[which])
    what = _DAMAGES[kind](content, contents, chance)
    return Case(number, BASE_NAMES[which], kind, what, bytes(content))


def _flip(content: bytearray, start: int, stop: int, count: int, chance: random.Random) -> str:
    for _ in range(count):
        content[chance.randrange(start, stop)] ^= 1 << chance.randrange(8)
    return f"{count} bits of bytes {start}–{stop}"


def _few_flips(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    return _flip(content, 0, len(content), chance.randint(1, 12), chance)


def _many_flips(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    return _flip(content, 0, len(content), chance.randint(100, 5000), chance)


def _head_flips(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    return _flip(content, 0, min(1500, len(content)), chance.randint(1, 20), chance)


def _tail_flips(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    return _flip(content, max(0, len(content) - 3000), len(content), chance.randint(1, 40), chance)


def _random_bytes(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    start, stop = _span(content, chance)
    content[start:stop] = chance.randbytes(stop - start)
    return f"random bytes {start}–{stop}"


def _zeros(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    start, stop = _span(content, chance)
    content[start:stop] = bytes(stop - start)
    return f"zeros at bytes {start}–{stop}"


def _truncated(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    length = chance.randrange(1, len(content))
    del content[length:]
    return f"the first {length} bytes"


def _beheaded(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    start = chance.randrange(1, len(content))
    del content[:start]
    return f"without the first {start} bytes"


def _spliced(content: bytearray, others: Sequence[bytes], chance: random.Random) -> str:
    other = chance.randrange(len(others))
    stop, start = chance.randrange(len(content)), chance.randrange(len(others[other]))
    content[stop:] = others[other][start:]
    return f"{stop} bytes, then {BASE_NAMES[other]} from byte {start}"


def _repeated(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    start, stop = _span(content, chance)
    times = chance.randint(1, 4)
    content[stop:stop] = content[start:stop] * times
    return f"bytes {start}–{stop} {times} times more"


def _removed(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    start, stop = _span(content, chance)
    del content[start:stop]
    return f"without bytes {start}–{stop}"


def _swapped(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    first, second, third = sorted(chance.randrange(len(content)) for _ in range(3))
    content[first:third] = content[second:third] + content[first:second]
    return f"bytes {first}–{second} behind {second}–{third}"


def _wild_sizes(content: bytearray, _: Sequence[bytes], chance: random.Random) -> str:
    """Some numbers beside the names of boxes and chunks are set to extremes, or any others if there are none."""
    places = [at for name in _SIZE_NAMES if (at := content.find(name)) >= 4]
    told = []
    for _each in range(chance.randint(1, 3)):
        at = chance.choice(places) if places else chance.randrange(4, min(len(content) - 40, 3000))
        at += chance.choice((-4, -4, 4, *range(8, 36, 4)))
        value = chance.choice(_EXTREMES)
        if at + 4 <= len(content):
            struct.pack_into(">I" if chance.random() < 0.8 else "<I", content, at, value)
            told.append(f"{value} at {at}")
    return ", ".join(told)


def _span(content: bytearray, chance: random.Random) -> tuple[int, int]:
    """A span of any place and any length, short ones as likely as long ones."""
    length = min(len(content), int(2 ** chance.uniform(2, 15)))
    start = chance.randrange(len(content) - length + 1)
    return start, start + length


_DAMAGES: dict[str, Draw] = {
    "few bits": _few_flips,
    "many bits": _many_flips,
    "bits in the head": _head_flips,
    "bits in the tail": _tail_flips,
    "wild sizes": _wild_sizes,
    "truncated": _truncated,
    "zeros": _zeros,
    "spliced": _spliced,
    "removed": _removed,
    "repeated": _repeated,
    "swapped": _swapped,
    "random bytes": _random_bytes,
    "beheaded": _beheaded,
}


def with_field(
    content: bytes, box: bytes, at: int, form: str, *values: int, only_first: bool = False
) -> bytes:
    """An MP4 in which a field of every box of one name (or the first) is overwritten; `at` counts from its name."""
    changed, found = bytearray(content), content.find(box)
    while found >= 0:
        struct.pack_into(form, changed, found + len(box) + at, *values)
        found = -1 if only_first else content.find(box, found + 1)
    return bytes(changed)


def with_jpeg_size(content: bytes, width: int, height: int) -> bytes:
    """Motion JPEG whose pictures, in their own headers, claim another size than the container's."""
    return _after(content, b"\xff\xc0\x00\x11", 1, ">HH", height, width)


def with_vp8_size(content: bytes, width: int, height: int) -> bytes:
    """VP8 whose key frames claim another size than the container's."""
    return _after(content, b"\x9d\x01\x2a", 0, "<HH", width, height)


def with_matroska_duration(content: bytes, milliseconds: float) -> bytes:
    """A Matroska file that claims another length."""
    return _after(content, b"\x44\x89\x88", 0, ">d", milliseconds)


def with_edit_list(content: bytes, entries: int) -> bytes:
    """An MP4 whose header comes last, with an edit list that goes back and forth in pieces of one tick."""
    turns = b"".join(struct.pack(">IiHH", 1, number * 37 % 2000, 1, 0) for number in range(entries))
    return _with_box(content, b"elst", struct.pack(">II", 0, entries) + turns, (b"edts", b"trak", b"moov"))


def with_reference(content: bytes, target: Path) -> bytes:
    """A MOV whose header comes last and says that the samples lie in another file, by an alias record."""
    path = str(target).encode()
    path += bytes(len(path) % 2)
    alias = bytes(130) + struct.pack(">HH", 1, 1) + bytes(16)
    alias += struct.pack(">HH", 2, len(path)) + path + struct.pack(">HH", 0xFFFF, 0)
    entry = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    parents = (b"dinf", b"minf", b"mdia", b"trak", b"moov")
    return _with_box(content, b"dref", struct.pack(">II", 0, 1) + entry, parents)


def shifted(source: Path, target: Path, ticks: int, kinds: str = "video audio", from_s: float = 0) -> Path:
    """The same packets, those of some streams stamped later from a time on; `target` says the container."""
    with av.open(str(source)) as container, av.open(str(target), "w") as made:
        streams = {stream.index: made.add_stream_from_template(stream) for stream in container.streams}
        for packet in container.demux():
            if packet.dts is None:
                continue
            if packet.stream.type in kinds and packet.pts * packet.time_base >= from_s:
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            packet.stream = streams[packet.stream.index]
            made.mux(packet)
    return target


def made_by_ffmpeg(
    target: Path, size: str, rate: int, options: str, seconds: float = 3, sound: str = ""
) -> Path:
    """A test picture and a tone, or another `sound` in the words of FFmpeg's filters."""
    inputs = ["-f", "lavfi", "-i", f"testsrc=size={size}:rate={rate}:duration={seconds}"]
    inputs += ["-f", "lavfi", "-i", sound or f"sine=1000:duration={seconds}"]
    command = ["ffmpeg", "-nostdin", "-v", "error", *inputs, *options.split(), "-y", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def _after(content: bytes, mark: bytes, gap: int, form: str, *values: float) -> bytes:
    changed, found = bytearray(content), content.find(mark)
    if found < 0:
        raise ValueError(f"{mark!r} is not in the file")
    while found >= 0 and found + len(mark) + gap + struct.calcsize(form) <= len(content):
        struct.pack_into(form, changed, found + len(mark) + gap, *values)
        found = content.find(mark, found + 1)
    return bytes(changed)


def _with_box(content: bytes, name: bytes, payload: bytes, parents: Sequence[bytes]) -> bytes:
    """All boxes of a name with another payload; those around them grow."""
    changed, found = bytearray(content), content.find(name)
    box = struct.pack(">I4s", 8 + len(payload), name) + payload
    while found >= 0:
        grown = len(box) - struct.unpack_from(">I", changed, found - 4)[0]
        changed[found - 4 : found + len(box) - grown - 4] = box
        for parent in parents:
            at = changed.rfind(parent, 0, found) - 4
            struct.pack_into(">I", changed, at, struct.unpack_from(">I", changed, at)[0] + grown)
        found = changed.find(name, found + len(box))
    return bytes(changed)
