"""Excerpts: small, the same every time, and as much in sync as the clip that they are cut from."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from schemas.errors import MediaError
from schemas.manifest import MANIFEST
from tasks.releases.report.choice import Moment
from tasks.releases.report.previews import HEIGHT, MOST_BYTES, Preview, cut_preview, cut_previews
from tasks.scenes.encode import encode
from tests.releases.report.making import CLIP_MS, FLASHES_S, row, with_clips, write_rows

NOISE_SECONDS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("version")
    with_clips(folder, [row("a")])
    return folder


@pytest.fixture(scope="module")
def clip(folder) -> Path:
    return folder / row("a")["path"]


def content(data: str) -> bytes:
    return b64decode(data.split(",", 1)[1])


def decoded(preview: Preview) -> tuple[np.ndarray, np.ndarray]:
    """Mean brightness of each frame, and the samples."""
    with av.open(BytesIO(content(preview.video))) as container:
        frames = [frame.to_ndarray(format="gray").mean() for frame in container.decode(video=0)]
    with av.open(BytesIO(content(preview.video))) as container:
        parts = [frame.to_ndarray()[0][frame.pts < 0 :] for frame in container.decode(audio=0)]
    return np.array(frames), np.concatenate(parts)


@pytest.mark.parametrize("start_ms", [0, 40, 1_000, 2_960])
def test_flashes_and_beeps_are_where_the_clip_has_them(clip, tmp_path, start_ms):
    frames, samples = decoded(cut_preview(clip, start_ms, start_ms + 3_000, tmp_path))
    assert (len(frames), len(samples)) == (75, 48_000)
    white = np.flatnonzero(frames > 128)
    flashes = white[np.diff(white, prepend=-9) > 1] * 40
    loud = np.flatnonzero(np.abs(samples) > 0.25)
    beeps = loud[np.diff(loud, prepend=-9_999) > 8_000] / 16
    due = [1000 * time - start_ms for time in FLASHES_S if start_ms <= 1000 * time < start_ms + 3_000]
    assert flashes.tolist() == due
    assert np.abs(beeps - due).max() < 3


def test_an_excerpt_is_small_and_the_same_every_time(clip, tmp_path):
    one, other = (cut_preview(clip, 1_000, 4_000, tmp_path) for _ in range(2))
    assert one == other
    assert len(content(one.video)) <= MOST_BYTES
    assert (one.width, one.height) == (342, HEIGHT)
    with Image.open(BytesIO(content(one.poster))) as poster:
        assert (poster.format, poster.size) == ("JPEG", (342, HEIGHT))
    assert not list(tmp_path.iterdir())


def test_even_noise_becomes_small_enough(tmp_path):
    draw = np.random.default_rng(0)
    frames = (draw.integers(0, 255, (256, 144, 3), np.uint8) for _ in range(25 * NOISE_SECONDS))
    sound = draw.uniform(-0.5, 0.5, 16_000 * NOISE_SECONDS).astype(np.float32)
    encode(tmp_path / "noise.mp4", frames, sound, (144, 256), 25, 16_000)
    preview = cut_preview(tmp_path / "noise.mp4", 0, 1000 * NOISE_SECONDS, tmp_path)
    assert len(content(preview.video)) <= MOST_BYTES
    assert (preview.width, preview.height) == (108, HEIGHT)


def moment(clip_id: str, path: str | None) -> Moment:
    return Moment("other", clip_id, "a", "news", path, None, None, 0, CLIP_MS, 0, CLIP_MS, 0.5)


def test_clips_are_taken_from_the_folder_or_out_of_the_tables(folder, clip, tmp_path):
    schema = MANIFEST.append(pa.field("video", pa.struct([("bytes", pa.binary()), ("path", pa.string())])))
    held = {"bytes": clip.read_bytes(), "path": "x.mp4"}
    rows = [row("a", number, path=None) | {"video": held} for number in range(5)]
    files = write_rows(tmp_path, rows, schema)
    inside = moment(rows[4]["clip_id"], None)
    beside = moment(row("a")["clip_id"], row("a")["path"])
    told: list[tuple[int, int]] = []
    found = cut_previews([inside], tmp_path, files, lambda *numbers: told.append(numbers))
    assert found[inside] == cut_previews([beside], folder, [])[beside]
    assert told == [(0, 1), (1, 1)]
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_without_clips_there_are_no_excerpts(tmp_path):
    absent = moment(row("a")["clip_id"], row("a")["path"])
    assert cut_previews([absent], tmp_path, write_rows(tmp_path, [row("a")])) == {}


def test_a_clip_that_cannot_be_decoded_is_named(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film")
    with pytest.raises(MediaError, match=r"broken\.mp4.*cannot be decoded"):
        cut_preview(broken, 0, 2_000, tmp_path)


def test_a_clip_that_is_shorter_than_it_says_is_named(clip, tmp_path):
    with pytest.raises(MediaError, match="25 of the frames 125 to 175"):
        cut_preview(clip, 5_000, 7_000, tmp_path)
