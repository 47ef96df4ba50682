"""SyncNet's lip tower sliding over a track against five-fold windows, on the same input in the same run.

    python -m tests.benchmarks.bench_syncnet [--frames 64] [--rounds 3] [--threads 1] [--public-code DIR]

    sliding           ours: one pass, in pieces
    our five-fold     ours on every window of five frames, one after another
    public five-fold  the public code's network and loop, 20 windows at once (DIR: a clone of joonson/syncnet_python)

They take turns, so that a busy machine is busy for all; the smallest processor times count. Printed too: the
largest difference from ours. Weights by formula; times do not depend on them. The
first layer is more than half of the arithmetic and covers all five frames, so that it costs a window as much either
way: what sliding saves is the copying, and the layout in memory does the rest.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from tasks.speakers import syncnet
from tests.benchmarks.equal_speakers import modules_of
from tests.speakers.formula_weights import formula_state, scattered, syncnet_shapes

_BATCH = 20
Way = Callable[[np.ndarray], torch.Tensor]


def sliding(network: syncnet.SyncNet) -> Way:
    """Ours as it is."""
    return network.see


def our_five_fold(network: syncnet.SyncNet) -> Way:
    """Ours without sliding: each window of five frames by itself."""

    def see(crops: np.ndarray) -> torch.Tensor:
        return torch.cat([network.see(crops[start : start + 5]) for start in range(len(crops) - 4)])

    return see


def public_five_fold(network: torch.nn.Module) -> Way:
    """The public network in the public loop's manner."""

    def see(crops: np.ndarray) -> torch.Tensor:
        film = torch.from_numpy(crops.astype(float)).float().permute(3, 0, 1, 2)[None].contiguous()
        with torch.no_grad():
            return torch.cat(
                [
                    network.forward_lip(torch.cat([film[:, :, start : start + 5] for start in windows]))
                    for windows in batches(len(crops))
                ]
            )

    return see


def batches(frames: int) -> list[range]:
    """First frames of the windows of five, 20 at once."""
    windows = frames - syncnet.WINDOW_FRAMES + 1
    return [range(start, min(start + _BATCH, windows)) for start in range(0, windows, _BATCH)]


def measured(ways: dict[str, Way], crops: np.ndarray, rounds: int) -> dict[str, tuple[float, torch.Tensor]]:
    """Least processor seconds and the embeddings of each way."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    results = {}
    for _ in range(rounds):
        for name, see in ways.items():
            started = time.process_time()
            results[name] = see(crops)
            taken[name].append(time.process_time() - started)
    return {name: (min(taken[name]), results[name]) for name in ways}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=64, help="of the track (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--public-code", type=Path, help="a clone of joonson/syncnet_python")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    state = formula_state(syncnet_shapes())
    with tempfile.TemporaryDirectory() as folder:
        torch.save(state, Path(folder) / "syncnet.model")
        network = syncnet.load(Path(folder) / "syncnet.model")
    ways = {"sliding": sliding(network), "our five-fold": our_five_fold(network)}
    if wanted.public_code:
        with modules_of(wanted.public_code.resolve()) as load:
            public = load("SyncNetModel").S()
        public.load_state_dict(state)
        ways["public five-fold"] = public_five_fold(public.eval())
    levels = scattered(wanted.frames * 224 * 224 * 3, 1) * 128 + 128
    crops = levels.clip(0, 255).astype(np.uint8).reshape(wanted.frames, 224, 224, 3)
    found = measured(ways, crops, wanted.rounds)
    least, ours = found["sliding"]
    table = Table("way", "ms a frame", "× real time", "/ sliding", "max abs difference")
    for name, (seconds, seen) in found.items():
        speed = (wanted.frames - 4) / 25 / seconds
        each = f"{1000 * seconds / (wanted.frames - 4):.1f}"
        apart = f"{float((seen - ours).abs().max()):.1e}"
        table.add_row(name, each, f"{speed:.2f}", f"{seconds / least:.2f}", apart)
    Console(width=120).print(
        table, f"{wanted.frames} frames, {wanted.threads} threads, torch {torch.__version__}"
    )


if __name__ == "__main__":
    main()
