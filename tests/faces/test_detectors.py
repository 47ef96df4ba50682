"""Detectors on real faces, and on what is none."""

from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pytest

from schemas.errors import ModelCorrupt, RecipeError
from tasks.faces.boxes import overlaps
from tasks.faces.detectors import DETECTORS, open_detector
from tasks.media import read_frames

FILES = {
    "yunet": "face_detection_yunet_2026may.onnx",
    "scrfd-500m": "scrfd_500m_bnkps.onnx",
    "scrfd-2.5g": "scrfd_2.5g.onnx",
    # The file of buffalo_l is not among the real weights; another SCRFD goes through the same code.
    "buffalo-l-det": "scrfd_2.5g.onnx",
}


@pytest.fixture(scope="module")
def speaker(shared_data) -> np.ndarray:
    """Two frames, uint8 (2, 288, 360, 3) BGR, of a speaker in a studio; the face is about 120 by 180 px."""
    (batch,) = islice(read_frames(shared_data / "asd_minis/grid_lbax4n__orig.mp4", batch=2, colour="bgr"), 1)
    return batch.frames


@pytest.fixture
def weights(shared_data):
    return lambda name: shared_data / "weights" / FILES[name]


def opened(name, weights, min_score=0.5):
    if name == "buffalo-l":
        pytest.importorskip("insightface", reason="needs the extra 'full'")
    return open_detector(name, weights, min_score)


@pytest.mark.parametrize("name", DETECTORS)
def test_one_face_is_found_in_each_frame_with_a_score(name, weights, speaker):
    found = opened(name, weights)(speaker)
    assert len(found) == 2
    for boxes in found:
        assert boxes.shape == (1, 5) and boxes.dtype == np.float32
        assert 0.5 <= boxes[0, 4] <= 1
        x0, y0, x1, y1 = boxes[0, :4]
        assert 80 < x1 - x0 < 180 and 80 < y1 - y0 < 200


def test_detectors_agree_where_the_face_is(weights, speaker):
    boxes = [
        open_detector(name, weights, 0.5)(speaker[:1])[0][0] for name in DETECTORS if name != "buffalo-l"
    ]
    assert overlaps(np.stack(boxes), np.stack(boxes)).min() > 0.45


@pytest.mark.parametrize("name", DETECTORS)
def test_a_box_moves_and_grows_with_the_picture(name, weights, speaker):
    frame = speaker[0]
    larger = cv2.copyMakeBorder(cv2.resize(frame, None, fx=1.25, fy=1.25), 40, 0, 60, 0, cv2.BORDER_REPLICATE)
    detect = opened(name, weights)
    one, two = (detect(picture[None])[0][0, :4] for picture in (frame, larger))
    assert overlaps([one * 1.25 + [60, 40, 60, 40]], [two])[0, 0] > 0.75


@pytest.mark.parametrize("name", DETECTORS)
def test_nothing_is_found_in_noise(name, weights):
    noise = np.random.default_rng(0).integers(0, 255, (1, 256, 256, 3), dtype=np.uint8)
    (boxes,) = opened(name, weights, 0.6)(noise)
    assert boxes.shape == (0, 5) and boxes.dtype == np.float32


@pytest.mark.parametrize("name", ["yunet", "scrfd-500m", "scrfd-2.5g", "buffalo-l"])
def test_a_face_that_fills_the_frame_is_found(name, weights, speaker):
    detect = opened(name, weights)
    x0, y0, x1, y1 = detect(speaker[:1])[0][0, :4].astype(int)
    close = cv2.resize(speaker[0][max(y0 - 5, 0) : y1 + 5, x0 - 5 : x1 + 5], (256, 256))
    (boxes,) = detect(close[None])
    assert len(boxes) == 1 and boxes[0, 2] - boxes[0, 0] > 180


@pytest.mark.parametrize("name", ["yunet", "scrfd-500m"])
def test_a_broken_file_is_a_corrupt_model(name, tmp_path):
    (tmp_path / "weights.onnx").write_bytes(b"no network")
    with pytest.raises(ModelCorrupt, match="clapper models pull"):
        open_detector(name, lambda _: tmp_path / "weights.onnx")


@pytest.mark.parametrize("name", ["yunet", "scrfd-500m"])
def test_a_network_of_another_kind_is_a_corrupt_model(name, shared_data):
    other = {"yunet": "scrfd_2.5g.onnx", "scrfd-500m": "face_detection_yunet_2026may.onnx"}[name]
    with pytest.raises(ModelCorrupt, match="outputs"):
        open_detector(name, lambda _: shared_data / "weights" / other)


def test_yunet_gives_the_boxes_of_opencv(weights, shared_data):
    """Frames whose sides are multiples of 32, since OpenCV adds its border on the right and below only."""
    for video in ("asd_minis/grid_lbax4n__orig.mp4", "videos/talk/cnn_4up_demo.mp4"):
        (batch,) = islice(read_frames(shared_data / video, (448, 256), batch=3, colour="bgr"), 1)
        opencv = cv2.FaceDetectorYN.create(str(weights("yunet")), "", (448, 256), 0.5, 0.3, 500)
        for frame, boxes in zip(
            batch.frames, open_detector("yunet", weights, 0.5)(batch.frames), strict=True
        ):
            theirs = opencv.detect(frame)[1]
            theirs = theirs[np.argsort(-theirs[:, 14], kind="stable")]
            corner, size = theirs[:, :2], theirs[:, 2:4]
            np.testing.assert_allclose(boxes[:, :4], np.hstack((corner, corner + size)), atol=0.01, rtol=0)
            np.testing.assert_allclose(boxes[:, 4], theirs[:, 14], atol=1e-5, rtol=0)


def test_an_unknown_detector_names_those_that_exist():
    with pytest.raises(RecipeError, match="haar, yunet, scrfd"):
        open_detector("oracle", lambda name: name)
