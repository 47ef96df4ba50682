"""AST from local files: its scores are those of transformers' own classes, one chunk at a time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from schemas.errors import AnalysisError, ModelCorrupt, RecipeError
from schemas.recipe import Recipe
from tasks.sounds import SOUNDS_STAGE, Tagger, open_tagger
from tasks.sounds.audio_spectrogram_transformer import FILES
from tasks.sounds.audioset import audioset_classes
from tasks.workspace.stage import Context
from tests.sounds.checkpoints import ast_folder, sounds

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return ast_folder(tmp_path_factory.mktemp("ast"))


@pytest.fixture(scope="module")
def tagger(folder) -> Tagger:
    return opened(folder)


@pytest.fixture
def spoiled(folder, tmp_path) -> Path:
    return shutil.copytree(folder, tmp_path / "ast")


def opened(folder: Path) -> Tagger:
    return open_tagger("ast", lambda name: folder / FILES[name])


def test_scores_are_those_of_the_public_code(tagger, folder):
    from transformers import ASTFeatureExtractor, ASTForAudioClassification

    extractor = ASTFeatureExtractor.from_pretrained(folder)
    network = ASTForAudioClassification.from_pretrained(folder).eval()
    for seconds in (0.1, 2.0):
        chunks = sounds(2, seconds)
        features = [extractor(one, sampling_rate=16_000, return_tensors="pt").input_values for one in chunks]
        with torch.inference_mode():
            wanted = torch.cat([torch.sigmoid(network(one).logits) for one in features]).numpy()
        scores = tagger.tag(chunks)
        assert np.ptp(scores) > 0.1
        np.testing.assert_allclose(scores, wanted, atol=1e-5)


def test_scores_do_not_depend_on_the_batch(tagger):
    chunks = sounds(3, 1.0)
    together = tagger.tag(chunks)
    assert np.abs(together - together[0]).max() > 1e-3
    np.testing.assert_allclose(together, np.concatenate([tagger.tag(one[None]) for one in chunks]), atol=1e-5)


def test_classes_are_found_by_name(tagger):
    assert tagger.classes == tuple(one.id for one in audioset_classes())


def test_chunks_that_it_would_cut_are_refused(tagger, folder, tmp_path):
    assert tagger.longest_ms == 10_255
    with pytest.raises(AnalysisError, match="10300 ms.*10255 ms at most"):
        tagger.tag(np.zeros((1, 164_800), np.float32))
    recipe = Recipe(name="test", title="test", profile="full", sounds={"model": "ast", "chunk": "11 s"})
    with pytest.raises(RecipeError, match="11000 ms.*10255 ms at most"):
        SOUNDS_STAGE.open(Context(recipe, tmp_path, lambda name: folder / FILES[name]))


def test_other_classes_are_refused(spoiled):
    settings = json.loads((spoiled / "config.json").read_text())
    settings["id2label"]["7"] = "Xylophone of glass"
    (spoiled / "config.json").write_text(json.dumps(settings))
    with pytest.raises(ModelCorrupt, match="Xylophone of glass"):
        opened(spoiled)


def test_weights_that_lack_something_are_refused(spoiled):
    from safetensors.torch import load_file, save_file

    weights = load_file(spoiled / "model.safetensors")
    del weights["classifier.dense.bias"]
    save_file(weights, spoiled / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelCorrupt, match=r"no AST of its config.*classifier\.dense\.bias"):
        opened(spoiled)


def test_weights_of_another_size_are_refused(spoiled, tmp_path):
    other = ast_folder(tmp_path / "other", hidden=12)
    shutil.copyfile(other / "model.safetensors", spoiled / "model.safetensors")
    with pytest.raises(ModelCorrupt, match="AST"):
        opened(spoiled)


@pytest.mark.parametrize("name", FILES.values())
def test_files_that_are_something_else_are_refused(spoiled, name):
    (spoiled / name).write_bytes(b"something else")
    with pytest.raises(ModelCorrupt, match="cannot load AST"):
        opened(spoiled)
