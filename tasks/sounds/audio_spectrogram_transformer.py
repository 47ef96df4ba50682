"""AST, the Audio Spectrogram Transformer, as transformers has it: all 527 classes, from three local files.

Gong, Chung and Glass, "AST: Audio Spectrogram Transformer" (Interspeech 2021), https://github.com/YuanGongND/ast
(BSD-3-Clause). Nothing is asked of the network. Its probabilities are independent of each other (sigmoid, as it was
trained on AudioSet), not the softmax that a transformers pipeline would take.

AST hears windows of one length, 10.24 s as published: shorter chunks are filled up by its own feature extractor
and cost as much as full ones, so a recipe that uses it does well with chunks of 10 s; longer ones are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from schemas.errors import ModelCorrupt
from tasks.models.device import reduced, torch_device
from tasks.sounds.audioset import ids_by_name
from tasks.sounds.networks import need_packages, tag_in_batches
from tasks.sounds.tagger import Tagger

if TYPE_CHECKING:
    import torch

FILES: Mapping[str, str] = {
    "ast": "model.safetensors",
    "ast-config": "config.json",
    "ast-features": "preprocessor_config.json",
}
"""Name in the model store to the name that transformers wants."""

WINDOW_MS, HOP_MS = 25, 10
"""Of the feature extractor, which states them nowhere."""


def open_ast(weights: Callable[[str], Path]) -> Tagger:
    """The tagger from the store's `ast`, `ast-config` and `ast-features`.

    Raises:
        ModelMissing: a file, transformers or torchaudio is not on this machine.
        ModelCorrupt: the files are of another model, do not fit each other, or name other classes.
    """
    files = {name: weights(name) for name in FILES}
    need_packages("ast", ("torch", "torchaudio", "transformers"), extra="full")
    extractor, network = _load(files)
    classes = _classes(files["ast-config"], network.config.id2label)
    device, sample_rate = torch_device(), extractor.sampling_rate
    network = network.to(device)

    def logits(chunks: torch.Tensor) -> torch.Tensor:
        waveforms = list(chunks.cpu().numpy())
        features = extractor(waveforms, sampling_rate=sample_rate, return_tensors="pt").input_values
        with reduced(device):
            return network(features.to(device)).logits

    return Tagger(
        "ast",
        sample_rate,
        classes,
        limited=False,
        tag_chunks=tag_in_batches(logits, device, sample_rate * WINDOW_MS // 1000),
        longest_ms=WINDOW_MS + (extractor.max_length - 1) * HOP_MS,
    )


def _load(files: Mapping[str, Path]) -> tuple[Any, Any]:
    """Feature extractor and network, by transformers' own reading of a folder, which knows old names of weights."""
    from safetensors import SafetensorError
    from transformers import ASTFeatureExtractor, ASTForAudioClassification
    from transformers.utils import logging

    logging.disable_progress_bar()
    with TemporaryDirectory() as folder:
        for name, file in files.items():
            (Path(folder) / FILES[name]).symlink_to(file.resolve())
        try:
            extractor = ASTFeatureExtractor.from_pretrained(folder, local_files_only=True)
            network, report = ASTForAudioClassification.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            names = ", ".join(str(file) for file in files.values())
            problem = f"transformers cannot load AST from them: {error}"
            raise ModelCorrupt(names, problem, "pull them again") from error
    # What fits nowhere is only warned of by transformers, and what is missing filled with random numbers.
    wrong = {what: sorted(map(str, names)) for what, names in report.items() if names}
    if wrong:
        problem = "; ".join(f"{what}: {', '.join(names[:3])} …" for what, names in wrong.items())
        raise ModelCorrupt(str(files["ast"]), f"is no AST of its config: {problem}", "pull it again")
    return extractor, network.eval()


def _classes(file: Path, names: Mapping[int, str]) -> tuple[str, ...]:
    ids = ids_by_name()
    if sorted(names.values()) != sorted(ids):
        strange = sorted(set(names.values()) - set(ids))
        problem = f"names {len(names)} classes, wanted AudioSet's {len(ids)}; not among them: {strange[:5]}"
        raise ModelCorrupt(str(file), problem, "take an AST that was fine-tuned on AudioSet")
    return tuple(ids[names[output]] for output in range(len(names)))
