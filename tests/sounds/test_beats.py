"""BEATs from checkpoints of the official format: its scores are those of speechbrain's own forward."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from schemas.errors import ModelCorrupt, ModelMissing
from tasks.sounds import Tagger, open_tagger
from tasks.sounds.audioset import audioset_classes
from tasks.sounds.beats import import_public_code
from tasks.sounds.networks import CHUNKS_AT_ONCE
from tests.sounds.checkpoints import beats_checkpoint, sounds


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return beats_checkpoint(tmp_path_factory.mktemp("beats") / "beats.pt")


@pytest.fixture(scope="module")
def tagger(checkpoint) -> Tagger:
    return open_tagger("beats", lambda name: checkpoint)


def public_scores(checkpoint: Path, chunks: np.ndarray) -> np.ndarray:
    """One chunk at a time through speechbrain's own class."""
    network = import_public_code().BEATs(ckp_path=str(checkpoint))
    whole = torch.ones(1)
    return np.concatenate([network(torch.from_numpy(one[None]), whole)[1].numpy() for one in chunks])


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.18, 1.0, 2.0, 3.217])
def test_scores_are_those_of_the_public_code(tagger, checkpoint, seconds):
    chunks = sounds(3, seconds)
    scores = tagger.tag(chunks)
    assert scores.shape == (3, 527)
    assert np.ptp(scores) > 0.1
    np.testing.assert_allclose(scores, public_scores(checkpoint, chunks), atol=1e-5)


@pytest.mark.slow
def test_scores_do_not_depend_on_the_batch(tagger):
    chunks = sounds(CHUNKS_AT_ONCE["cpu"] + 3, 1.0)
    together = tagger.tag(chunks)
    assert np.abs(together - together[0]).max() > 0.01
    np.testing.assert_allclose(together, np.concatenate([tagger.tag(one[None]) for one in chunks]), atol=1e-5)


@pytest.mark.slow
def test_very_short_chunks_are_filled_with_silence(tagger):
    short = sounds(1, 0.1)
    filled = np.pad(short, ((0, 0), (0, 2_800 - short.shape[1])))
    np.testing.assert_array_equal(tagger.tag(short), tagger.tag(filled))
    assert np.isfinite(tagger.tag(np.zeros((1, 1), np.float32))).all()


def test_loaded_modules_can_be_looked_at(tagger):
    """speechbrain leaves modules behind that raise ImportError when somebody does."""
    for module in list(sys.modules.values()):
        hasattr(module, "__file__")


@pytest.mark.slow
def test_classes_come_in_the_checkpoints_order(tagger):
    assert tagger.classes == tuple(one.id for one in reversed(audioset_classes()))
    assert not tagger.limited
    assert tagger.sample_rate == 16_000


@pytest.mark.slow
def test_names_of_weights_as_published(tagger, checkpoint, tmp_path):
    """The published files were written before torch changed how it names normalised weights."""
    content = torch.load(checkpoint, weights_only=True)
    new = "parametrizations.weight.original"
    content["model"] = {
        key.replace(f"{new}0", "weight_g").replace(f"{new}1", "weight_v"): weights
        for key, weights in content["model"].items()
    }
    assert not any(new in key for key in content["model"])
    torch.save(content, tmp_path / "old.pt")
    chunks = sounds(2, 1.0)
    same = open_tagger("beats", lambda name: tmp_path / "old.pt").tag(chunks)
    np.testing.assert_array_equal(same, tagger.tag(chunks))


FIVE = {place: one.id for place, one in enumerate(audioset_classes()[:5])}
STRANGE = {place: f"/m/{place:05d}" for place in range(527)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"label_dict": None}, "fine-tuned"),
        ({"model": None}, "wanted dicts named"),
        ({"label_dict": FIVE}, "names 5 outputs, wanted AudioSet's 527"),
        ({"label_dict": STRANGE}, "not among them: /m/00000"),
        ({"model": {"predictor.weight": torch.zeros(3)}}, "do not fit its own cfg"),
    ],
)
def test_other_checkpoints_are_refused(tmp_path, changes, problem):
    file = beats_checkpoint(tmp_path / "beats.pt", **changes)
    with pytest.raises(ModelCorrupt, match=problem):
        open_tagger("beats", lambda name: file)


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04 broken"])
def test_files_that_are_no_checkpoints_are_refused(tmp_path, content):
    file = tmp_path / "beats.pt"
    file.write_bytes(content)
    with pytest.raises(ModelCorrupt, match="no checkpoint of torch"):
        open_tagger("beats", lambda name: file)


def test_another_kind_of_object_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "beats.pt")
    with pytest.raises(ModelCorrupt, match="list"):
        open_tagger("beats", lambda name: tmp_path / "beats.pt")


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("beats", "speechbrain.lobes.models.beats", "full"),
        ("beats", "torchaudio", "full"),
        ("ast", "transformers", "full"),
        ("mn04", "torch", "light"),
    ],
)
def test_a_missing_package_names_the_extra(monkeypatch, name, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelMissing, match=f"needs {package}.*`{extra}` extra"):
        open_tagger(name, lambda file: Path(file))
