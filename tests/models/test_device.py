"""Where networks run, as the environment says."""

from __future__ import annotations

import onnxruntime
import pytest
import torch

from schemas.errors import ModelMissing
from tasks.models.device import onnx_providers, reduced, threads, torch_device


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLAPPER_DEVICE", "CLAPPER_PRECISION", "CLAPPER_THREADS"):
        monkeypatch.delenv(name, raising=False)


def test_the_processor_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAPPER_DEVICE", "cpu")
    assert torch_device() == torch.device("cpu")
    assert onnx_providers() == ["CPUExecutionProvider"]


@pytest.mark.parametrize("wanted", ["cuda:99", "meta", "a toaster"])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setenv("CLAPPER_DEVICE", wanted)
    with pytest.raises(ModelMissing, match=wanted):
        torch_device()


def test_the_card_that_is_named_is_the_card_of_onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    monkeypatch.setenv("CLAPPER_DEVICE", "cuda:3")
    assert onnx_providers() == [("CUDAExecutionProvider", {"device_id": "3"}), "CPUExecutionProvider"]
    monkeypatch.setenv("CLAPPER_DEVICE", "cpu")
    assert onnx_providers() == ["CPUExecutionProvider"]


def test_networks_take_one_core_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAPPER_DEVICE", "cpu")
    torch_device()
    assert torch.get_num_threads() == threads() == 1
    monkeypatch.setenv("CLAPPER_THREADS", "none")
    with pytest.raises(ModelMissing, match="CLAPPER_THREADS"):
        threads()


@pytest.mark.parametrize("precision", ["exact", "mixed"])
def test_the_processor_computes_exactly_whatever_is_asked(
    monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    monkeypatch.setenv("CLAPPER_PRECISION", precision)
    one = torch.linspace(-3, 3, 64).reshape(8, 8)
    with reduced(torch.device("cpu")):
        assert torch.equal(one @ one, torch.matmul(one, one)) and (one @ one).dtype == torch.float32
        assert torch.is_inference(one @ one)


def test_an_unknown_precision_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAPPER_PRECISION", "half")
    with pytest.raises(ModelMissing, match="exact or mixed"), reduced(torch.device("cpu")):
        pass
