"""Networks in ONNX Runtime that look for faces: a session, and what shows it frames.

What the networks have in common is here; what their outputs mean is in `scrfd` and `yunet`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import ModelCorrupt
from tasks.faces.canvas import Fitting, place
from tasks.models.device import onnx_providers

if TYPE_CHECKING:
    import onnxruntime

Drawn = Callable[[list[np.ndarray]], np.ndarray]
"""n canvases uint8 (h, w, 3) BGR → float32 (n, 3, h, w), as the network wants to see them."""

BoxesOf = Callable[[Sequence[np.ndarray], tuple[int, int]], np.ndarray]
"""The network's outputs for one canvas, each (cells, values), and its width and height → boxes (k, 5) on it."""

_AT_ONCE = 8


def open_session(path: Path, outputs: Sequence[int], kind: str) -> onnxruntime.InferenceSession:
    """A network in ONNX Runtime, on the device that the environment names.

    On a processor it takes one core, since other clips are worked on beside this one.

    Args:
        outputs: how many outputs it may have.
        kind: what the network is, for people.

    Raises:
        ModelCorrupt: ONNX Runtime cannot read the file, or it has another number of outputs.
    """
    import onnxruntime  # not needed by most commands, and slow to come

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    action = "pull it again: clapper models pull"
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=onnx_providers())
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        raise ModelCorrupt(path.name, f"is no ONNX network: {error}", action) from error
    count = len(session.get_outputs())
    if count not in outputs:
        allowed = " or ".join(map(str, outputs))
        raise ModelCorrupt(path.name, f"has {count} outputs, {kind} has {allowed}", action)
    return session


def fixed_canvas(session: onnxruntime.InferenceSession) -> tuple[int, int] | None:
    """Width and height in px of the only pictures that a network takes; None where any size will do."""
    height, width = session.get_inputs()[0].shape[2:]
    return (width, height) if isinstance(height, int) and isinstance(width, int) else None


def searching(
    session: onnxruntime.InferenceSession,
    outputs: Sequence[str],
    fitting: Fitting,
    drawn: Drawn,
    boxes_of: BoxesOf,
) -> Callable[[np.ndarray], list[np.ndarray]]:
    """The detector that shows frames to a network: eight at once where it takes batches, else one by one.

    Args:
        outputs: names of those that `boxes_of` wants, in its order.
    """
    tensor = session.get_inputs()[0]
    takes_batches = not isinstance(tensor.shape[0], int) and len(session.get_outputs()[0].shape) == 3
    at_once = _AT_ONCE if takes_batches else 1
    fitting = replace(fitting, fixed_px=fixed_canvas(session))

    def detect(frames: np.ndarray) -> list[np.ndarray]:
        if not len(frames):
            return []
        placing = place((frames.shape[2], frames.shape[1]), fitting)
        found = []
        for first in range(0, len(frames), at_once):
            canvases = [placing.draw(frame) for frame in frames[first : first + at_once]]
            given = session.run(outputs, {tensor.name: drawn(canvases)})
            given = [values.reshape(len(canvases), -1, values.shape[-1]) for values in given]
            found += [
                placing.in_frame(boxes_of([values[n] for values in given], placing.canvas))
                for n in range(len(canvases))
            ]
        return found

    return detect
