"""Our SCRFD against the one in insightface, on the same network and canvas."""

from __future__ import annotations

import socket
import sys
from itertools import islice

import numpy as np
import onnxruntime
import pytest

from schemas.errors import ModelCorrupt, ModelMissing
from tasks.faces import buffalo, scrfd
from tasks.faces.canvas import Fitting
from tasks.faces.network import open_session
from tasks.media import read_frames

MARGIN = Fitting(margin=0.25, long_side_px=256)


def pictures(count: int) -> np.ndarray:
    """Smooth waves of colour, uint8 (count, 90, 160, 3)."""
    n, y, x, channel = np.indices((count, 90, 160, 3))
    waves = np.sin(x / (7 + 2 * channel) + n) + np.cos(y / (11 - 3 * channel) - n / 2)
    return np.round(127.5 + 63 * waves).astype(np.uint8)


def assert_same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype == np.float32
        np.testing.assert_allclose(one[:, :4], other[:, :4], atol=0.01, rtol=0)
        np.testing.assert_allclose(one[:, 4], other[:, 4], atol=1e-5, rtol=0)


@pytest.fixture
def synthetic(tmp_path):
    pytest.importorskip("onnx", reason="the networks are made with onnx, of the extra 'full'")
    from tests.faces.synthetic_scrfd import write_scrfd

    return lambda **kinds: write_scrfd(tmp_path / "scrfd.onnx", **kinds)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("opening a detector must not reach for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("landmarks", [True, False])
@pytest.mark.parametrize("batches", [True, False])
def test_a_synthetic_network_gives_the_boxes_of_insightface(synthetic, no_network, batches, landmarks):
    pytest.importorskip("insightface", reason="needs the extra 'full'")
    path = synthetic(batches=batches, landmarks=landmarks)
    ours = scrfd.open_network(path, 0.6, MARGIN)(pictures(3))
    assert all(len(boxes) > 5 for boxes in ours)
    assert_same(ours, buffalo.open_network(path, 0.6, MARGIN)(pictures(3)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scrfd_500m_bnkps.onnx", "scrfd_2.5g.onnx"])
@pytest.mark.parametrize(
    "video",
    [
        "asd_minis/grid_lbax4n__orig.mp4",
        "videos/talk/cnn_4up_demo.mp4",
        "videos/talk/lrs3_C8zY0oAdQrs_00018.mp4",
    ],
)
def test_real_weights_give_the_boxes_of_insightface(shared_data, name, video):
    pytest.importorskip("insightface", reason="needs the extra 'full'")
    (batch,) = islice(read_frames(shared_data / video, batch=3, colour="bgr"), 1)
    path = shared_data / "weights" / name
    ours = scrfd.open_network(path, 0.3)(batch.frames)
    assert all(len(boxes) for boxes in ours)
    assert_same(ours, buffalo.open_network(path, 0.3)(batch.frames))


def test_frames_in_a_batch_are_found_as_alone(synthetic):
    detect = scrfd.open_network(synthetic(batches=True), 0.6, MARGIN)
    alone = [detect(frame[None])[0] for frame in pictures(11)]
    assert_same(detect(pictures(11)), alone)
    assert len({len(boxes) for boxes in alone}) > 1


def test_a_network_that_takes_batches_is_shown_eight_frames_at_once(synthetic, monkeypatch):
    shown = []

    class Counting:
        def __init__(self, *arguments, **settings):
            self.session = session(*arguments, **settings)
            self.get_inputs, self.get_outputs = self.session.get_inputs, self.session.get_outputs

        def run(self, outputs, given):
            shown.append(len(given["input.1"]))
            return self.session.run(outputs, given)

    session = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", Counting)
    scrfd.open_network(synthetic(batches=True), 0.6, MARGIN)(pictures(11))
    scrfd.open_network(synthetic(batches=False), 0.6, MARGIN)(pictures(2))
    assert shown == [8, 3, 1, 1]


def test_without_insightface_the_extra_is_named(synthetic, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "insightface"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "insightface", None)
    with pytest.raises(ModelMissing, match=r"insightface.*\[full\]"):
        buffalo.open_network(synthetic(), 0.5)


def test_a_network_with_other_outputs_is_corrupt(synthetic):
    with pytest.raises(ModelCorrupt, match="has 9 outputs, YuNet has 12"):
        open_session(synthetic(), (12,), "YuNet")


def test_no_frames_no_boxes(synthetic):
    assert scrfd.open_network(synthetic(), 0.5)(np.zeros((0, 90, 160, 3), np.uint8)) == []
