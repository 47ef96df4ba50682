"""A vision-language model on this machine: the thinker of Qwen2.5-Omni or Qwen3-Omni, through transformers.

judge = open_local(section, checkpoint_folder())
reply = judge.ask(clip, prompt)                       # as Gemini answers: see `tasks.offscreen.reply`

It sees and hears the part of a clip that the recipe names, at the recipe's pictures a second; only its text half is
loaded, which cannot speak. The answer has the form of a judgement by construction (`form`), and is
the same each time: greedy at temperature 0, else drawn with the recipe's seed. One clip is judged at a time.
A part of one minute at 2 pictures a second is about 10,000 tokens. With `CLAPPER_PRECISION=mixed` on a card the
weights lie in bfloat16, in which they are published, else in float32 (for 3 B: 9.4 GB and 19 GB).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import AnalysisError, ModelCorrupt, ModelMissing
from schemas.judgement import Judgement
from schemas.judging import Offscreen
from schemas.units import SAMPLE_RATE
from tasks.models.device import reduced, torch_device
from tasks.offscreen.local.checkpoint import check_checkpoint
from tasks.offscreen.local.form import Choose, form_for
from tasks.offscreen.local.sight import Sight, by_chunks, by_time, part_of, patches_of, sound_of
from tasks.offscreen.reply import AT_LIMIT, DONE, Reply, Usage

if TYPE_CHECKING:
    import torch

SYSTEM = "You are a helpful assistant."
"""What Qwen's own template says where nobody says anything else."""

PACKAGES = ("torch", "transformers", "llguidance", "PIL")

FEWEST_TOKENS = 128
MOST_TOKENS: Mapping[str, int] = {"default": 768, "low": 128, "medium": 256, "high": 768}
"""Of one picture, by the recipe's `resolution`; Qwen's own are 128 and 768."""

SPECIAL = ("video", "audio", "vision_bos", "vision_eos", "audio_bos", "audio_eos")
"""The tokens that stand for pictures and sound, as the tokenizer calls them (each with `_token` behind)."""


@dataclass(frozen=True)
class Family:
    """What differs between the families of checkpoints.

    Attributes:
        network: its class in transformers.
        other_half: prefixes of weights that speak and are not loaded.
        hears_beyond: the spectrogram's last frames see silence behind the sound, not its mirror image.
    """

    network: str
    other_half: tuple[str, ...]
    hears_beyond: bool


_SECOND = Family("Qwen2_5OmniThinkerForConditionalGeneration", ("talker", "token2wav"), hears_beyond=True)
_THIRD = Family("Qwen3OmniMoeThinkerForConditionalGeneration", ("talker", "code2wav"), hears_beyond=False)
FAMILIES: Mapping[str, Family] = {
    "qwen2_5_omni": _SECOND,
    "qwen2_5_omni_thinker": _SECOND,
    "qwen3_omni_moe": _THIRD,
    "qwen3_omni_moe_thinker": _THIRD,
}
"""By the `model_type` of config.json."""


@dataclass(frozen=True)
class LocalJudge:
    """A loaded model that answers about one clip at a time; threads wait for each other."""

    section: Offscreen
    family: Family
    network: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    hearing: Any = field(repr=False)
    sight: Sight
    special: Mapping[str, int]
    begin_form: Callable[[str], Choose] = field(repr=False)
    model_version: str
    device: torch.device
    alone: Lock = field(default_factory=Lock, repr=False)

    def ask(self, clip: Path, prompt: str) -> Reply:
        """Show a clip and ask.

        Raises:
            MediaError: the clip cannot be decoded, or has no sound.
            AnalysisError: the part that is sent has no picture or no sound, or is too long for the model.
        """
        import torch

        with self.alone, torch.inference_mode():
            given = self.given(clip, prompt)
            asked = given["input_ids"].shape[1]
            self._check_length(clip, asked)
            try:
                written = self._write(clip, given)[0, asked:].tolist()
            except torch.OutOfMemoryError as error:
                problem = f"{asked} tokens need more memory than {self.device} has: {error}"
                raise AnalysisError(str(clip), problem, "lower offscreen.frame_rate or resolution") from error
        text = self.tokenizer.decode(written, skip_special_tokens=True)
        ended = bool(written) and written[-1] == self.tokenizer.eos_token_id
        heard = int((given["input_ids"] == self.special["audio"]).sum())
        usage = Usage(input_tokens=asked, audio_tokens=heard, output_tokens=len(written))
        return Reply(text, DONE if ended else AT_LIMIT, None, usage, self.model_version)

    def given(self, clip: Path, prompt: str) -> dict[str, torch.Tensor]:
        """All that the network gets of a clip and a question, on its device; raises as `ask`."""
        import torch

        section, sight = self.section, self.sight
        frames = part_of(clip, section.send_from, section.send_until, section.frame_rate)
        patches, grid = patches_of(clip, frames, sight)
        heard = self._heard(clip)
        sounds = self._sound_tokens(int(heard["attention_mask"].sum()))
        seconds_a_patch = sight.frames_a_patch / section.frame_rate
        tokens = self._tokens(grid, seconds_a_patch, sounds, prompt)
        given = {
            "input_ids": torch.tensor([tokens]),
            "attention_mask": torch.ones(1, len(tokens), dtype=torch.long),
            "pixel_values_videos": torch.from_numpy(patches).to(self.network.dtype),
            "video_grid_thw": torch.tensor([grid]),
            "video_second_per_grid": torch.tensor([seconds_a_patch]),
            "input_features": heard["input_features"].to(self.network.dtype),
            "feature_attention_mask": heard["attention_mask"],
        }
        return {name: tensor.to(self.device) for name, tensor in given.items()}

    def _heard(self, clip: Path) -> Mapping[str, torch.Tensor]:
        """The spectrogram of the sound: `input_features` (1, bands, frames) and `attention_mask` (1, frames)."""
        samples = sound_of(clip, self.section.send_from, self.section.send_until)
        longest, hop = self.hearing.n_samples, self.hearing.hop_length
        if not self.hearing.n_fft <= len(samples) <= longest:
            problem = f"the part that is sent has {len(samples) / SAMPLE_RATE:.3f} s of sound"
            action = (
                f"the model hears at most {longest / SAMPLE_RATE:g} s: see offscreen.send_from, send_until"
            )
            raise AnalysisError(str(clip), problem, action)
        beyond = len(samples) // hop * hop + 4 * hop
        padding = {"padding": "max_length", "max_length": beyond} if self.family.hears_beyond else {}
        return self.hearing(
            samples,
            sampling_rate=SAMPLE_RATE,
            return_attention_mask=True,
            return_tensors="pt",
            **(padding or {"padding": True, "truncation": False}),
        )

    def _sound_tokens(self, frames: int) -> int:
        """How many tokens so many frames of a spectrogram become."""
        if self.family is _SECOND:
            return int(self.network.model.audio_tower._get_feat_extract_output_lengths(frames)[1])
        module = import_module(type(self.network).__module__)
        return int(module._get_feat_extract_output_lengths(frames, self.network.config.audio_config.n_window))

    def _tokens(
        self, grid: tuple[int, int, int], seconds_a_patch: float, sounds: int, prompt: str
    ) -> list[int]:
        """The question: pictures and sound as the model orders them, then the text."""
        config, special = self.network.config, self.special
        across = grid[1] * grid[2] // self.sight.merged**2
        # In the network's own precision: where a picture falls on a boundary, both must see it on the same side.
        seconds = np.arange(grid[0], dtype=np.float32) * np.float32(seconds_a_patch)
        times = np.repeat(seconds * np.float32(config.position_id_per_seconds), across).tolist()
        if self.family is _SECOND:
            order = by_chunks(times, sounds, config.position_id_per_seconds * config.seconds_per_chunk)
        else:
            order = by_time(times, sounds)
        token = {"picture": special["video"], "sound": special["audio"]}
        shown = chain.from_iterable([token[kind]] * count for kind, count in order)
        begin, end = ("vision_bos", "audio_bos"), ("audio_eos", "vision_eos")
        return [
            *self._encoded(f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n"),
            *(special[name] for name in begin),
            *shown,
            *(special[name] for name in end),
            *self._encoded(f"{self._question(prompt)}<|im_end|>\n<|im_start|>assistant\n"),
        ]

    def _question(self, prompt: str) -> str:
        start = self.section.send_from
        parts = [prompt]
        if start:
            parts.append(
                f"You are given a part that begins {start / 1000:g} s into the clip; "
                "state times from the start of the whole clip."
            )
        schema = json.dumps(Judgement.model_json_schema(), ensure_ascii=False, separators=(",", ":"))
        parts.append(f"Answer with one JSON object of this schema and nothing else:\n{schema}")
        return "\n\n".join(parts)

    def _encoded(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def _check_length(self, clip: Path, asked: int) -> None:
        room = self.network.config.text_config.max_position_embeddings
        if asked + self.section.max_output_tokens > room:
            problem = f"is {asked} tokens, with the answer {asked + self.section.max_output_tokens} of {room}"
            raise AnalysisError(str(clip), problem, "lower offscreen.frame_rate, resolution or send_until")

    def _write(self, clip: Path, given: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The tokens of question and answer (1, n)."""
        import torch
        from transformers import GenerationConfig, LogitsProcessorList

        warm = self.section.temperature > 0
        how = GenerationConfig(
            max_new_tokens=self.section.max_output_tokens,
            do_sample=warm,
            num_beams=1,
            repetition_penalty=1.0,
            eos_token_id=self.tokenizer.eos_token_id,
            pad_token_id=self.tokenizer.eos_token_id,
            **({"temperature": self.section.temperature, "top_k": 0, "top_p": 1.0} if warm else {}),
        )
        cards = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=cards):
            torch.manual_seed(self.section.seed)
            return self.network.generate(
                **given,
                use_audio_in_video=True,
                generation_config=how,
                logits_processor=LogitsProcessorList([self.begin_form(str(clip))]),
            )


def open_local(section: Offscreen, folder: Path, device: torch.device | None = None) -> LocalJudge:
    """Load a checkpoint.

    Args:
        folder: see `tasks.offscreen.local.checkpoint`.
        device: where it runs; None for what the environment names.

    Raises:
        ModelMissing: a package is not installed, or the folder's list cannot be written.
        ModelCorrupt: the files are not those of the folder's list, of another kind of model, or do not fit.
    """
    _need_packages()
    digest = check_checkpoint(folder)
    device = torch_device() if device is None else device
    kind, family = _family(folder)
    network, tokenizer, hearing = _load(folder, family, device)
    special = _special(folder, tokenizer, network.config)
    vocabulary = network.config.text_config.vocab_size
    form = form_for(tokenizer, vocabulary, tokenizer.eos_token_id)
    sight = _sight(folder, network.config.vision_config, section)
    version = f"{kind}@{digest[:16]}"
    return LocalJudge(section, family, network, tokenizer, hearing, sight, special, form, version, device)


def _need_packages() -> None:
    for package in PACKAGES:
        try:
            import_module(package)
        except (ImportError, OSError) as error:
            problem = f"needs {package}, which is not installed or cannot be loaded here: {error}"
            action = "install the `full` extra, or set offscreen.model to gemini or none"
            raise ModelMissing("qwen-omni", problem, action) from error


def _read_json(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelCorrupt(str(file), f"cannot be read as JSON: {error}", "fetch it again") from error
    if not isinstance(content, dict):
        raise ModelCorrupt(str(file), "is no JSON object", "fetch it again")
    return content


def _family(folder: Path) -> tuple[str, Family]:
    kind = _read_json(folder / "config.json").get("model_type")
    if kind not in FAMILIES:
        problem = f"is a checkpoint of '{kind}'"
        raise ModelCorrupt(str(folder), problem, f"take one of {', '.join(FAMILIES)}")
    return kind, FAMILIES[kind]


def _load(folder: Path, family: Family, device: torch.device) -> tuple[Any, Any, Any]:
    """Network on its device, tokenizer and feature extractor; nothing is asked of the internet."""
    import torch
    import transformers
    from safetensors import SafetensorError

    # Of float16 these networks leave the range; the weights are asked for in bfloat16 instead.
    with reduced(device):
        mixed = torch.is_autocast_enabled(device.type)
    transformers.utils.logging.disable_progress_bar()
    try:
        network, report = getattr(transformers, family.network).from_pretrained(
            folder,
            dtype=torch.bfloat16 if mixed else torch.float32,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        hearing = transformers.WhisperFeatureExtractor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        problem = f"transformers cannot load {family.network} from it: {error}"
        raise ModelCorrupt(str(folder), problem, "fetch the checkpoint again, all its files") from error
    # What is missing is filled with random numbers by transformers, which only warns.
    wrong = {what: sorted(map(str, names)) for what, names in report.items()}
    wrong["unexpected_keys"] = [
        name for name in wrong.get("unexpected_keys", ()) if not name.startswith(family.other_half)
    ]
    told = "; ".join(f"{what}: {', '.join(names[:3])}" for what, names in wrong.items() if names)
    if told:
        raise ModelCorrupt(str(folder), f"is not all of {family.network}: {told}", "fetch it again")
    # What a checkpoint prefers is not the recipe's: every setting of an answer comes from there.
    network.generation_config = transformers.GenerationConfig()
    return network.eval().to(device), tokenizer, hearing


def _special(folder: Path, tokenizer: Any, config: Any) -> Mapping[str, int]:
    """The ids of the special tokens, on which tokenizer and network must agree."""
    names = {name: getattr(tokenizer, f"{name}_token", None) for name in SPECIAL}
    special = {name: tokenizer.convert_tokens_to_ids(token) for name, token in names.items() if token}
    agreed = {
        "video": config.video_token_id,
        "audio": config.audio_token_id,
        "vision_bos": getattr(config, "vision_start_token_id", None),
        "audio_bos": config.audio_start_token_id,
    }
    for name in SPECIAL:
        if name not in special or agreed.get(name, special[name]) != special[name]:
            problem = (
                f"token {name} is {special.get(name)} to the tokenizer, {agreed.get(name)} to the network"
            )
            raise ModelCorrupt(str(folder), problem, "take all files from one checkpoint")
    if tokenizer.eos_token_id is None or tokenizer.eos_token_id >= config.text_config.vocab_size:
        raise ModelCorrupt(str(folder), "its tokenizer names no token that ends an answer", "fetch it again")
    return special


def _sight(folder: Path, vision: Any, section: Offscreen) -> Sight:
    own = next(_present(folder, ("video_preprocessor_config.json", "preprocessor_config.json")))
    return Sight(
        patch=vision.patch_size,
        merged=vision.spatial_merge_size,
        frames_a_patch=vision.temporal_patch_size,
        fewest_tokens=FEWEST_TOKENS,
        most_tokens=MOST_TOKENS[section.resolution],
        mean=tuple(own["image_mean"]),
        deviation=tuple(own["image_std"]),
    )


def _present(folder: Path, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Those of a checkpoint's files that tell how it sees."""
    for name in names:
        content = _read_json(folder / name) if (folder / name).is_file() else {}
        if len(content.get("image_mean", ())) == len(content.get("image_std", ())) == 3:
            yield content
    raise ModelCorrupt(
        str(folder), f"has image_mean and image_std in none of {', '.join(names)}", "fetch them"
    )
