"""Wan's video decoder as two graphs with explicit state (diffusers `AutoencoderKLWan`, version 2.1).

diffusers decodes one latent frame a call and keeps, for each causal convolution, the last two frames of its input.
Here these are inputs and outputs, [1, channels, 2, rows, columns] each; zeros stand for what diffusers pads. The
first latent frame becomes one video frame, since it skips the convolutions that double the frame rate; every
further one becomes four.
"""

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from torch import Tensor, nn

from ..blocks import apply_in_weights_dtype

#: Frames that a convolution of three frames must remember.
REMEMBERED = 2


class Memory:
    """The caches of a call, taken one after the other in the order of the convolutions."""

    def __init__(self, before: list[Tensor] | None):
        self.before, self.after = before, []

    def extend(self, x: Tensor) -> Tensor:
        """The frames before x, or zeros, and then x."""
        before = None if self.before is None else self.before[len(self.after)]
        longer = F.pad(x, (0, 0, 0, 0, REMEMBERED, 0)) if before is None else torch.cat([before.to(x.dtype), x], dim=2)
        self.after.append(longer[:, :, -REMEMBERED:].float())
        return longer

    def begin(self, x: Tensor) -> None:
        """Zeros, for a convolution that the first call does not run."""
        self.after.append(torch.zeros_like(F.pad(x, (0, 0, 0, 0, REMEMBERED - 1, 0))).float())


def causal(conv: nn.Conv3d, x: Tensor, memory: Memory) -> Tensor:
    """`WanCausalConv3d` of three frames with its cache."""
    left, right, top, bottom, *_ = conv._padding
    x = F.pad(memory.extend(x), (left, right, top, bottom, 0, 0))
    return F.conv3d(x, conv.weight, conv.bias)


def residual(block: nn.Module, x: Tensor, memory: Memory) -> Tensor:
    """`WanResidualBlock`."""
    y = causal(block.conv1, block.nonlinearity(block.norm1(x)), memory)
    y = causal(block.conv2, block.nonlinearity(block.norm2(y)), memory)
    return y + block.conv_shortcut(x)


def upsample(block: nn.Module, x: Tensor, memory: Memory) -> Tensor:
    """`WanResample`: twice the frames where the block does that and it is not the first call; twice the size."""
    if block.mode == "upsample3d" and memory.before is None:
        memory.begin(x)
    elif block.mode == "upsample3d":
        x = causal(block.time_conv, x, memory)
        x = x.unflatten(1, (2, -1)).permute(0, 2, 3, 1, 4, 5).flatten(2, 3)
    frames = x.permute(0, 2, 1, 3, 4).flatten(0, 1)
    frames = block.resample[1](F.interpolate(frames, scale_factor=2.0, mode="nearest"))
    return frames.unflatten(0, (1, -1)).permute(0, 2, 1, 3, 4)


def decode_frame(vae: AutoencoderKLWan, latents: Tensor, memory: Memory) -> Tensor:
    """One latent frame [1, c, 1, h, w] to one or four video frames [1, 3, n, 8h, 8w].

    Black is -1, white 1; values beyond are left, since tiles are blended before they are limited.
    """
    decoder = vae.decoder
    x = causal(decoder.conv_in, apply_in_weights_dtype(vae.post_quant_conv, latents), memory)
    x = residual(decoder.mid_block.resnets[0], x, memory)
    for attend, resnet in zip(decoder.mid_block.attentions, decoder.mid_block.resnets[1:], strict=True):
        x = residual(resnet, attend(x), memory)
    for block in decoder.up_blocks:
        for resnet in block.resnets:
            x = residual(resnet, x, memory)
        for resample in block.upsamplers or []:
            x = upsample(resample, x, memory)
    x = causal(decoder.conv_out, decoder.nonlinearity(decoder.norm_out(x)), memory)
    return x.float()


class DecoderFirst(nn.Module):
    """Latents to one frame and the caches."""

    def __init__(self, vae: AutoencoderKLWan):
        super().__init__()
        self.decoder, self.post_quant_conv = vae.decoder, vae.post_quant_conv

    def forward(self, latents: Tensor) -> tuple[Tensor, ...]:
        memory = Memory(None)
        return (decode_frame(self, latents, memory), *memory.after)


class DecoderNext(DecoderFirst):
    """Latents and caches to four frames and the caches' successors."""

    def forward(self, latents: Tensor, *caches: Tensor) -> tuple[Tensor, ...]:
        memory = Memory(list(caches))
        return (decode_frame(self, latents, memory), *memory.after)
