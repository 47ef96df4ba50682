"""Versions in each form of media, from publishing to the loader and on into an export."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from schemas.publishing import MediaForm, Publishing
from schemas.recipe import Recipe
from tasks.releases.formats.export import export_layout, rules_of
from tasks.releases.formats.exported import Options, media_form
from tasks.releases.verify import verify
from tests.releases.formats.making import FREE, SECONDS, make_clip
from tests.releases.making import release, row, without_media

datasets = pytest.importorskip("datasets")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


def published(root: Path, clip: Path, media: MediaForm):
    """A version of three real clips, one of which may not be passed on."""
    content = clip.read_bytes()
    rows = []
    for video, licence in (("a", FREE), ("b", FREE), ("c", None)):
        made = row(
            root,
            video,
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            source_licence=licence,
        )
        (root / made["file"]).write_bytes(content)
        rows.append(made)
    recipe = Recipe(name="toy", title="Toy", release=Publishing(media=media, redistributable=(FREE,)))
    return release(root, rows, {"a": "train", "b": "test", "c": "train"}, recipe)


@pytest.mark.slow
@pytest.mark.parametrize("media", ["path", "inside", "reference"])
def test_what_was_published_loads_by_its_own_card_and_is_exported(tmp_path, clip, monkeypatch, media) -> None:
    without_media(monkeypatch)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    made = published(tmp_path, clip, media)
    assert media_form(made) == media
    assert list(verify(made, tmp_path)) == []
    loaded = datasets.load_dataset(str(made.folder))
    assert {split: [row["clip_id"] for row in rows] for split, rows in loaded.items()} == {
        "train": ["a_0_1000", "c_0_1000"],
        "test": ["b_0_1000"],
    }
    if media == "reference":
        assert not list(made.folder.rglob("*.mp4"))
        return
    heard = loaded.cast_column("audio", datasets.Audio(sampling_rate=16_000))["test"][0]
    assert heard["video"].metadata.num_frames == 25 * SECONDS
    assert heard["audio"].get_all_samples().data.shape[1] >= 16_000 * SECONDS
    exported = export_layout(made, "parquet", tmp_path / "out", Options(rules_of(made), media="inside"))
    assert (exported.clips, [share.parts for share in exported.left_out]) == (2, [1])
    handed_on = datasets.load_dataset(str(tmp_path / "out"))
    assert [row["video"] is not None for row in handed_on["train"]] == [True, False]
