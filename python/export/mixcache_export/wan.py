"""Wan's transformer in segments (diffusers `WanTransformer3DModel`, text to video).

Shapes: B = 1, S tokens = f·h·w of the grid, d = heads · head channels. Rotary tables are inputs, since sines and
cosines differ between devices; they hold half a head's angles, [1, S, 1, head/2], for neighbouring channels.
The arithmetic is that of diffusers 0.42.1, transformer_wan.py, in float32.
"""

import torch
import torch.nn.functional as F
from diffusers import WanTransformer3DModel
from torch import Tensor, nn


def attention(attn: nn.Module, x: Tensor, context: Tensor, rope: tuple[Tensor, Tensor] | None) -> Tensor:
    """`WanAttnProcessor` without a mask: RMS norm over all heads together, then rotation of queries and keys."""

    def heads(t: Tensor) -> Tensor:
        return t.unflatten(2, (attn.heads, -1))

    query, key = heads(attn.norm_q(attn.to_q(x))), heads(attn.norm_k(attn.to_k(context)))
    value = heads(attn.to_v(context))
    if rope is not None:
        query, key = rotate(query, *rope), rotate(key, *rope)
    query, key, value = (t.transpose(1, 2) for t in (query, key, value))
    mixed = F.scaled_dot_product_attention(query, key, value)
    return attn.to_out[0](mixed.transpose(1, 2).flatten(2, 3))


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates neighbouring channels: [1, S, heads, head] by [1, S, 1, head/2]."""
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


def modulation(block: nn.Module, conditioning: Tensor) -> tuple[Tensor, ...]:
    """Shift, scale and gate of the self-attention, then of the feed-forward: six of [1, 1, d]."""
    return (block.scale_shift_table + conditioning).chunk(6, dim=1)


class TextProjection(nn.Module):
    """[1, T, text] -> [1, T, d]; it does not depend on the timestep, so it runs once per prompt."""

    def __init__(self, model: WanTransformer3DModel):
        super().__init__()
        self.project = model.condition_embedder.text_embedder

    def forward(self, prompt_embeds: Tensor) -> Tensor:
        return self.project(prompt_embeds)


class Front(nn.Module):
    """Latents [1, c, F, H, W] and the timestep's sinusoid [1, frequencies] to the first hidden states.

    The patch convolution has its stride equal to its kernel, so it is a reshape and a matrix product.
    Also gives what block 0 feeds to its self-attention, on which cache policies measure.
    """

    def __init__(self, model: WanTransformer3DModel):
        super().__init__()
        self.patch = model.config.patch_size
        self.weight = nn.Parameter(model.patch_embedding.weight.flatten(1).T.contiguous(), requires_grad=False)
        self.bias = model.patch_embedding.bias
        embed = model.condition_embedder
        self.time_embedder, self.act, self.time_proj = embed.time_embedder, embed.act_fn, embed.time_proj
        self.first = model.blocks[0]

    def forward(self, latents: Tensor, time_features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        _, c, frames, rows, columns = latents.shape
        p_t, p_h, p_w = self.patch
        x = latents.reshape(c, frames // p_t, p_t, rows // p_h, p_h, columns // p_w, p_w)
        x = x.permute(1, 3, 5, 0, 2, 4, 6).flatten(3, 6).flatten(0, 2)
        hidden = (x @ self.weight + self.bias).unsqueeze(0)
        temb = self.time_embedder(time_features)
        conditioning = self.time_proj(self.act(temb)).unflatten(1, (6, -1))
        shift, scale, *_ = modulation(self.first, conditioning)
        return hidden, temb, conditioning, self.first.norm1(hidden) * (1 + scale) + shift


class Blocks(nn.Module):
    """Some transformer blocks: hidden [1, S, d] to hidden."""

    def __init__(self, model: WanTransformer3DModel, start: int, end: int):
        super().__init__()
        self.blocks = nn.ModuleList(model.blocks[start:end])

    def forward(self, hidden: Tensor, conditioning: Tensor, context: Tensor, rope_cos: Tensor, rope_sin: Tensor):
        for block in self.blocks:
            shift, scale, gate, ff_shift, ff_scale, ff_gate = modulation(block, conditioning)
            x = block.norm1(hidden) * (1 + scale) + shift
            hidden = hidden + attention(block.attn1, x, x, (rope_cos, rope_sin)) * gate
            hidden = hidden + attention(block.attn2, block.norm2(hidden), context, None)
            hidden = hidden + block.ffn(block.norm3(hidden) * (1 + ff_scale) + ff_shift) * ff_gate
        return hidden


class Head(nn.Module):
    """Hidden [1, S, d] to the velocity [1, c, F, H, W]; of the latents only the size is read."""

    def __init__(self, model: WanTransformer3DModel):
        super().__init__()
        self.patch = model.config.patch_size
        self.norm, self.project = model.norm_out, model.proj_out
        self.table = model.scale_shift_table

    def forward(self, hidden: Tensor, temb: Tensor, latents: Tensor) -> Tensor:
        _, _, frames, rows, columns = latents.shape
        p_t, p_h, p_w = self.patch
        shift, scale = (self.table + temb.unsqueeze(1)).chunk(2, dim=1)
        x = self.project(self.norm(hidden) * (1 + scale) + shift)
        x = x.reshape(frames // p_t, rows // p_h, columns // p_w, p_t, p_h, p_w, -1)
        x = x.permute(6, 0, 3, 1, 4, 2, 5)
        return x.reshape(1, -1, frames, rows, columns)
