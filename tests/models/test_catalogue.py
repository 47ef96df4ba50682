"""The catalogue itself: what every entry promises, and the files of the data folder against it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.pipeline import STAGES
from schemas.errors import RecipeError
from schemas.recipe import PROFILES, Recipe
from tasks.models import read_catalogue
from tasks.models.checksum import file_sha256

MODELS = list(read_catalogue().values())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_an_address_can_never_serve_another_file(model):
    """GitHub and Hugging Face by commit; SyncNet's publisher has but one place."""
    assert model.url.startswith("https://")
    pinned = re.search(r"/[0-9a-f]{40}/", model.url)
    assert pinned or model.url.startswith("https://www.robots.ox.ac.uk/~vgg/")
    assert model.licence
    assert model.purpose


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_pull_what_their_stages_load(profile):
    recipe = Recipe(name="test", title="Test", profile=profile)
    loaded = {name for stage in STAGES.values() for name in stage.models(recipe)}
    assert {model.name for model in MODELS if profile in model.profiles} == loaded


def test_only_gated_files_need_a_token():
    assert {model.token for model in MODELS if model.gate} == {"HF_TOKEN"}
    assert not any(model.token for model in MODELS if not model.gate)


def test_the_weights_of_the_data_folder_are_the_pinned_ones(shared_data):
    known = {model.file: model for model in MODELS}
    files = list((shared_data / "weights").iterdir())
    assert len(files) == 5
    for file in files:
        assert (file.stat().st_size, file_sha256(file)) == (known[file.name].bytes, known[file.name].sha256)


@pytest.mark.parametrize(
    ("size", "told"), [(16_923_827, "16.92 MB"), (26_763, "0.03 MB"), (297, "0.30 kB"), (9_999, "10.00 kB")]
)
def test_sizes_for_people(size, told):
    assert MODELS[0].model_copy(update={"bytes": size}).size == told


@pytest.mark.parametrize("change", ["sha256: 12ab", "bytes: 0", "token: lower", "surprise: 1", "file: ../x"])
def test_a_malformed_entry_is_named(tmp_path: Path, change):
    entry = {
        "name": "tiny", "file": "tiny.bin", "url": "https://example.org/x", "licence": "CC0", "bytes": "3",
        "sha256": "a" * 64, "purpose": "test", "gate": "ask",
    }  # fmt: skip
    key, _, value = change.partition(": ")
    file = tmp_path / "catalogue.yaml"
    file.write_text("- " + "\n  ".join(f"{name}: {text}" for name, text in (entry | {key: value}).items()))
    with pytest.raises(RecipeError, match=key):
        read_catalogue(file)
