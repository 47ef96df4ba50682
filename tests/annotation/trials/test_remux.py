"""Files with another sound keep the picture to the bit and look like any clip from outside."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from annotation.trials.remux import copy_part, copy_with_sound
from schemas.errors import MediaError, WorkspaceError
from tasks.media import read_frames, read_waveform
from tasks.media.check import check_file
from tests.annotation.trials.making import murmuring

BIT_RATE = 64_000
NESTED = (b"moov", b"trak", b"edts", b"mdia", b"minf", b"dinf", b"stbl", b"udta")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return murmuring(tmp_path_factory.mktemp("clip") / "clip.mp4", 5.2, seed=1)


def boxes(data: bytes) -> list[tuple[str, int]]:
    """Kind and size of each box of an MP4, but for the media itself."""
    found, place = [], 0
    while place + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        found.append((kind.decode(), 0 if kind == b"mdat" else size))
        if kind in NESTED:
            found += boxes(data[place + 8 : place + size])
        place += size
    return found


def told(path: Path) -> list[dict]:
    """All that the container and its streams say in words."""
    with av.open(str(path)) as container:
        return [dict(container.metadata), *(dict(stream.metadata) for stream in container.streams)]


def picture_packets(path: Path) -> list[tuple[bytes, int, int]]:
    with av.open(str(path)) as container:
        return [(bytes(one), one.pts, one.dts) for one in container.demux(video=0) if one.size]


def test_the_picture_is_copied_and_the_contract_kept(clip: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.mp4"
    copy_with_sound(clip, read_waveform(clip)[::-1], made, BIT_RATE)
    before, after = check_file(clip), check_file(made)
    assert (before.problems, after.problems) == ((), ())
    assert after.facts.frames_xxh3 == before.facts.frames_xxh3
    assert after.facts.samples_xxh3 != before.facts.samples_xxh3
    assert picture_packets(made) == picture_packets(clip)


def test_nothing_tells_it_from_a_clip(clip: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.mp4"
    copy_with_sound(clip, np.roll(read_waveform(clip), 8000), made, BIT_RATE)
    assert boxes(made.read_bytes()) == boxes(clip.read_bytes())
    assert told(made) == told(clip)
    assert not {"title", "comment", "creation_time"} & told(made)[0].keys()
    assert made.stat().st_size == pytest.approx(clip.stat().st_size, rel=0.05)


def test_the_same_input_gives_the_same_bytes(clip: Path, tmp_path: Path) -> None:
    made = [tmp_path / "one.mp4", tmp_path / "other.mp4"]
    for path in made:
        copy_with_sound(clip, read_waveform(clip), path, BIT_RATE)
    assert made[0].read_bytes() == made[1].read_bytes()


@pytest.mark.parametrize(
    ("frames", "first"), [((0, 25), 0), ((49, 51), 0), ((50, 100), 50), ((61, 62), 50), ((101, 130), 100)]
)
def test_a_part_has_the_frames_and_the_samples_of_its_clip(
    clip: Path, tmp_path: Path, frames: tuple[int, int], first: int
) -> None:
    waveform = read_waveform(clip)
    made = tmp_path / "part.mov"
    part = copy_part(clip, waveform, frames, made)
    assert (part.first_frame, part.short_side) == (first, 64)
    pictures = np.concatenate([batch.frames for batch in read_frames(made, colour="gray")])
    whole = np.concatenate([batch.frames for batch in read_frames(clip, colour="gray")])
    assert first + len(pictures) >= frames[1]
    assert (pictures == whole[first : first + len(pictures)]).all()
    heard = read_waveform(made)
    assert np.abs(heard - waveform[first * 640 :][: len(heard)]).max() <= 1 / 32768


def test_a_sound_of_another_length_is_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="130 frames with 82560 samples"):
        copy_with_sound(clip, np.zeros(129 * 640, np.float32), tmp_path / "made.mp4", BIT_RATE)


@pytest.mark.parametrize("frames", [(-1, 20), (20, 20), (100, 131)])
def test_a_part_that_is_not_there_is_refused(clip: Path, tmp_path: Path, frames: tuple[int, int]) -> None:
    with pytest.raises(MediaError, match="has 130 frames"):
        copy_part(clip, read_waveform(clip), frames, tmp_path / "part.mov")


@pytest.mark.parametrize("content", [None, b"", b"no film at all" * 99])
def test_a_clip_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    clip = tmp_path / "broken.mp4"
    if content is not None:
        clip.write_bytes(content)
    with pytest.raises(MediaError, match=r"broken\.mp4: cannot be opened"):
        copy_with_sound(clip, np.zeros(640, np.float32), tmp_path / "made.mp4", BIT_RATE)


def test_a_full_disk_is_no_fault_of_the_clip(clip: Path) -> None:
    with pytest.raises(WorkspaceError, match="No space left"):
        copy_with_sound(clip, read_waveform(clip), Path("/dev/full"), BIT_RATE)
