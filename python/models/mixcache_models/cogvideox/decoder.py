"""CogVideoX's video decoder as two graphs with explicit state (diffusers `AutoencoderKLCogVideoX`).

diffusers decodes two latent frames a call, and of an odd number of frames three in the first: nine video
frames, then eight each. A causal convolution keeps the last two frames of its input, [1, channels, 2, rows,
columns]; the first call repeats its first frame instead. Group norms see the frames of one call, so the calls
must be these.

One thing is done in another order with the same numbers: a frame that is doubled in time is convolved before.
"""

import torch
from diffusers import AutoencoderKLCogVideoX
from torch import Tensor, nn
from torch.nn import functional as F

from ..blocks import dtype_of

#: Frames that a convolution of three frames must remember.
REMEMBERED = 2
#: Latent frames of the first call and of every further one.
FIRST, NEXT = 3, 2


class Memory:
    """The caches of a call, taken one after the other in the order of the convolutions."""

    def __init__(self, before: list[Tensor] | None):
        self.before, self.after = before, []

    def extend(self, x: Tensor) -> Tensor:
        """The frames before x, or its first frame in their place, and then x."""
        if self.before is None:
            before = [x[:, :, :1]] * REMEMBERED
        else:
            before = [self.before[len(self.after)].to(x.dtype)]
        longer = torch.cat([*before, x], dim=2)
        self.after.append(longer[:, :, -REMEMBERED:].float())
        return longer


def causal(conv: nn.Module, x: Tensor, memory: Memory) -> Tensor:
    """`CogVideoXCausalConv3d` of three frames with its cache."""
    inner = conv.conv
    return F.conv3d(memory.extend(x), inner.weight, inner.bias, padding=(0, conv.height_pad, conv.width_pad))


def pointwise(conv: nn.Module, x: Tensor) -> Tensor:
    return F.conv3d(x, conv.weight, conv.bias)


def wider(x: Tensor) -> Tensor:
    """Twice the rows and columns, each pixel repeated. torch.export takes minutes where sizes are divided."""
    kept = (-1,) * (x.dim() - 2)
    return x[..., :, None, :, None].expand(*kept, -1, 2, -1, 2).flatten(-2).flatten(-3, -2)


def longer(frames: Tensor) -> Tensor:
    """Twice the frames, which are the first axis; of an odd number the first is not doubled."""
    alone = 1 if frames.shape[0] > 1 and frames.shape[0] % 2 else 0
    kept = (-1,) * (frames.dim() - 1)
    doubled = frames[alone:].unsqueeze(1).expand(-1, 2, *kept).flatten(0, 1)
    return torch.cat([frames[:alone], doubled]) if alone else doubled


def spatial_norm(norm: nn.Module, x: Tensor, latents: Tensor) -> Tensor:
    """`CogVideoXSpatialNorm3D`: a group norm, scaled and shifted by the latents, enlarged to x's size."""
    return norm.norm_layer(x) * pointwise(norm.conv_y.conv, latents) + pointwise(norm.conv_b.conv, latents)


def residual(block: nn.Module, x: Tensor, latents: Tensor, memory: Memory) -> Tensor:
    """`CogVideoXResnetBlock3D` without a time embedding."""
    y = causal(block.conv1, block.nonlinearity(spatial_norm(block.norm1, x, latents)), memory)
    y = causal(block.conv2, block.nonlinearity(spatial_norm(block.norm2, y, latents)), memory)
    return y + (pointwise(block.conv_shortcut, x) if block.in_channels != block.out_channels else x)


def upsample(block: nn.Module, x: Tensor, latents: Tensor) -> tuple[Tensor, Tensor]:
    """`CogVideoXUpsample3D`: twice the rows and columns, and twice the frames where the block does that.

    Of x, convolved, and of the latents that its norms look at.
    """
    conv, frames, seen = block.conv, wider(x[0].transpose(0, 1)), wider(latents[0].transpose(0, 1))
    frames = F.conv2d(frames, conv.weight, conv.bias, conv.stride, conv.padding)
    if block.compress_time:
        frames, seen = longer(frames), longer(seen)
    return frames.transpose(0, 1).unsqueeze(0), seen.transpose(0, 1).unsqueeze(0)


def decode(vae: nn.Module, latents: Tensor, memory: Memory) -> Tensor:
    """Three or two latent frames [1, c, n, h, w] to nine or eight video frames, not limited to [-1, 1]."""
    decoder = vae.decoder
    z = latents.to(dtype_of(decoder))
    if vae.post_quant_conv is not None:
        z = pointwise(vae.post_quant_conv, z)
    x = causal(decoder.conv_in, z, memory)
    for resnet in decoder.mid_block.resnets:
        x = residual(resnet, x, z, memory)
    for block in decoder.up_blocks:
        for resnet in block.resnets:
            x = residual(resnet, x, z, memory)
        for upsampler in block.upsamplers or []:
            x, z = upsample(upsampler, x, z)
    x = decoder.conv_act(spatial_norm(decoder.norm_out, x, z))
    return causal(decoder.conv_out, x, memory).float()


class DecoderFirst(nn.Module):
    """Three latent frames to nine frames and the caches."""

    def __init__(self, vae: AutoencoderKLCogVideoX):
        super().__init__()
        self.decoder, self.post_quant_conv = vae.decoder, vae.post_quant_conv

    def forward(self, latents: Tensor) -> tuple[Tensor, ...]:
        memory = Memory(None)
        return (decode(self, latents, memory), *memory.after)


class DecoderNext(DecoderFirst):
    """Two latent frames and the caches to eight frames and the caches' successors."""

    def forward(self, latents: Tensor, *caches: Tensor) -> tuple[Tensor, ...]:
        memory = Memory(list(caches))
        return (decode(self, latents, memory), *memory.after)
