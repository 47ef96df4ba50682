"""The detector of the model pack buffalo_l (SCRFD, 10 GFLOP), through the package insightface.

insightface is imported when the detector is opened, not before, and is handed a network that is already in
memory: it has no occasion to download one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from schemas.errors import ModelMissing
from tasks.faces import scrfd
from tasks.faces.canvas import Fitting, place
from tasks.faces.network import fixed_canvas, open_session


def open_network(
    path: Path, min_score: float, fitting: Fitting = scrfd.FITTING
) -> Callable[[np.ndarray], list[np.ndarray]]:
    """See `tasks.faces.detectors.Detector`; frames get the same margin as for our own SCRFD.

    Raises:
        ModelMissing: the package insightface is not installed, or does not load.
        ModelCorrupt: ONNX Runtime cannot read the file, or it has other outputs than SCRFD.
    """
    try:
        from insightface.model_zoo.scrfd import SCRFD
    except ImportError as error:
        problem = f"needs the package insightface 2.1, which cannot be imported: {error}"
        action = "install the extra 'full': pip install 'clapper-av[full]'"
        raise ModelMissing("buffalo-l", problem, action) from error
    session = open_session(path, scrfd.OUTPUTS, "SCRFD")
    network = SCRFD(session=session)
    fitting = replace(fitting, fixed_px=fixed_canvas(session))

    def detect(frames: np.ndarray) -> list[np.ndarray]:
        if not len(frames):
            return []
        placing = place((frames.shape[2], frames.shape[1]), fitting)
        return [
            placing.in_frame(
                network.detect(placing.draw(frame), input_size=placing.canvas, det_thresh=min_score)[0]
            )
            for frame in frames
        ]

    return detect
