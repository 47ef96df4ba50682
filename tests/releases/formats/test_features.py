"""One line loads a version, from anywhere: rows, pictures and sound, in step as they are in the clips."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import MediaError, ReleaseError
from schemas.manifest import MANIFEST
from tasks.releases.formats.features import card_entries, schema_of
from tasks.releases.formats.media import media_path, read_clip, sound_of, with_media
from tests.releases.formats.making import CLIPS, FLASHES_S, SECONDS, make_clip, make_release

datasets = pytest.importorskip("datasets")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """A working directory that has nothing to do with the version, and a cache of its own."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "cache")
    return folder


def load(folder: Path, **options):
    clips = datasets.load_dataset(str(folder), **options)
    return clips.cast_column("audio", datasets.Audio(sampling_rate=16_000))


def flashes_and_beeps(row: dict) -> tuple[list[float], list[float]]:
    """When pictures turn white, and when sound sets in, s."""
    pictures = row["video"].get_all_frames()
    bright = pictures.data.float().mean(dim=(1, 2, 3)).numpy() > 128
    begins = np.flatnonzero(bright & ~np.concatenate([[False], bright[:-1]]))
    sound = row["audio"].get_all_samples()
    loud = np.abs(sound.data[0].numpy()) > 0.3
    first = np.flatnonzero(loud & (np.arange(len(loud)) - _last_loud(loud) > 1_600))
    return [float(pictures.pts_seconds[number]) for number in begins], [
        sound.pts_seconds + number / sound.sample_rate for number in first
    ]


def _last_loud(loud: np.ndarray) -> np.ndarray:
    """For each sample the place of the last loud one before it."""
    places = np.where(loud, np.arange(len(loud)), -10_000)
    return np.concatenate([[-10_000], np.maximum.accumulate(places)[:-1]])


@pytest.mark.parametrize("media", ["path", "inside"])
@pytest.mark.parametrize("streaming", [False, True])
def test_pictures_and_sound_are_in_step_through_the_loader(
    tmp_path, clip, elsewhere, media, streaming
) -> None:
    folder = make_release(tmp_path, clip, media).folder
    moved = shutil.move(folder, tmp_path / "moved")
    clips = load(moved, streaming=streaming)
    assert set(clips) == {"train", "test"}
    assert isinstance(clips["train"].features["video"], datasets.Video)
    assert clips["train"].features["audio"] == datasets.Audio(sampling_rate=16_000)
    rows = list(clips["train"])
    assert [row["clip_id"] for row in rows] == [name for name, split in CLIPS.items() if split == "train"]
    for row in (rows[0], rows[-1], next(iter(clips["test"]))):
        flashes, beeps = flashes_and_beeps(row)
        assert flashes == pytest.approx(FLASHES_S, abs=1e-6)
        assert beeps == pytest.approx(FLASHES_S, abs=0.002)
        assert row["video"].metadata.num_frames == 25 * SECONDS
        assert row["labels"][0]["label"] == "other"


def test_features_are_declared_and_rows_are_those_of_the_manifest(tmp_path, clip, elsewhere) -> None:
    inside = datasets.load_dataset(str(make_release(tmp_path, clip, "inside").folder))["train"]
    assert (inside.features["video"], inside.features["audio"]) == (
        datasets.Video(),
        datasets.Audio(sampling_rate=16_000),
    )
    release = make_release(tmp_path, clip, "reference", version="1.0.1")
    loaded = datasets.load_dataset(str(release.folder))
    assert loaded["train"].column_names == MANIFEST.names
    rows = [row for split in ("train", "test") for row in loaded[split]]
    assert rows == release.rows()
    assert {row["path"] for row in rows} == {None}


def test_a_clip_that_may_not_be_given_is_none_and_the_others_play(tmp_path, clip, elsewhere) -> None:
    batch = next(make_release(tmp_path, clip).batches(MANIFEST.names))
    for media in ("path", "inside"):
        folder = tmp_path / media / "data" / "train"
        folder.mkdir(parents=True)
        shown = [number != 1 for number in range(batch.num_rows)]
        table = pa.Table.from_batches([with_media(batch, [clip] * batch.num_rows, media, shown)])
        pq.write_table(table, folder / "part-00000.parquet")
        for path in filter(None, table["path"].to_pylist()):
            (tmp_path / media / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(clip, tmp_path / media / path)
        import yaml

        front = yaml.safe_dump(card_entries(tmp_path / media, media))
        (tmp_path / media / "README.md").write_text(f"---\n{front}---\n")
        rows = list(load(tmp_path / media)["train"])
        assert [row["video"] is not None for row in rows] == shown
        assert [row["audio"] is not None for row in rows] == shown
        assert rows[2]["audio"].get_all_samples().data.shape[1] >= 16_000 * SECONDS


def test_the_sound_alone_decodes_to_the_samples_of_the_clip(clip) -> None:
    decoders = pytest.importorskip("torchcodec.decoders")
    content = clip.read_bytes()
    sound = sound_of("a", content)
    assert sound == sound_of("a", content)
    of_clip, alone = (decoders.AudioDecoder(source).get_all_samples() for source in (content, sound))
    assert alone.pts_seconds == of_clip.pts_seconds
    assert np.array_equal(alone.data.numpy(), of_clip.data.numpy())


def test_real_clips_keep_their_sound(shared_data, tmp_path) -> None:
    decoders = pytest.importorskip("torchcodec.decoders")
    videos = [file for file in sorted(shared_data.rglob("*.mp4")) if file.stat().st_size < 3_000_000][:4]
    assert videos
    compared = 0
    for file in videos:
        content = file.read_bytes()
        try:
            of_clip = decoders.AudioDecoder(content).get_all_samples()
        except (RuntimeError, ValueError):
            with pytest.raises(MediaError):
                sound_of("a", content)
            continue
        alone = decoders.AudioDecoder(sound_of("a", content)).get_all_samples()
        assert np.array_equal(alone.data.numpy(), of_clip.data.numpy())
        compared += 1
    assert compared


@pytest.mark.parametrize("harm", ["gone", "longer"])
def test_a_clip_that_is_not_what_its_row_says_is_named(clip, tmp_path, harm) -> None:
    file = tmp_path / "a.mp4"
    if harm == "longer":
        file.write_bytes(clip.read_bytes() + b"!")
    size = clip.stat().st_size
    with pytest.raises(
        ReleaseError, match=rf"a_0_1: its file should have {size} bytes and (is gone|has {size + 1})"
    ):
        read_clip("a_0_1", file, size)


def test_a_clip_without_sound_is_named() -> None:
    with pytest.raises(MediaError, match=r"a_0_1: its sound cannot be copied"):
        sound_of("a_0_1", b"no media")


def test_schemas_add_to_the_manifest_and_change_nothing_of_it() -> None:
    for media in ("reference", "path", "inside"):
        schema = schema_of(media)
        assert schema.names[: len(MANIFEST.names)] == MANIFEST.names
        assert all(field.metadata[b"description"] for field in schema)
    assert media_path("test", "v", "v_0_1") == "data/test/media/v/v_0_1.mp4"
