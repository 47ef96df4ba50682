"""MobileNetV3 for spectrograms, as EfficientAT uses it; a torch module, so imported only when it is opened.

Structure: Howard et al., "Searching for MobileNetV3" (ICCV 2019), tables 1 and 2, with one input channel and
squeeze-and-excitation over channels. Names of the parts follow the public checkpoints of Schmid et al.,
"Efficient Large-Scale Audio Tagging via Transformer-to-CNN Knowledge Distillation" (ICASSP 2023),
https://github.com/fschmid56/EfficientAT (MIT), so that their state dicts load strictly.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class Bottleneck(NamedTuple):
    """One inverted residual at width 1: channels inside and out, kernel, stride, what it is made of."""

    kernel: int
    inside: int
    out: int
    excites: bool
    hard: bool
    stride: int


STEM_CHANNELS, HEAD_CHANNELS = 16, 1280
BOTTLENECKS = (
    Bottleneck(3, 16, 16, False, False, 1),
    Bottleneck(3, 64, 24, False, False, 2),
    Bottleneck(3, 72, 24, False, False, 1),
    Bottleneck(5, 72, 40, True, False, 2),
    Bottleneck(5, 120, 40, True, False, 1),
    Bottleneck(5, 120, 40, True, False, 1),
    Bottleneck(3, 240, 80, False, True, 2),
    Bottleneck(3, 200, 80, False, True, 1),
    Bottleneck(3, 184, 80, False, True, 1),
    Bottleneck(3, 184, 80, False, True, 1),
    Bottleneck(3, 480, 112, True, True, 1),
    Bottleneck(3, 672, 112, True, True, 1),
    Bottleneck(5, 672, 160, True, True, 2),
    Bottleneck(5, 960, 160, True, True, 1),
    Bottleneck(5, 960, 160, True, True, 1),
)


def round_channels(channels: float) -> int:
    """The nearest multiple of 8, at least 8, and never more than a tenth below `channels`."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


class MobileNet(nn.Module):
    """From log-mel spectrograms, float32 (n, 1, mels, frames), to logits, float32 (n, classes)."""

    def __init__(self, width: float, classes: int) -> None:
        super().__init__()
        channels = round_channels(STEM_CHANNELS * width)
        layers: list[nn.Module] = [_convolution(1, channels, 3, nn.Hardswish(), stride=2)]
        for bottleneck in BOTTLENECKS:
            layers.append(_InvertedResidual(channels, bottleneck, width))
            channels = round_channels(bottleneck.out * width)
        layers.append(_convolution(channels, 6 * channels, 1, nn.Hardswish()))
        self.features = nn.Sequential(*layers)
        hidden = round_channels(HEAD_CHANNELS * width)
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(6 * channels, hidden),
            nn.Hardswish(),
            nn.Dropout(0.2),
            nn.Linear(hidden, classes),
        )

    def forward(self, spectrograms: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(spectrograms))


def fold_norms(network: MobileNet) -> MobileNet:
    """Fold each batch norm into its convolution, in place: the same function, with a third of the layers.

    The network must be in evaluation mode and is no more to be trained or loaded into.
    """
    for part in list(network.modules()):
        if isinstance(part, nn.Sequential) and len(part) > 1 and isinstance(part[1], nn.BatchNorm2d):
            part[0] = fuse_conv_bn_eval(part[0], part[1])
            part[1] = nn.Identity()
    return network


class _InvertedResidual(nn.Module):
    def __init__(self, channels: int, shape: Bottleneck, width: float) -> None:
        super().__init__()
        inside, out = round_channels(shape.inside * width), round_channels(shape.out * width)
        activation = nn.Hardswish if shape.hard else nn.ReLU
        parts: list[nn.Module] = []
        if inside != channels:
            parts.append(_convolution(channels, inside, 1, activation()))
        parts.append(
            _convolution(inside, inside, shape.kernel, activation(), stride=shape.stride, groups=inside)
        )
        if shape.excites:
            parts.append(_Excitation(inside))
        parts.append(_convolution(inside, out, 1, None))
        self.block = nn.Sequential(*parts)
        self.skips = shape.stride == 1 and channels == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(x) + x if self.skips else self.block(x)


class _Excitation(nn.Module):
    """Scales each channel by a gate made from all channels' means (squeeze-and-excitation)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = round_channels(channels // 4)
        layers = OrderedDict(fc1=nn.Linear(channels, squeezed), fc2=nn.Linear(squeezed, channels))
        self.conc_se_layers = nn.ModuleList([nn.ModuleDict(layers)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        layers = self.conc_se_layers[0]
        gate = torch.sigmoid(layers["fc2"](torch.relu(layers["fc1"](x.mean((2, 3))))))
        return x * gate[:, :, None, None]


def _convolution(
    inputs: int, outputs: int, kernel: int, activation: nn.Module | None, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    parts = [convolution, nn.BatchNorm2d(outputs, eps=1e-3)]
    return nn.Sequential(*parts, *([activation] if activation else []))
