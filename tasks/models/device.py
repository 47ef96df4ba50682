"""Where networks run: one processor core or one graphics card per process.

`CLAPPER_DEVICE` names it: `auto` (default: the first card that torch sees, else the processor), `cpu`, `cuda` or
`cuda:1`. A process uses one card; for more cards, start one Prefect worker for each with its own CLAPPER_DEVICE.
`CLAPPER_PRECISION` is `exact` (default, float32) or `mixed`: float16 where a network allows it, on a card only.
A network on the processor takes `CLAPPER_THREADS` cores, one by default: a run works on `limits.workers` shards
at once, and that many networks with one core each get more done than with several. torch is imported when a device
is asked for, not before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from schemas.errors import ModelMissing

if TYPE_CHECKING:
    import torch

DEVICE_VARIABLE = "CLAPPER_DEVICE"
PRECISION_VARIABLE = "CLAPPER_PRECISION"
THREADS_VARIABLE = "CLAPPER_THREADS"


def threads() -> int:
    """How many cores a network on the processor takes.

    Raises:
        ModelMissing: CLAPPER_THREADS is no whole number from 1 upwards.
    """
    wanted = os.environ.get(THREADS_VARIABLE) or "1"
    if not wanted.isdecimal() or not int(wanted):
        raise ModelMissing(THREADS_VARIABLE, f"is '{wanted}'", "set it to a number of cores, or unset it")
    return int(wanted)


def torch_device() -> torch.device:
    """The device that the environment names; torch's own threads are set to `threads`.

    Raises:
        ModelMissing: it names a card that this machine has not, or nothing that torch knows.
    """
    import torch

    torch.set_num_threads(threads())
    wanted = os.environ.get(DEVICE_VARIABLE) or "auto"
    if wanted == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise _no_device(wanted, "is no device that torch knows") from error
    if device.type not in ("cpu", "cuda"):
        raise _no_device(wanted, "is neither the processor nor a CUDA card")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise _no_device(wanted, f"is not there: torch sees {torch.cuda.device_count()} CUDA cards")
    return device


@contextmanager
def reduced(device: torch.device) -> Iterator[None]:
    """Inference without gradients, in mixed precision where it is asked for and the device is a card.

    Raises:
        ModelMissing: CLAPPER_PRECISION is neither `exact` nor `mixed`.
    """
    import torch

    precision = os.environ.get(PRECISION_VARIABLE) or "exact"
    if precision not in ("exact", "mixed"):
        raise ModelMissing(PRECISION_VARIABLE, f"is '{precision}'", "set it to exact or mixed, or unset it")
    mixed = precision == "mixed" and device.type == "cuda"
    with torch.inference_mode(), torch.autocast(device.type, torch.float16, enabled=mixed):
        yield


def onnx_providers() -> list[str | tuple[str, dict[str, str]]]:
    """ONNX Runtime's execution providers for the device that the environment names, the best first.

    A card is used only where `CLAPPER_DEVICE` asks for one or allows it (`auto`), and where the installed ONNX
    Runtime was built for it.
    """
    import onnxruntime

    wanted = os.environ.get(DEVICE_VARIABLE) or "auto"
    card = wanted != "cpu" and "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    number = wanted.partition(":")[2] or "0"
    cards = [("CUDAExecutionProvider", {"device_id": number})] if card else []
    return [*cards, "CPUExecutionProvider"]


def _no_device(wanted: str, problem: str) -> ModelMissing:
    return ModelMissing(f"{DEVICE_VARIABLE}={wanted}", problem, "set it to auto, cpu, cuda or cuda:<number>")
