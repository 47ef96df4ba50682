"""Whether the taggers score as their public code does, on the same files.

    python -m tests.benchmarks.equal_taggers --data ../shared/data --public-code DIR

`DIR` is a clone of https://github.com/fschmid56/EfficientAT (MIT). Printed is the largest absolute difference of
the probabilities over all 527 classes:

    mn04    against that clone's own front end and network, with the real weights, on whole sounds at 32 kHz
    beats   against speechbrain's `BEATs.forward`, with weights from a formula: the real ones are behind a gate
    ast     against transformers' `ASTForAudioClassification` and its feature extractor, likewise

beats and ast hear chunks of 2 s, in batches here and one at a time there. Where torchvision is not installed, its
one block that the clone uses (convolution, norm, activation) is stood in for.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from tasks.media import read_waveform
from tasks.sounds import open_tagger
from tasks.sounds.audio_spectrogram_transformer import FILES
from tasks.sounds.beats import import_public_code
from tasks.sounds.chunks import chunk_spans, cut_chunks
from tests.sounds.checkpoints import ast_folder, beats_checkpoint

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MN04_WEIGHTS = "weights/mn04_as_mAP_432.pt"
FOLDERS = ("audio/esc50", "audio/speech", "videos/music", "videos/impact", "videos/vehicle", "videos/sports")

Score = Callable[[np.ndarray], np.ndarray]
"""From chunks, float32 (n, samples), to probabilities, float32 (n, 527)."""


def open_public_mn04(clone: Path, weights: Path) -> Score:
    """mn04 as the clone's own `inference.py` runs it on a processor: one waveform at 32 kHz at a time."""
    folder = str(clone.resolve())
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()), _torchvision():
        sys.path.insert(0, folder)
        try:
            from helpers.utils import NAME_TO_WIDTH
            from models.mn.model import get_model
            from models.preprocess import AugmentMelSTFT
        finally:
            sys.path.remove(folder)
        network = get_model(width_mult=NAME_TO_WIDTH("mn04_as"))
        front_end = AugmentMelSTFT(n_mels=128, sr=32_000, win_length=800, hopsize=320).eval()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    network.eval()

    def score(chunks: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            logits = [network(front_end(torch.from_numpy(one[None])).unsqueeze(0))[0] for one in chunks]
        return torch.sigmoid(torch.stack([one.reshape(-1) for one in logits])).numpy()

    return score


@contextlib.contextmanager
def _torchvision():
    """torchvision's block as the clone imports it: the real one, else the same three layers."""
    try:
        import torchvision.ops.misc  # noqa: F401
    except ImportError:
        names = ("torchvision", "torchvision.ops", "torchvision.ops.misc")
        modules = {name: ModuleType(name) for name in names}
        modules[names[-1]].ConvNormActivation = _convolution_norm_activation
        sys.modules.update(modules)
        try:
            yield
        finally:
            for name in names:
                del sys.modules[name]
    else:
        yield


def _convolution_norm_activation(
    inputs: int,
    outputs: int,
    kernel_size: int = 3,
    stride: int = 1,
    groups: int = 1,
    norm_layer: Callable[[int], nn.Module] = nn.BatchNorm2d,
    activation_layer: type[nn.Module] | None = nn.ReLU,
    dilation: int = 1,
) -> nn.Sequential:
    padding = (kernel_size - 1) // 2 * dilation
    convolution = nn.Conv2d(inputs, outputs, kernel_size, stride, padding, dilation, groups, bias=False)
    parts = [convolution, norm_layer(outputs), *([activation_layer()] if activation_layer else [])]
    block = nn.Sequential(*parts)
    block.out_channels = outputs
    return block


def open_public_beats(checkpoint: Path) -> Score:
    """speechbrain's own class, one chunk at a time."""
    network = import_public_code().BEATs(ckp_path=str(checkpoint))

    def score(chunks: np.ndarray) -> np.ndarray:
        whole = torch.ones(1)
        return np.concatenate([network(torch.from_numpy(one[None]), whole)[1].numpy() for one in chunks])

    return score


def open_public_ast(folder: Path) -> Score:
    """transformers' own classes, one chunk at a time."""
    from transformers import ASTFeatureExtractor, ASTForAudioClassification

    extractor = ASTFeatureExtractor.from_pretrained(folder, local_files_only=True)
    network = ASTForAudioClassification.from_pretrained(folder, local_files_only=True).eval()

    def score(chunks: np.ndarray) -> np.ndarray:
        features = [extractor(one, sampling_rate=16_000, return_tensors="pt").input_values for one in chunks]
        with torch.inference_mode():
            return torch.cat([torch.sigmoid(network(one).logits) for one in features]).numpy()

    return score


def largest_difference(ours: Score, public: Score, sounds: list[np.ndarray]) -> tuple[int, float]:
    """Over batches of chunks: how many chunks, and the largest difference of any probability."""
    differences = [float(np.abs(ours(chunks) - public(chunks)).max()) for chunks in sounds]
    return sum(len(chunks) for chunks in sounds), max(differences)


def some_files(data: Path, of_each: int) -> list[Path]:
    """Some files of each folder that is there, in a fixed order."""
    return [file for folder in FOLDERS for file in sorted((data / folder).glob("*.*"))[:of_each]]


def in_chunks(file: Path) -> np.ndarray:
    waveform = read_waveform(file, 16_000)[: 5 * 16_000]
    return cut_chunks(waveform, 16_000, chunk_spans(len(waveform) // 16, 2_000, 1_000))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--public-code", type=Path, help="a clone of fschmid56/EfficientAT")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(
        "tagger", "public code", "files", "chunks", "largest difference", title="equal to public code"
    )
    files = some_files(wanted.data, of_each=8)
    if wanted.public_code:
        whole = [read_waveform(file, 32_000)[None] for file in files]
        public = open_public_mn04(wanted.public_code, wanted.data / MN04_WEIGHTS)
        ours = open_tagger("mn04", lambda name: wanted.data / MN04_WEIGHTS).tag
        count, difference = largest_difference(ours, public, whole)
        table.add_row("mn04", "EfficientAT", str(len(files)), str(count), f"{difference:.1e}")
    chunks = [in_chunks(file) for file in files[::4]]
    with TemporaryDirectory() as folder:
        checkpoint, transformer = (
            beats_checkpoint(Path(folder) / "beats.pt"),
            ast_folder(Path(folder) / "ast"),
        )
        pairs = {
            ("beats", "speechbrain"): (lambda name: checkpoint, open_public_beats(checkpoint)),
            ("ast", "transformers"): (lambda name: transformer / FILES[name], open_public_ast(transformer)),
        }
        for (name, code), (weights, public) in pairs.items():
            count, difference = largest_difference(open_tagger(name, weights).tag, public, chunks)
            table.add_row(name, code, str(len(chunks)), str(count), f"{difference:.1e}")
    Console().print(table)


if __name__ == "__main__":
    main()
