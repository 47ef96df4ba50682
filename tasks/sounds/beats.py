"""BEATs, fine-tuned on AudioSet: all 527 classes, from checkpoints of the official format.

Chen et al., "BEATs: Audio Pre-Training with Acoustic Tokenizers" (ICML 2023), https://github.com/microsoft/unilm
(MIT). A checkpoint holds `cfg`, `model` and, when fine-tuned, `label_dict` (output to AudioSet id). The encoder
and its settings are those of speechbrain; around it stands here only what turns a batch of chunks into logits, so
that the front end stays in float32 when the encoder runs in mixed precision, and that a checkpoint written
on a graphics card opens on a machine without one.

Probabilities are those of speechbrain's own `BEATs.forward` with all chunks whole: the sigmoid of the mean over
time of the logits (they differ by at most 2e-7 at full size). One core tags 5 s of clip per second, with chunks of
2 s every second. Packages are imported when the tagger is opened, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from schemas.errors import ModelCorrupt
from tasks.models.device import reduced, torch_device
from tasks.models.packages import forget_redirects
from tasks.sounds.audioset import names_by_id
from tasks.sounds.networks import need_packages, read_checkpoint, tag_in_batches
from tasks.sounds.tagger import Tagger

if TYPE_CHECKING:
    import torch
    from torch import nn

SAMPLE_RATE = 16_000
MEL_BANDS, WINDOW_MS, HOP_MS = 128, 25, 10
FULL_SCALE = 2**15
MEAN, TWICE_DEVIATION = 15.41663, 2 * 6.55582
"""Of the front end's values over AudioSet, as its authors measured them."""
SHORTEST_SAMPLES = SAMPLE_RATE * (WINDOW_MS + 15 * HOP_MS) // 1000
"""Sixteen windows, one row of patches."""


def open_beats(weights: Callable[[str], Path]) -> Tagger:
    """The tagger with the weights named `beats` in the model store.

    Raises:
        ModelMissing: the weights, speechbrain or what it needs are not on this machine.
        ModelCorrupt: the weights are no fine-tuned checkpoint of BEATs with AudioSet's 527 classes.
    """
    file = weights("beats")
    need_packages("beats", ("torch", "torchaudio", "speechbrain.lobes.models.beats"), extra="full")
    public = import_public_code()
    checkpoint = _checked(file, read_checkpoint(file))
    classes = _classes(file, checkpoint["label_dict"])
    device = torch_device()
    network = _network(public, file, checkpoint, len(classes)).to(device)

    def logits(chunks: torch.Tensor) -> torch.Tensor:
        spectrograms = log_mel(chunks)
        with reduced(device):
            return _logits(network, spectrograms)

    tag = tag_in_batches(logits, device, SHORTEST_SAMPLES)
    return Tagger("beats", SAMPLE_RATE, classes, limited=False, tag_chunks=tag)


def import_public_code() -> ModuleType:
    """speechbrain's module of BEATs, imported without the traps that come with it.

    See `forget_redirects`.
    """
    public = import_module("speechbrain.lobes.models.beats")
    forget_redirects()
    return public


def log_mel(chunks: torch.Tensor) -> torch.Tensor:
    """Normalised log-mel spectrograms, float32 (n, frames, 128), of float32 (n, samples) at 16 kHz, −1…1."""
    import torch
    from torchaudio.compliance.kaldi import fbank

    spectrograms = [
        fbank(
            chunk[None] * FULL_SCALE,
            num_mel_bins=MEL_BANDS,
            sample_frequency=SAMPLE_RATE,
            frame_length=WINDOW_MS,
            frame_shift=HOP_MS,
        )
        for chunk in chunks
    ]
    return (torch.stack(spectrograms) - MEAN) / TWICE_DEVIATION


def _logits(network: nn.ModuleDict, spectrograms: torch.Tensor) -> torch.Tensor:
    patches = network["patch_embedding"](spectrograms[:, None]).flatten(2).transpose(1, 2)
    patches = network["layer_norm"](patches)
    if "post_extract_proj" in network:
        patches = network["post_extract_proj"](patches)
    hidden, _ = network["encoder"](patches)
    return network["predictor"](hidden).float().mean(1)


def _checked(file: Path, checkpoint: Any) -> Mapping[str, Any]:
    wanted = {"cfg", "model", "label_dict"}
    if not isinstance(checkpoint, dict) or not all(isinstance(checkpoint.get(key), dict) for key in wanted):
        found = sorted(map(str, checkpoint)) if isinstance(checkpoint, dict) else type(checkpoint).__name__
        problem = f"has {found}, wanted dicts named {sorted(wanted)}"
        raise ModelCorrupt(str(file), problem, "take a checkpoint of BEATs that was fine-tuned on AudioSet")
    return checkpoint


def _classes(file: Path, label_dict: Mapping[Any, str]) -> tuple[str, ...]:
    """The AudioSet ids in the order of the outputs, which is the checkpoint's own."""
    ids = {int(output): one for output, one in label_dict.items()}
    known = names_by_id()
    if sorted(ids) != list(range(len(known))) or set(ids.values()) != set(known):
        strange = sorted(set(map(str, ids.values())) - set(known))
        problem = f"label_dict names {len(ids)} outputs, wanted AudioSet's {len(known)} ids once each"
        problem += f"; not among them: {', '.join(strange[:5])}" if strange else ""
        raise ModelCorrupt(str(file), problem, "take a checkpoint that was fine-tuned on AudioSet")
    return tuple(ids[output] for output in range(len(ids)))


def _network(public: ModuleType, file: Path, checkpoint: Mapping[str, Any], classes: int) -> nn.ModuleDict:
    from torch import nn

    settings = public.BEATsConfig(checkpoint["cfg"])
    patch, inside, outside = settings.input_patch_size, settings.embed_dim, settings.encoder_embed_dim
    parts = {
        "patch_embedding": nn.Conv2d(1, inside, patch, stride=patch, bias=settings.conv_bias),
        "layer_norm": nn.LayerNorm(inside),
        "encoder": public.TransformerEncoder(settings),
        "predictor": nn.Linear(outside, classes),
    }
    if inside != outside:
        parts["post_extract_proj"] = nn.Linear(inside, outside)
    network = nn.ModuleDict(parts)
    try:
        network.load_state_dict(checkpoint["model"], strict=True)
    except (RuntimeError, AttributeError, TypeError) as error:
        problem = f"its weights do not fit its own cfg: {error}"
        raise ModelCorrupt(str(file), problem, "pull it again") from error
    return network.eval()
