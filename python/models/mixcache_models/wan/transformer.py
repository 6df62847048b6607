"""Wan's transformer in segments (diffusers `WanTransformer3DModel`, text to video).

Shapes: B = 1, S tokens = f·h·w of the grid, d = heads · head channels. Rotary tables are inputs, since sines and
cosines differ between devices; they hold half a head's angles, [1, S, 1, head/2], for neighbouring channels.
The arithmetic is that of diffusers 0.42.1, transformer_wan.py; hidden states stay float32.
"""

from diffusers import WanTransformer3DModel
from torch import Tensor, nn

from ..attention import attention
from ..blocks import PatchEmbed, apply_in_weights_dtype, dtype_of, rotate_pairs


def attend(attn: nn.Module, x: Tensor, context: Tensor, rope: tuple[Tensor, Tensor] | None) -> Tensor:
    """`WanAttnProcessor` without a mask: RMS norm over all heads together, then rotation of queries and keys."""
    dtype = dtype_of(attn.to_q)
    x, context = x.to(dtype), context.to(dtype)

    def heads(t: Tensor) -> Tensor:
        return t.unflatten(2, (attn.heads, -1))

    query, key = heads(attn.norm_q(attn.to_q(x))), heads(attn.norm_k(attn.to_k(context)))
    if rope is not None:
        query, key = rotate_pairs(query, *rope), rotate_pairs(key, *rope)
    return attn.to_out[0](attention(query, key, heads(attn.to_v(context)))).float()


def modulation(block: nn.Module, conditioning: Tensor) -> tuple[Tensor, ...]:
    """Shift, scale and gate of the self-attention, then of the feed-forward: six of [1, 1, d]."""
    return (block.scale_shift_table + conditioning).chunk(6, dim=1)


class TextProjection(nn.Module):
    """[1, T, text] -> [1, T, d]; it does not depend on the timestep, so it runs once per prompt."""

    def __init__(self, model: WanTransformer3DModel):
        super().__init__()
        self.project = model.condition_embedder.text_embedder

    def forward(self, prompt_embeds: Tensor) -> Tensor:
        return apply_in_weights_dtype(self.project, prompt_embeds).float()


class Front(nn.Module):
    """Latents [1, c, F, H, W] and the timestep's sinusoid [1, frequencies] to the first hidden states.

    Also gives what block 0 feeds to its self-attention, on which cache policies measure.
    """

    def __init__(self, model: WanTransformer3DModel):
        super().__init__()
        self.patch = PatchEmbed(model.patch_embedding, model.config.patch_size)
        embed = model.condition_embedder
        self.time_embedder, self.act, self.time_proj = embed.time_embedder, embed.act_fn, embed.time_proj
        self.first = FirstModulation(model.blocks[0])

    def forward(self, latents: Tensor, time_features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        hidden = self.patch(latents).float()
        temb = apply_in_weights_dtype(self.time_embedder, time_features).float()
        conditioning = apply_in_weights_dtype(self.time_proj, self.act(temb)).float().unflatten(1, (6, -1))
        return hidden, temb, conditioning, self.first(hidden, conditioning)


class FirstModulation(nn.Module):
    """The input of a block's self-attention, with nothing of the block but its norm and its table."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.norm1, self.scale_shift_table = block.norm1, block.scale_shift_table

    def forward(self, hidden: Tensor, conditioning: Tensor) -> Tensor:
        shift, scale, *_ = modulation(self, conditioning)
        return self.norm1(hidden) * (1 + scale) + shift


def self_attention(block: nn.Module, hidden: Tensor, rows: tuple[Tensor, ...], rope: tuple[Tensor, Tensor]) -> Tensor:
    """Before its gate."""
    x = block.norm1(hidden) * (1 + rows[1]) + rows[0]
    return attend(block.attn1, x, x, rope)


def feed_forward(block: nn.Module, hidden: Tensor, rows: tuple[Tensor, ...]) -> Tensor:
    """Before its gate."""
    return apply_in_weights_dtype(block.ffn, block.norm3(hidden) * (1 + rows[4]) + rows[3]).float()


class Blocks(nn.Module):
    """Some transformer blocks: hidden [1, S, d] to hidden."""

    def __init__(self, model: WanTransformer3DModel, start: int, end: int):
        super().__init__()
        self.blocks = nn.ModuleList(model.blocks[start:end])

    def forward(self, hidden: Tensor, conditioning: Tensor, context: Tensor, rope_cos: Tensor, rope_sin: Tensor):
        for block in self.blocks:
            rows = modulation(block, conditioning)
            hidden = hidden + self_attention(block, hidden, rows, (rope_cos, rope_sin)) * rows[2]
            hidden = hidden + attend(block.attn2, block.norm2(hidden), context, None)
            hidden = hidden + feed_forward(block, hidden, rows) * rows[5]
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
        x = apply_in_weights_dtype(self.project, self.norm(hidden) * (1 + scale) + shift).float()
        x = x.reshape(frames // p_t, rows // p_h, columns // p_w, p_t, p_h, p_w, -1)
        x = x.permute(6, 0, 3, 1, 4, 2, 5)
        return x.reshape(1, -1, frames, rows, columns)
