"""The store on files: finding, verifying, copying from a mirror, and what its errors say."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from schemas.errors import ModelCorrupt, ModelMissing, RecipeError
from tasks.models import Model, ModelStore, open_store, read_catalogue

WEIGHTS = bytes(range(256)) * 40


def entry(name: str = "tiny", data: bytes = WEIGHTS, **changes) -> Model:
    fields = {
        "name": name,
        "file": f"{name}.bin",
        "url": f"http://127.0.0.1:9/{name}.bin",
        "licence": "CC0",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "purpose": "test",
    }
    return Model(**(fields | changes))


def store(tmp_path: Path, *models: Model, mirror: bool = False) -> ModelStore:
    folder = tmp_path / "mirror"
    folder.mkdir(exist_ok=True)
    return ModelStore(
        folder if mirror else None, tmp_path / "cache", {m.name: m for m in models or (entry(),)}
    )


def test_mirror_is_used_in_place(tmp_path):
    weights = store(tmp_path, mirror=True)
    (tmp_path / "mirror" / "tiny.bin").write_bytes(WEIGHTS)
    assert weights.path("tiny") == tmp_path / "mirror" / "tiny.bin"
    assert not (tmp_path / "cache").exists()


def test_pull_copies_from_the_mirror_and_keeps_what_is_done(tmp_path):
    weights = store(tmp_path, mirror=True)
    (tmp_path / "mirror" / "tiny.bin").write_bytes(WEIGHTS)
    seen = []
    (pulled,) = weights.pull(["tiny", "tiny"], lambda *step: seen.append(step))
    assert pulled == tmp_path / "cache" / "tiny.bin"
    assert pulled.read_bytes() == WEIGHTS
    assert seen[-1] == ("tiny", len(WEIGHTS), len(WEIGHTS))
    written = pulled.stat().st_mtime_ns
    weights.pull(["tiny"])
    assert pulled.stat().st_mtime_ns == written
    assert [path.name for path in pulled.parent.iterdir()] == ["tiny.bin"]
    # Without the mirror, the cache alone serves.
    assert store(tmp_path).path("tiny") == pulled


def test_missing_names_file_url_size_licence_and_command(tmp_path):
    with pytest.raises(ModelMissing) as caught:
        store(tmp_path).path("tiny")
    for part in ("tiny.bin", "http://127.0.0.1:9/tiny.bin", "0.01 MB", "CC0", "clapper models pull tiny"):
        assert part in str(caught.value)


def test_gated_model_says_what_to_accept_and_is_not_downloaded(tmp_path):
    weights = store(tmp_path, entry(gate="accept the terms at http://127.0.0.1:9/terms"))
    for attempt in (lambda: weights.path("tiny"), lambda: weights.pull(["tiny"])):
        with pytest.raises(ModelMissing, match="accept the terms at"):
            attempt()


@pytest.mark.parametrize("wrong", [WEIGHTS[:-1], WEIGHTS + b"x", b"x" + WEIGHTS[1:]])
def test_wrong_bytes_in_the_mirror_are_an_error_everywhere(tmp_path, wrong):
    weights = store(tmp_path, mirror=True)
    (tmp_path / "mirror" / "tiny.bin").write_bytes(wrong)
    with pytest.raises(ModelCorrupt, match="has"):
        weights.path("tiny")
    with pytest.raises(ModelCorrupt):
        weights.pull(["tiny"])
    assert list((tmp_path / "cache").iterdir()) == []


def test_corruption_names_expected_and_found_checksum(tmp_path):
    wrong = WEIGHTS[::-1]
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "tiny.bin").write_bytes(wrong)
    with pytest.raises(ModelCorrupt) as caught:
        store(tmp_path).path("tiny")
    assert hashlib.sha256(wrong).hexdigest() in str(caught.value)
    assert hashlib.sha256(WEIGHTS).hexdigest() in str(caught.value)


def test_a_file_changed_after_its_check_is_checked_again(tmp_path):
    weights = store(tmp_path)
    (tmp_path / "cache").mkdir()
    file = tmp_path / "cache" / "tiny.bin"
    file.write_bytes(WEIGHTS)
    weights.path("tiny")
    file.write_bytes(WEIGHTS[::-1])
    os.utime(file, ns=(1, 1))
    with pytest.raises(ModelCorrupt):
        weights.path("tiny")


def test_verify_tells_the_three_states_apart(tmp_path):
    weights = store(tmp_path, entry("good"), entry("bad"), entry("absent"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "good.bin").write_bytes(WEIGHTS)
    (tmp_path / "cache" / "bad.bin").write_bytes(WEIGHTS[::-1])
    assert [(check.name, check.state) for check in weights.verify()] == [
        ("good", "ok"),
        ("bad", "corrupt"),
        ("absent", "missing"),
    ]


def test_unknown_name_lists_the_known_ones(tmp_path):
    weights = store(tmp_path, entry("one"), entry("two"))
    for attempt in (weights.path, weights.checksum, lambda name: weights.pull([name])):
        with pytest.raises(RecipeError, match="known: one, two"):
            attempt("three")


def test_checksum_needs_no_file(tmp_path):
    assert store(tmp_path).checksum("tiny") == hashlib.sha256(WEIGHTS).hexdigest()


def test_environment_decides_the_folders(tmp_path, monkeypatch):
    monkeypatch.delenv("CLAPPER_MODELS", raising=False)
    monkeypatch.delenv("CLAPPER_MODELS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert open_store().cache == tmp_path / "clapper" / "models"
    assert open_store().mirror is None
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/to/be/ignored")
    assert open_store().cache == Path.home() / ".cache" / "clapper" / "models"
    monkeypatch.setenv("CLAPPER_MODELS_CACHE", str(tmp_path / "here"))
    monkeypatch.setenv("CLAPPER_MODELS", str(tmp_path))
    assert (open_store().mirror, open_store().cache) == (tmp_path, tmp_path / "here")
    monkeypatch.setenv("CLAPPER_MODELS", str(tmp_path / "nowhere"))
    with pytest.raises(ModelMissing, match="CLAPPER_MODELS"):
        open_store()


def test_catalogue_refuses_doubles_and_mistakes(tmp_path):
    good = entry().model_dump_json()
    twice = tmp_path / "twice.yaml"
    twice.write_text(f"[{good}, {good}]")
    with pytest.raises(RecipeError, match="tiny twice"):
        read_catalogue(twice)
    short = tmp_path / "short.yaml"
    short.write_text("[{name: tiny, file: tiny.bin}]")
    with pytest.raises(RecipeError, match="sha256"):
        read_catalogue(short)


def test_catalogue_agrees_with_the_real_weights(shared_data, tmp_path):
    weights = ModelStore(shared_data / "weights", tmp_path)
    states = {check.name: check for check in weights.verify()}
    for name in ("yunet", "scrfd-500m", "scrfd-2.5g", "lr-asd", "mn04"):
        assert states[name].state == "ok", states[name].detail
