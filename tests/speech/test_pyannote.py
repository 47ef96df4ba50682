"""Detector and diarizer on voices that are tones, against the truth and against pyannote's own way of loading."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from schemas.errors import AnalysisError, ModelMissing
from schemas.sections import Speech
from tasks.speech import open_detector
from tasks.speech.pyannote import COMMUNITY_1, hear_windows_once, import_pyannote, open_diarizer
from tasks.speech.turns import turns_of

pytestmark = pytest.mark.slow

FRAME_MS = 20


@pytest.fixture(scope="module")
def tones():
    pytest.importorskip("pyannote.audio", reason="needs the extra 'full' (pyannote.audio)")
    from tests.speech import tones

    return tones


@pytest.fixture(scope="module")
def models(tones, tmp_path_factory) -> dict[str, Path]:
    # By this word in a path, pyannote.audio would read the weights as those of another toolkit.
    folder = tmp_path_factory.mktemp("nvidia-speechbrain")
    return tones.write_models(folder)


@pytest.fixture(scope="module")
def conversation(tones) -> np.ndarray:
    """Low 1–3 s, high 3.5–6 s, low again 5–7 s and so over it, high 8–10 s, silence to 11 s."""
    low, high, silence = tones.low, tones.high, tones.silence
    both = low(1) + high(1)
    return np.concatenate(
        [silence(1), low(2), silence(0.5), high(1.5), both, low(1), silence(1), high(2), silence(1)]
    )


@pytest.fixture(scope="module")
def diarize(models):
    return open_diarizer(models.__getitem__)


def test_speech_is_found_where_somebody_hums(models, conversation):
    found = open_detector("pyannote", Speech(), models.__getitem__)(conversation)
    for interval, (start_ms, end_ms) in zip(found, [(1000, 3000), (3500, 7000), (8000, 10_000)], strict=True):
        assert abs(interval.start_ms - start_ms) <= FRAME_MS
        assert abs(interval.end_ms - end_ms) <= FRAME_MS
        assert interval.score == 1


def test_settings_of_the_recipe_count(models, conversation):
    longer = open_detector("pyannote", Speech(min_speech="2500 ms"), models.__getitem__)(conversation)
    assert [round(interval.start_ms, -2) for interval in longer] == [3500]
    bridged = open_detector("pyannote", Speech(min_silence="3 s"), models.__getitem__)(conversation)
    assert [(interval.start_ms, interval.end_ms) for interval in bridged] == [(1000, 10_020)]
    assert bridged[0].score == pytest.approx(7.5 / 9, abs=0.02)


def test_the_same_speech_as_pyannotes_own_pipeline(models, conversation, tmp_path):
    import torch
    from pyannote.audio.pipelines import VoiceActivityDetection

    plain = Path(shutil.copy(models["pyannote-segmentation"], tmp_path / "pytorch_model.bin"))
    pipeline = VoiceActivityDetection(segmentation=str(plain))
    pipeline.instantiate({"min_duration_on": 0.25, "min_duration_off": 0.1})
    theirs = pipeline({"waveform": torch.from_numpy(conversation)[None], "sample_rate": 16_000})
    ours = open_detector("pyannote", Speech(), models.__getitem__)(conversation)
    assert [(one.start_ms, one.end_ms) for one in ours] == [
        (round(segment.start * 1000), round(segment.end * 1000)) for segment in theirs.get_timeline()
    ]


def test_turns_overlap_where_voices_do(diarize, conversation):
    turns = turns_of(diarize(conversation), 11_000, 250)
    truth = [
        (1000, 3000, "V1", 0),
        (3500, 6000, "V2", 1000),
        (5000, 7000, "V1", 1000),
        (8000, 10_000, "V2", 0),
    ]
    for turn, (start_ms, end_ms, voice, overlapped_ms) in zip(turns, truth, strict=True):
        assert turn.voice == voice
        assert abs(turn.start_ms - start_ms) <= FRAME_MS
        assert abs(turn.end_ms - end_ms) <= FRAME_MS
        assert abs(turn.overlapped_ms - overlapped_ms) <= FRAME_MS


def test_the_same_turns_as_the_published_folder(models, diarize, conversation, tmp_path):
    """As pyannote.audio reads a downloaded community-1: folders beside a config.yaml."""
    import torch
    from pyannote.audio import Pipeline

    for name, place in {
        "pyannote-segmentation": "segmentation/pytorch_model.bin",
        "pyannote-embedding": "embedding/pytorch_model.bin",
        "pyannote-plda-transform": "plda/xvec_transform.npz",
        "pyannote-plda": "plda/plda.npz",
    }.items():
        (tmp_path / place).parent.mkdir(exist_ok=True)
        shutil.copy(models[name], tmp_path / place)
    parts = {name: f"$model/{name}" for name in ("segmentation", "embedding", "plda")}
    options = {"clustering": "VBxClustering", "embedding_exclude_overlap": True}
    sizes = {"segmentation_batch_size": 32, "embedding_batch_size": 32}
    pipeline = {"name": "pyannote.audio.pipelines.SpeakerDiarization", "params": parts | options | sizes}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"pipeline": pipeline, "params": COMMUNITY_1}))
    theirs = Pipeline.from_pretrained(tmp_path)(
        {"waveform": torch.from_numpy(conversation)[None], "sample_rate": 16_000}
    )
    assert diarize(conversation) == [
        (segment.start, segment.end, label)
        for segment, _, label in theirs.speaker_diarization.itertracks(yield_label=True)
    ]


def test_again_and_opened_again_it_says_the_same(models, diarize, conversation):
    assert diarize(conversation) == diarize(conversation) == open_diarizer(models.__getitem__)(conversation)


def test_windows_heard_once_have_the_same_embeddings(tones):
    """With the architecture of community-1, whose weights are drawn by lot here; a batch that splits a window."""
    import torch
    from pyannote.audio.models.embedding.wespeaker import WeSpeakerResNet34

    torch.manual_seed(0)
    network = WeSpeakerResNet34().eval()
    sounds = [tones.low(1), tones.high(1), tones.low(1) + tones.high(1)]
    waveforms = torch.from_numpy(np.stack([sounds[window] for window in (0, 1, 1, 1, 2, 0)]))[:, None]
    weights = torch.rand(6, 59).round()
    heard = []
    with torch.inference_mode():
        wanted = network(waveforms, weights)
        network.resnet.conv1.register_forward_hook(lambda layer, given, result: heard.append(len(result)))
        found = hear_windows_once(network)(waveforms, weights)
    assert heard == [4]
    assert (found - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@pytest.mark.parametrize("seconds", [0, 0.05, 3])
def test_nobody_speaks(tones, models, diarize, seconds):
    assert diarize(tones.silence(seconds)) == []
    assert open_detector("pyannote", Speech(), models.__getitem__)(tones.silence(seconds)) == []


def test_one_short_voice(tones, diarize):
    (turn,) = turns_of(diarize(tones.low(0.5)), 500, 250)
    assert (turn.voice, turn.end_ms, turn.overlapped_ms) == ("V1", 500, 0)
    assert turn.start_ms <= FRAME_MS


@pytest.mark.parametrize("bad", [np.zeros((2, 16_000), np.float32), np.full(16_000, np.nan, np.float32)])
def test_unusable_waveforms_are_errors(models, diarize, bad):
    for work in (diarize, open_detector("pyannote", Speech(), models.__getitem__)):
        with pytest.raises(AnalysisError, match="waveform"):
            work(bad)


def test_nothing_is_asked_of_the_network(models, conversation, monkeypatch):
    asked = []

    def refuse(self, address):
        asked.append(address)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("PYANNOTE_METRICS_ENABLED", "1")
    open_diarizer(models.__getitem__)(conversation)
    from pyannote.audio.telemetry.metrics import is_metrics_enabled, provider

    assert provider.force_flush()
    assert not is_metrics_enabled()
    assert os.environ["PYANNOTE_METRICS_ENABLED"] == "0"
    assert asked == []


def test_no_module_is_left_that_cannot_be_looked_at(tones):
    """As pickling does; speechbrain, which pyannote loads where it is installed, leaves some that raise."""
    import_pyannote()
    for module in list(sys.modules.values()):
        getattr(module, "__file__", None)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyannote.audio.pipelines", None)
    with pytest.raises(ModelMissing, match=r"pyannote.audio is not installed.*clapper-av\[full\].*silero"):
        import_pyannote()


def test_missing_weights_come_before_the_slow_import(monkeypatch):
    def no_weights(name: str):
        raise ModelMissing(name, "is not on this machine")

    monkeypatch.setitem(sys.modules, "pyannote.audio.pipelines", None)
    with pytest.raises(ModelMissing, match="pyannote-segmentation"):
        open_detector("pyannote", Speech(), no_weights)
    with pytest.raises(ModelMissing, match="pyannote-segmentation"):
        open_diarizer(no_weights)
