"""CogVideoX's transformer in segments (diffusers `CogVideoXTransformer3DModel`, versions 2B and 5B).

Two streams pass through the blocks: `hidden`, [1, S, d] for the S = f·h·w tokens of the video, and `encoder`,
[1, T, d] for the T of the text, which comes first in attention. Positions are either rotary tables of half a head's
angles, [1, S, 1, head/2], or sinusoids that the front adds, one table per axis. Both are inputs, since sines and
cosines differ between devices. The arithmetic is that of diffusers 0.42.1, cogvideox_transformer_3d.py; streams,
norms and gates stay float32.
"""

import torch
from diffusers import CogVideoXTransformer3DModel
from torch import Tensor, nn
from torch.nn import functional as F

from ..attention import attention
from ..blocks import PatchEmbed, apply_in_weights_dtype, dtype_of, rotate_pairs

Rope = tuple[Tensor, Tensor]


def layer_norm(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    """In float32, whatever the dtype of its weights."""
    weight, bias = (None if p is None else p.float() for p in (norm.weight, norm.bias))
    return F.layer_norm(x, norm.normalized_shape, weight, bias, norm.eps)


def conditioned(linear: nn.Linear, emb: Tensor, parts: int) -> tuple[Tensor, ...]:
    """A norm's shifts, scales and gates from the time embedding [1, time]: `parts` of [1, 1, d]."""
    return apply_in_weights_dtype(linear, F.silu(emb)).float().unsqueeze(1).chunk(parts, dim=2)


def modulated(norm: nn.Module, hidden: Tensor, encoder: Tensor, emb: Tensor) -> tuple[Tensor, ...]:
    """`CogVideoXLayerNormZero`: both streams normed, scaled and shifted, and the gate of each."""
    shift, scale, gate, text_shift, text_scale, text_gate = conditioned(norm.linear, emb, 6)
    hidden = layer_norm(norm.norm, hidden) * (1 + scale) + shift
    encoder = layer_norm(norm.norm, encoder) * (1 + text_scale) + text_shift
    return hidden, encoder, gate, text_gate


def attend(attn: nn.Module, hidden: Tensor, encoder: Tensor, rope: Rope | None) -> tuple[Tensor, Tensor]:
    """`CogVideoXAttnProcessor2_0`: text and video attend to both; queries and keys of the video are rotated."""
    text = encoder.shape[1]
    x = torch.cat([encoder, hidden], dim=1).to(dtype_of(attn.to_q))

    def heads(linear: nn.Linear, norm: nn.LayerNorm | None = None) -> Tensor:
        made = linear(x).unflatten(2, (attn.heads, -1))
        return made if norm is None else layer_norm(norm, made.float()).to(x.dtype)

    def rotated(made: Tensor) -> Tensor:
        if rope is None:
            return made
        return torch.cat([made[:, :text], rotate_pairs(made[:, text:], *rope)], dim=1)

    query, key = rotated(heads(attn.to_q, attn.norm_q)), rotated(heads(attn.to_k, attn.norm_k))
    mixed = attn.to_out[0](attention(query, key, heads(attn.to_v))).float()
    return mixed[:, text:], mixed[:, :text]


def feed_forward(block: nn.Module, x: Tensor) -> Tensor:
    return apply_in_weights_dtype(block.ff, x).float()


class Front(nn.Module):
    """Latents [1, F, c, H, W], the timestep's sinusoid and the text's embeddings to both streams before block 0.

    With a sinusoid for each axis, [length, channels], their sum with the tokens is the model's position embedding:
    frames first, then columns, then rows. Also gives what block 0 feeds to its attention for the video's tokens, on
    which cache policies measure.
    """

    def __init__(self, model: CogVideoXTransformer3DModel):
        super().__init__()
        p = model.config.patch_size
        self.patch, self.embed = p, PatchEmbed(model.patch_embed.proj, (1, p, p))
        self.text_proj, self.time_embedding = model.patch_embed.text_proj, model.time_embedding
        self.norm1 = model.transformer_blocks[0].norm1

    def forward(
        self, latents: Tensor, time_features: Tensor, prompt_embeds: Tensor, *positions: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        emb = apply_in_weights_dtype(self.time_embedding, time_features).float()
        encoder = apply_in_weights_dtype(self.text_proj, prompt_embeds).float()
        hidden = self.embed(latents.transpose(1, 2)).float()
        if positions:
            hidden = hidden + self.positions(latents, *positions)
        first, *_ = modulated(self.norm1, hidden, encoder, emb)
        return hidden, encoder, emb, first

    def positions(self, latents: Tensor, frames: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """[1, S, d] of the sinusoids of each axis."""
        _, f, _, height, width = latents.shape
        h, w = height // self.patch, width // self.patch
        along = (frames[:, None, None], columns[None, None], rows[None, :, None])
        return torch.cat([table.expand(f, h, w, -1) for table in along], dim=3).flatten(0, 2).unsqueeze(0)


class Blocks(nn.Module):
    """Some transformer blocks: both streams to both streams."""

    def __init__(self, model: CogVideoXTransformer3DModel, start: int, end: int):
        super().__init__()
        self.blocks = nn.ModuleList(model.transformer_blocks[start:end])

    def forward(self, hidden: Tensor, encoder: Tensor, emb: Tensor, *rope: Tensor) -> tuple[Tensor, Tensor]:
        for block in self.blocks:
            x, text, gate, text_gate = modulated(block.norm1, hidden, encoder, emb)
            x, text = attend(block.attn1, x, text, rope or None)
            hidden, encoder = hidden + gate * x, encoder + text_gate * text
            x, text, gate, text_gate = modulated(block.norm2, hidden, encoder, emb)
            # Token by token, so that the streams need not be joined for it.
            hidden, encoder = hidden + gate * feed_forward(block, x), encoder + text_gate * feed_forward(block, text)
        return hidden, encoder


class Head(nn.Module):
    """Hidden [1, S, d] to the prediction [1, F, c, H, W]; of the latents only the size is read."""

    def __init__(self, model: CogVideoXTransformer3DModel):
        super().__init__()
        self.patch = model.config.patch_size
        self.norm_final, self.norm_out, self.project = model.norm_final, model.norm_out, model.proj_out

    def forward(self, hidden: Tensor, emb: Tensor, latents: Tensor) -> Tensor:
        _, frames, _, rows, columns = latents.shape
        p = self.patch
        shift, scale = conditioned(self.norm_out.linear, emb, 2)
        x = layer_norm(self.norm_out.norm, layer_norm(self.norm_final, hidden)) * (1 + scale) + shift
        x = apply_in_weights_dtype(self.project, x).float()
        x = x.reshape(frames, rows // p, columns // p, -1, p, p).permute(0, 3, 1, 4, 2, 5)
        return x.reshape(1, frames, -1, rows, columns)
