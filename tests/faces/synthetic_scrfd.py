"""Small networks with the inputs and outputs of SCRFD whose weights are the sines of their positions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STRIDES, ANCHORS = (8, 16, 32), 2
VALUES = {"score": 1, "bbox": 4, "kps": 10}


def write_scrfd(path: Path, batches: bool = False, landmarks: bool = True) -> Path:
    """Write a network for pictures of any size; with `batches` for any number of them at once."""
    weights, nodes, given = [], [], []

    def constant(name: str, value: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    kinds = list(VALUES) if landmarks else list(VALUES)[:2]
    for kind in kinds:
        shape = constant(f"shape_{kind}", np.array([0, -1, VALUES[kind]] if batches else [-1, VALUES[kind]]))
        for stride in STRIDES:
            name, channels = f"{kind}_{stride}", ANCHORS * VALUES[kind]
            means = node(
                "AveragePool", ["input.1"], f"{name}_mean", kernel_shape=[stride] * 2, strides=[stride] * 2
            )
            slopes = np.sin(np.arange(3 * channels) * (stride + 1)).astype(np.float32)
            slopes = constant(f"{name}_w", slopes.reshape(channels, 3, 1, 1) * (6 if kind == "score" else 1))
            offsets = constant(f"{name}_b", np.cos(np.arange(channels) + stride).astype(np.float32))
            bent = node("Conv", [means, slopes, offsets], f"{name}_conv")
            if kind == "score":
                bent = node("Sigmoid", [bent], f"{name}_sure")
            elif kind == "bbox":
                bent = node("Softplus", [bent], f"{name}_far")
            last = node("Transpose", [bent], f"{name}_last", perm=[0, 2, 3, 1])
            node("Reshape", [last, shape], name)
            given.append(
                helper.make_tensor_value_info(
                    name, TensorProto.FLOAT, ["n", None, VALUES[kind]] if batches else [None, VALUES[kind]]
                )
            )
    shown = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["n" if batches else 1, 3, "h", "w"])
    graph = helper.make_graph(nodes, "scrfd", [shown], given, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
