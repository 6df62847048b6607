"""HunyuanVideo's video decoder as one graph (diffusers `AutoencoderKLHunyuanVideo`).

Group norms and the attention in the middle look at all frames of a call, so a clip or a tile is decoded whole: latents
[1, c, n, h, w] become frames [1, 3, 1 + time·(n − 1), space·h, space·w]. Tiles and their blending are the engine's.
"""

import torch
from diffusers import AutoencoderKLHunyuanVideo
from torch import Tensor, nn

from ..attention import attention
from ..blocks import dtype_of


def upsample(block: nn.Module, x: Tensor) -> Tensor:
    """`HunyuanVideoUpsampleCausal3D`: repeats frames, rows and columns; the first frame stays alone."""
    time, height, width = (int(factor) for factor in block.upsample_factor)
    _, c, frames, rows, columns = x.shape
    x = x[:, :, :, None, :, None, :, None].expand(1, c, frames, time, rows, height, columns, width)
    x = x.reshape(1, c, frames * time, rows * height, columns * width)
    # One of the first frame's copies is left.
    return block.conv(x[:, :, time - 1 :])


def attend(attn: nn.Module, x: Tensor) -> Tensor:
    """One head over all pixels of all frames; a pixel sees its own frame and those before it."""
    _, c, frames, rows, columns = x.shape
    flat = attn.group_norm(x.flatten(2)).transpose(1, 2)
    query, key, value = (layer(flat).unsqueeze(2) for layer in (attn.to_q, attn.to_k, attn.to_v))
    frame = torch.arange(frames, device=x.device)[:, None].expand(frames, rows * columns).flatten()
    mixed = attn.to_out[0](attention(query, key, value, mask=frame[None, :] <= frame[:, None]))
    return x + mixed.transpose(1, 2).reshape(x.shape)


class Decoder(nn.Module):
    """Latents to frames, about -1 to 1."""

    def __init__(self, vae: AutoencoderKLHunyuanVideo):
        super().__init__()
        self.decoder, self.post_quant_conv = vae.decoder, vae.post_quant_conv

    def forward(self, latents: Tensor) -> Tensor:
        decoder = self.decoder
        x = decoder.conv_in(self.post_quant_conv(latents.to(dtype_of(self.post_quant_conv))))
        x = decoder.mid_block.resnets[0](x)
        for attn, resnet in zip(decoder.mid_block.attentions, decoder.mid_block.resnets[1:], strict=True):
            x = resnet(x if attn is None else attend(attn, x))
        for block in decoder.up_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            for resample in block.upsamplers or []:
                x = upsample(resample, x)
        return decoder.conv_out(decoder.conv_act(decoder.conv_norm_out(x))).float()
