"""HunyuanVideo 1.5's video decoder as one graph (diffusers `AutoencoderKLHunyuanVideo15`).

The attention in the middle looks at all frames before a pixel's own, so a tile is decoded from its first frame to its
last: latents [1, c, n, h, w] become frames [1, 3, 1 + time·(n − 1), space·h, space·w]. Tiles and their blending are the
engine's. Enlarging moves channels into frames, rows and columns; the first frame is not doubled in time.
"""

import torch
from diffusers import AutoencoderKLHunyuanVideo15
from torch import Tensor, nn

from ..attention import attention
from ..blocks import dtype_of


def unpack(x: Tensor, time: int) -> Tensor:
    """Channels [1, time · 2 · 2 · c, n, h, w] to pixels [1, c, time · n, 2h, 2w]."""
    _, packed, frames, rows, columns = x.shape
    x = x.reshape(time, 2, 2, packed // (4 * time), frames, rows, columns).permute(3, 4, 0, 5, 1, 6, 2)
    return x.reshape(1, packed // (4 * time), frames * time, rows * 2, columns * 2)


def repeat_channels(x: Tensor, times: int) -> Tensor:
    """Every channel `times` times, one after the other."""
    _, c, frames, rows, columns = x.shape
    return x[:, :, None].expand(1, c, times, frames, rows, columns).reshape(1, c * times, frames, rows, columns)


def first_and_rest(first: Tensor, all_doubled: Tensor) -> Tensor:
    """The first frame alone, then the others' two each; slices that are never empty spare a graph's special cases."""
    return torch.cat([first, all_doubled[:, :, 2:]], dim=2)


def upsample(block: nn.Module, x: Tensor) -> Tensor:
    """`HunyuanVideo15Upsample`: a convolution that makes pixels of channels, beside the same without a convolution."""
    y = block.conv(x)
    if not block.add_temporal_upsample:
        return unpack(y, 1) + unpack(repeat_channels(x, block.repeats), 1)
    c = y.shape[1] // 8
    long = first_and_rest(unpack(y[:, :, :1], 1)[:, :c], unpack(y, 2))
    first = repeat_channels(unpack(x[:, :, :1], 1), block.repeats // 2)
    return long + first_and_rest(first, repeat_channels(unpack(x, 2), block.repeats))


def attend(attn: nn.Module, x: Tensor) -> Tensor:
    """One head over all pixels of all frames; a pixel sees its own frame and those before it."""
    _, _, frames, rows, columns = x.shape
    y = attn.norm(x)
    layers = (attn.to_q, attn.to_k, attn.to_v)
    query, key, value = (layer(y).flatten(2).transpose(1, 2).unsqueeze(2) for layer in layers)
    frame = torch.arange(frames, device=x.device)[:, None].expand(frames, rows * columns).flatten()
    mixed = attention(query, key, value, mask=frame[None, :] <= frame[:, None])
    return x + attn.proj_out(mixed.transpose(1, 2).reshape(x.shape))


class Decoder(nn.Module):
    """Latents to frames, about -1 to 1."""

    def __init__(self, vae: AutoencoderKLHunyuanVideo15):
        super().__init__()
        self.decoder = vae.decoder

    def forward(self, latents: Tensor) -> Tensor:
        decoder = self.decoder
        latents = latents.to(dtype_of(decoder))
        x = decoder.conv_in(latents) + repeat_channels(latents, decoder.repeat)
        x = decoder.mid_block.resnets[0](x)
        for attn, resnet in zip(decoder.mid_block.attentions, decoder.mid_block.resnets[1:], strict=True):
            x = resnet(x if attn is None else attend(attn, x))
        for block in decoder.up_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            for resample in block.upsamplers or []:
                x = upsample(resample, x)
        return decoder.conv_out(decoder.conv_act(decoder.norm_out(x))).float()
