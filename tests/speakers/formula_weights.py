"""Weights made by a formula, the same on every machine, for networks whose public weights are not at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np
import torch

_FIRST_LAYERS = {"netcnnlip.0": 1 / 128, "netcnnaud.0": 1 / 20}
"""SyncNet's inputs come as 0–255 and as cepstra; these gains keep what follows near 1."""


def scattered(count: int, salt: int) -> np.ndarray:
    """float32 (count,) in −1…1: the numbers 0, 1, 2 … stirred by 32-bit multiplications."""
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) + np.uint32(salt * 7_919)
        x = (x ^ (x >> 16)) * np.uint32(2_146_121_005)
        x = (x ^ (x >> 15)) * np.uint32(2_221_713_035)
    return ((x ^ (x >> 16)) / 2.0**31 - 1).astype(np.float32)


def formula_state(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """A state dict of those shapes, with values under which signals neither die out nor explode."""
    state = {}
    for salt, (name, shape) in enumerate(shapes.items()):
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(1)
            continue
        layer, kind = name.rsplit(".", 1)
        values = torch.from_numpy(scattered(prod(shape), salt)).reshape(shape)
        if kind == "running_var":
            values = 1 + 0.2 * values.abs()
        elif len(shape) > 1:
            values = values * (6 / prod(shape[1:])) ** 0.5 * _FIRST_LAYERS.get(layer, 1.0)
        elif kind == "weight":
            values = 1 + 0.1 * values
        else:
            values = 0.1 * values
        state[name] = values
    return state


def syncnet_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the public SyncNet's state dict."""
    sound = {0: (64, 1, 3, 3), 4: (192, 64, 3, 3), 8: (384, 192, 3, 3), 11: (256, 384, 3, 3)}
    sound |= {14: (256, 256, 3, 3), 18: (512, 256, 5, 4)}
    lip = {0: (96, 3, 5, 7, 7), 4: (256, 96, 1, 5, 5), 8: (256, 256, 1, 3, 3), 11: (256, 256, 1, 3, 3)}
    lip |= {14: (256, 256, 1, 3, 3), 18: (512, 256, 1, 6, 6)}
    last = {0: (512, 512), 3: (1024, 512)}
    blocks = {"netcnnaud": sound, "netfcaud": last, "netfclip": last, "netcnnlip": lip}
    return dict(
        entry
        for block, layers in blocks.items()
        for index, shape in layers.items()
        for entry in _layer(f"{block}.{index}", shape, None if index == 3 else f"{block}.{index + 1}", True)
    )


def light_asd_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the public Light-ASD's state dict."""
    shapes: dict[str, tuple[int, ...]] = {}
    for block, (before, after) in enumerate(((1, 32), (32, 64), (64, 128)), start=1):
        for encoder, space, time, point in (
            ("visual", lambda n: (1, n, n), lambda n: (n, 1, 1), (1, 1, 1)),
            ("audio", lambda n: (n, 1), lambda n: (1, n), (1, 1)),
        ):
            name, first = f"model.{encoder}Encoder.block{block}", "s" if encoder == "visual" else "m"
            for reach in (3, 5):
                for kind, inputs, taps in ((first, before, space(reach)), ("t", after, time(reach))):
                    layer = f"{name}.{kind}_{reach}"
                    shapes.update(_layer(layer, (after, inputs, *taps), f"{name}.bn_{kind}_{reach}", False))
            shapes.update(_layer(f"{name}.last", (after, after, *point), f"{name}.bn_last", False))
    for way in ("forward", "backward"):
        shapes |= {f"model.GRU.gru_{way}.weight_{kind}_l0": (384, 128) for kind in ("ih", "hh")}
        shapes |= {f"model.GRU.gru_{way}.bias_{kind}_l0": (384,) for kind in ("ih", "hh")}
    for head in ("lossAV", "lossV"):
        shapes |= {f"{head}.FC.weight": (2, 128), f"{head}.FC.bias": (2,)}
    return shapes


def _layer(
    name: str, shape: tuple[int, ...], norm: str | None, bias: bool
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    if bias:
        yield f"{name}.bias", shape[:1]
    if norm:
        for kind in ("weight", "bias", "running_mean", "running_var"):
            yield f"{norm}.{kind}", shape[:1]
        yield f"{norm}.num_batches_tracked", ()
