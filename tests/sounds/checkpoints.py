"""Small checkpoints of the public formats, with weights from a formula: the same on every machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from tasks.sounds.audioset import audioset_classes
from tasks.sounds.beats import import_public_code

RATE = 16_000
BEATS_SETTINGS = {
    "input_patch_size": 16,
    "embed_dim": 24,
    "conv_bias": False,
    "encoder_layers": 2,
    "encoder_embed_dim": 32,
    "encoder_ffn_embed_dim": 40,
    "encoder_attention_heads": 4,
    "activation_fn": "gelu",
    "layer_wise_gradient_decay_ratio": 0.6,
    "layer_norm_first": False,
    "deep_norm": True,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "encoder_layerdrop": 0.05,
    "dropout_input": 0.0,
    "conv_pos": 128,
    "conv_pos_groups": 16,
    "relative_position_embedding": True,
    "num_buckets": 320,
    "max_distance": 800,
    "gru_rel_pos": True,
    "finetuned_model": True,
    "predictor_dropout": 0.0,
    "predictor_class": 527,
}
"""As in the checkpoint of BEATs's third iteration, but small."""


def by_formula(network: nn.Module) -> nn.Module:
    """Set every weight from its place, so that signals neither vanish nor explode and outputs follow inputs."""
    with torch.no_grad():
        for number, (name, weights) in enumerate(network.named_parameters(), start=1):
            places = torch.arange(weights.numel(), dtype=torch.float64)
            scattered = ((torch.sin(places * 12.9898 + number) * 43_758.5453) % 1 * 2 - 1).reshape(
                weights.shape
            )
            if weights.dim() > 1:
                weights.copy_(scattered * (3 / weights[0].numel()) ** 0.5)
            else:
                weights.copy_(scattered * 0.2 + name.endswith("norm.weight"))
    return network


def beats_checkpoint(file: Path, **changes: object) -> Path:
    """Write a checkpoint {cfg, model, label_dict}; `changes` replace its entries, None leaves one out."""
    beats = import_public_code()

    class Small(beats.BEATsConfig):
        """speechbrain takes settings from files only, and here the file is yet to be made."""

        def __init__(self, cfg: dict | None = None) -> None:
            super().__init__(BEATS_SETTINGS)

    original, beats.BEATsConfig = beats.BEATsConfig, Small
    try:
        network = by_formula(beats.BEATs())
    finally:
        beats.BEATsConfig = original
    classes = {place: one.id for place, one in enumerate(reversed(audioset_classes()))}
    content = {"cfg": BEATS_SETTINGS, "model": network.state_dict(), "label_dict": classes} | changes
    torch.save({key: value for key, value in content.items() if value is not None}, file)
    return file


def ast_folder(folder: Path, hidden: int = 16) -> Path:
    """Write model.safetensors, config.json and preprocessor_config.json, as published ones are made."""
    from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

    names = {one.index: one.name for one in audioset_classes()}
    settings = ASTConfig(
        hidden_size=hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        id2label=names,
        label2id={name: index for index, name in names.items()},
    )
    by_formula(ASTForAudioClassification(settings)).save_pretrained(folder)
    ASTFeatureExtractor().save_pretrained(folder)
    return folder


def sounds(count: int, seconds: float) -> np.ndarray:
    """Different sweeps with a little noise, float32 (count, samples) at 16 kHz."""
    t = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(1).normal(size=(count, len(t)))
    sweeps = [np.sin(2 * np.pi * (100 + 150 * number) * t * (1 + 0.3 * t)) for number in range(count)]
    return (0.2 * np.stack(sweeps) + 0.01 * noise).astype(np.float32)
