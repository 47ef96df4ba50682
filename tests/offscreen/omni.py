"""Small Qwen-Omni checkpoints with random weights, in the layout in which the public ones are published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.offscreen.local.judge import FAMILIES

SPECIAL = {
    "image_token": "<|IMAGE|>",
    "audio_token": "<|AUDIO|>",
    "video_token": "<|VIDEO|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
}
TEXT = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MEAN, DEVIATION = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
BYTES = 256


def ids() -> dict[str, int]:
    """Of the special tokens, which come after the 256 bytes."""
    return {name: BYTES + number for number, name in enumerate((*TEXT, *SPECIAL.values()))}


def write_tokenizer(folder: Path) -> None:
    """A tokenizer of bytes and special tokens, in the files of a public one."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([*TEXT, *SPECIAL.values()])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=SPECIAL,
    ).save_pretrained(folder)


def write_omni(folder: Path, seed: int = 0) -> Path:
    """A Qwen2.5-Omni of some ten thousand weights."""
    import transformers

    numbers = ids()
    config = transformers.Qwen2_5OmniThinkerConfig(
        text_config=_TEXT,
        vision_config=_VISION | {"fullatt_block_indexes": [1]},
        audio_config=_AUDIO,
        audio_token_index=numbers["<|AUDIO|>"],
        image_token_index=numbers["<|IMAGE|>"],
        video_token_index=numbers["<|VIDEO|>"],
        audio_end_token_id=numbers["<|audio_eos|>"],
        **_starts(numbers),
    )
    return _write(folder, config, transformers.Qwen2_5OmniThinkerForConditionalGeneration, seed)


def write_third_omni(folder: Path, seed: int = 0) -> Path:
    """A Qwen3-Omni as small, with four experts."""
    import transformers

    numbers = ids()
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "head_dim": 8}
    config = transformers.Qwen3OmniMoeThinkerConfig(
        text_config=_TEXT | experts,
        vision_config=_VISION | {"deepstack_visual_indexes": [0], "num_position_embeddings": 64},
        audio_config=_AUDIO | {"downsample_hidden_size": 16},
        audio_token_id=numbers["<|AUDIO|>"],
        image_token_id=numbers["<|IMAGE|>"],
        video_token_id=numbers["<|VIDEO|>"],
        position_id_per_seconds=13,
        **_starts(numbers),
    )
    return _write(folder, config, transformers.Qwen3OmniMoeThinkerForConditionalGeneration, seed)


_TEXT = {
    "vocab_size": 288, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": False,
    "max_position_embeddings": 32_768,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 1, 1]},
}  # fmt: skip
_VISION = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 32}
_AUDIO = {
    "num_mel_bins": 128, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 48,
    "d_model": 32, "output_dim": 32,
}  # fmt: skip


def _starts(numbers: Mapping[str, int]) -> dict[str, int]:
    return {
        "audio_start_token_id": numbers["<|audio_bos|>"],
        "vision_start_token_id": numbers["<|vision_bos|>"],
        "vision_end_token_id": numbers["<|vision_eos|>"],
    }


def _write(folder: Path, config: Any, kind: Any, seed: int) -> Path:
    """A whole checkpoint: beside the thinker a few weights of the talker, as in the public ones."""
    import torch
    from safetensors.torch import save_file
    from transformers import WhisperFeatureExtractor

    torch.manual_seed(seed)
    network = kind(config).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.normal_(0, 0.15)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {f"thinker.{_published(name)}": tensor.clone() for name, tensor in network.state_dict().items()}
    weights |= {f"{half}.some.weight": torch.zeros(2) for half in FAMILIES[config.model_type].other_half}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    whole = {"model_type": config.model_type.removesuffix("_thinker"), "thinker_config": config.to_dict()}
    (folder / "config.json").write_text(json.dumps(whole))
    write_tokenizer(folder)
    WhisperFeatureExtractor(feature_size=128, chunk_length=300).save_pretrained(folder)
    preparation = folder / "preprocessor_config.json"
    settings = json.loads(preparation.read_text()) | {"image_mean": MEAN, "image_std": DEVIATION}
    preparation.write_text(json.dumps(settings))
    return folder


def _published(name: str) -> str:
    """A weight's name in the public files, from transformers' newer one."""
    for new, old in (("model.audio_tower", "audio_tower"), ("model.visual", "visual")):
        name = name.replace(new, old)
    return name.replace("model.language_model", "model")
