"""Wan's video decoders as two graphs with explicit state (diffusers `AutoencoderKLWan`, versions 2.1 and 2.2).

diffusers decodes one latent frame a call and keeps, for each causal convolution, the last two frames of its input.
Here these are inputs and outputs, [1, channels, 2, rows, columns] each; zeros stand for what diffusers pads. The
first latent frame becomes one video frame, since it skips the convolutions that double the frame rate; every
further one becomes four. Version 2.2 leads each block's input around it, and decodes pixels in patches.
"""

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import DupUp3D, WanResidualUpBlock
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


def duplicate(shortcut: DupUp3D, x: Tensor, first: bool) -> Tensor:
    """`DupUp3D`: channels become the pixels and frames of the larger size; of the first frame only the last remains."""
    frames, side = shortcut.factor_t, shortcut.factor_s
    x = x.repeat_interleave(shortcut.repeats, dim=1).unflatten(1, (-1, frames, side, side))
    x = x.permute(0, 1, 5, 2, 6, 3, 7, 4).flatten(6, 7).flatten(4, 5).flatten(2, 3)
    return x[:, :, frames - 1 :] if first else x


def enlarge(block: nn.Module, x: Tensor, memory: Memory) -> Tensor:
    """`WanUpBlock`, or `WanResidualUpBlock` with its input led around it."""
    entering = x
    for resnet in block.resnets:
        x = residual(resnet, x, memory)
    if not isinstance(block, WanResidualUpBlock):
        return x if block.upsamplers is None else upsample(block.upsamplers[0], x, memory)
    if block.upsampler is not None:
        x = upsample(block.upsampler, x, memory)
    if block.avg_shortcut is not None:
        x = x + duplicate(block.avg_shortcut, entering, memory.before is None)
    return x


def join_patches(x: Tensor, patch: int) -> Tensor:
    """[1, c · patch², n, h, w] to [1, c, n, patch · h, patch · w]; columns vary slower than rows in the channels."""
    x = x.unflatten(1, (-1, patch, patch)).permute(0, 1, 4, 5, 3, 6, 2)
    return x.flatten(5, 6).flatten(3, 4)


def decode_frame(vae: AutoencoderKLWan, latents: Tensor, memory: Memory) -> Tensor:
    """One latent frame [1, c, 1, h, w] to one or four video frames [1, 3, n, 8h, 8w]; version 2.2: [1, 3, n, 16h, 16w].

    Black is -1, white 1; values beyond are left, since tiles are blended before they are limited.
    """
    decoder = vae.decoder
    x = causal(decoder.conv_in, apply_in_weights_dtype(vae.post_quant_conv, latents), memory)
    x = residual(decoder.mid_block.resnets[0], x, memory)
    for attend, resnet in zip(decoder.mid_block.attentions, decoder.mid_block.resnets[1:], strict=True):
        x = residual(resnet, attend(x), memory)
    for block in decoder.up_blocks:
        x = enlarge(block, x, memory)
    x = causal(decoder.conv_out, decoder.nonlinearity(decoder.norm_out(x)), memory).float()
    return x if vae.patch is None else join_patches(x, vae.patch)


class DecoderFirst(nn.Module):
    """Latents to one frame and the caches."""

    def __init__(self, vae: AutoencoderKLWan):
        super().__init__()
        self.decoder, self.post_quant_conv, self.patch = vae.decoder, vae.post_quant_conv, vae.config.patch_size

    def forward(self, latents: Tensor) -> tuple[Tensor, ...]:
        memory = Memory(None)
        return (decode_frame(self, latents, memory), *memory.after)


class DecoderNext(DecoderFirst):
    """Latents and caches to four frames and the caches' successors."""

    def forward(self, latents: Tensor, *caches: Tensor) -> tuple[Tensor, ...]:
        memory = Memory(list(caches))
        return (decode_frame(self, latents, memory), *memory.after)
