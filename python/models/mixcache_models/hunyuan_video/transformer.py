"""HunyuanVideo's transformer in segments (diffusers `HunyuanVideoTransformer3DModel`, text to video).

Shapes: B = 1, S image tokens = f·h·w of the grid, T text tokens, d = heads · head channels. The text holds its own
tokens only, so nothing is masked: what diffusers masks contributes nothing to the tokens that it does not mask.
Rotary tables are inputs, half a head's angles, [1, S, 1, head/2], for neighbouring channels; text is not rotated.
The arithmetic is that of diffusers 0.42.1, transformer_hunyuan_video.py; both streams stay float32.
"""

import torch
import torch.nn.functional as F
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor, nn

from ..attention import attention
from ..blocks import PatchEmbed, apply_in_weights_dtype, rotate_pairs


def modulation(norm: nn.Module, temb: Tensor, parts: int) -> tuple[Tensor, ...]:
    """What an AdaLayerNorm makes of the embedding: `parts` tensors of [1, 1, d]."""
    return apply_in_weights_dtype(norm.linear, F.silu(temb)).float().unsqueeze(1).chunk(parts, dim=2)


def layer_norm(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    """In float32, whatever the weights are."""
    return F.layer_norm(x, norm.normalized_shape, norm.weight.float(), norm.bias.float(), norm.eps)


def project(attn: nn.Module, x: Tensor, names: tuple[str, str, str], norms: tuple[str, str]) -> tuple[Tensor, ...]:
    """Queries, keys and values, [1, n, heads, head]; queries and keys with their norms."""
    query, key, value = (
        apply_in_weights_dtype(getattr(attn, name), x).unflatten(2, (attn.heads, -1)) for name in names
    )
    query_norm, key_norm = (getattr(attn, name) for name in norms)
    return query_norm(query), key_norm(key), value


class TokenRefiner(nn.Module):
    """The language model's embeddings [1, T, text] to the text stream [1, T, d]; it depends on the timestep."""

    def __init__(self, refiner: nn.Module):
        super().__init__()
        embed = refiner.time_text_embed
        self.time_embedder, self.text_embedder = embed.timestep_embedder, embed.text_embedder
        self.proj_in, self.blocks = refiner.proj_in, refiner.token_refiner.refiner_blocks

    def forward(self, prompt_embeds: Tensor, time_features: Tensor) -> Tensor:
        mean = apply_in_weights_dtype(self.text_embedder, prompt_embeds.mean(dim=1)).float()
        temb = apply_in_weights_dtype(self.time_embedder, time_features).float() + mean
        text = apply_in_weights_dtype(self.proj_in, prompt_embeds).float()
        for block in self.blocks:
            gate, ff_gate = modulation(block.norm_out, temb, 2)
            x, attn = layer_norm(block.norm1, text), block.attn
            query, key, value = (
                apply_in_weights_dtype(layer, x).unflatten(2, (attn.heads, -1))
                for layer in (attn.to_q, attn.to_k, attn.to_v)
            )
            text = text + attn.to_out[0](attention(query, key, value)).float() * gate
            text = text + apply_in_weights_dtype(block.ff, layer_norm(block.norm2, text)).float() * ff_gate
        return text


class Front(nn.Module):
    """Latents, sinusoids of timestep and guidance [1, 256] and both texts to the streams and the embedding.

    Also gives what block 0 feeds to its attention from the image stream, on which cache policies measure.
    """

    def __init__(self, model: HunyuanVideoTransformer3DModel):
        super().__init__()
        self.patch = PatchEmbed(model.x_embedder.proj, patch_of(model))
        embed = model.time_text_embed
        self.time_embedder, self.guidance_embedder = embed.timestep_embedder, embed.guidance_embedder
        self.pooled_embedder = embed.text_embedder
        self.refiner = TokenRefiner(model.context_embedder)
        self.first = model.transformer_blocks[0].norm1

    def forward(
        self, latents: Tensor, time_features: Tensor, guidance_features: Tensor, prompt_embeds: Tensor, pooled: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        hidden = self.patch(latents).float()
        temb = apply_in_weights_dtype(self.time_embedder, time_features).float()
        temb = temb + apply_in_weights_dtype(self.guidance_embedder, guidance_features).float()
        temb = temb + apply_in_weights_dtype(self.pooled_embedder, pooled).float()
        shift, scale, *_ = modulation(self.first, temb, 6)
        modulated = self.first.norm(hidden) * (1 + scale) + shift
        return hidden, self.refiner(prompt_embeds, time_features), temb, modulated


#: Rows of a dual block's modulation: shift, scale and gate of the attention, then of the feed-forward.
SHIFT, SCALE, GATE, FF_SHIFT, FF_SCALE, FF_GATE = range(6)


class DualBlock(nn.Module):
    """`HunyuanVideoTransformerBlock`: each stream has weights of its own, attention is over both together."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.block = block

    def rows(self, temb: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Six rows for the image stream, six for the text stream."""
        return modulation(self.block.norm1, temb, 6), modulation(self.block.norm1_context, temb, 6)

    def attend(self, hidden: Tensor, text: Tensor, rows, text_rows, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
        """What attention gives each stream, before the gates."""
        block, attn = self.block, self.block.attn
        x = block.norm1.norm(hidden) * (1 + rows[SCALE]) + rows[SHIFT]
        query, key, value = project(attn, x, ("to_q", "to_k", "to_v"), ("norm_q", "norm_k"))
        y = block.norm1_context.norm(text) * (1 + text_rows[SCALE]) + text_rows[SHIFT]
        added = ("add_q_proj", "add_k_proj", "add_v_proj")
        text_query, text_key, text_value = project(attn, y, added, ("norm_added_q", "norm_added_k"))
        mixed = attention(
            torch.cat([rotate_pairs(query, cos, sin), text_query], dim=1),
            torch.cat([rotate_pairs(key, cos, sin), text_key], dim=1),
            torch.cat([value, text_value], dim=1),
        )
        tokens = hidden.shape[1]
        return attn.to_out[0](mixed[:, :tokens]).float(), attn.to_add_out(mixed[:, tokens:]).float()

    def feed(self, hidden: Tensor, text: Tensor, rows, text_rows) -> tuple[Tensor, Tensor]:
        """What the feed-forward gives each stream, before the gates."""
        block = self.block
        x = block.norm2(hidden) * (1 + rows[FF_SCALE]) + rows[FF_SHIFT]
        y = block.norm2_context(text) * (1 + text_rows[FF_SCALE]) + text_rows[FF_SHIFT]
        return apply_in_weights_dtype(block.ff, x).float(), apply_in_weights_dtype(block.ff_context, y).float()

    def forward(self, hidden: Tensor, text: Tensor, temb: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
        rows, text_rows = self.rows(temb)
        image_part, text_part = self.attend(hidden, text, rows, text_rows, cos, sin)
        hidden, text = hidden + image_part * rows[GATE], text + text_part * text_rows[GATE]
        image_part, text_part = self.feed(hidden, text, rows, text_rows)
        return hidden + image_part * rows[FF_GATE], text + text_part * text_rows[FF_GATE]


class SingleBlock(nn.Module):
    """`HunyuanVideoSingleTransformerBlock` over both streams as one, [1, S + T, d]: attention beside feed-forward."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.block = block

    def rows(self, temb: Tensor) -> tuple[Tensor, ...]:
        """Shift, scale and gate."""
        return modulation(self.block.norm, temb, 3)

    def mix(self, joint: Tensor, rows, cos: Tensor, sin: Tensor) -> Tensor:
        """What attention and feed-forward give together, before the gate."""
        block = self.block
        x = block.norm.norm(joint) * (1 + rows[SCALE]) + rows[SHIFT]
        query, key, value = project(block.attn, x, ("to_q", "to_k", "to_v"), ("norm_q", "norm_k"))
        mixed = attention(rotate_pairs(query, cos, sin), rotate_pairs(key, cos, sin), value)
        wide = F.gelu(apply_in_weights_dtype(block.proj_mlp, x), approximate="tanh")
        return block.proj_out(torch.cat([mixed, wide], dim=2)).float()

    def forward(self, joint: Tensor, temb: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        rows = self.rows(temb)
        return joint + self.mix(joint, rows, cos, sin) * rows[GATE]


def joint_tables(cos: Tensor, sin: Tensor, texts: int) -> tuple[Tensor, Tensor]:
    """Rotary tables of the image and then the text, which is turned by an angle of zero.

    That changes no bit and spares taking queries and keys apart.
    """
    return F.pad(cos, (0, 0, 0, 0, 0, texts), value=1.0), F.pad(sin, (0, 0, 0, 0, 0, texts))


class Blocks(nn.Module):
    """Blocks `start` to `end` of dual blocks followed by single ones: both streams in and out."""

    def __init__(self, model: HunyuanVideoTransformer3DModel, start: int, end: int):
        super().__init__()
        dual, single = model.transformer_blocks, model.single_transformer_blocks
        self.dual = nn.ModuleList(DualBlock(block) for block in dual[start:end])
        first, last = (max(0, at - len(dual)) for at in (start, end))
        self.single = nn.ModuleList(SingleBlock(block) for block in single[first:last])

    def forward(
        self, hidden: Tensor, text_hidden: Tensor, temb: Tensor, rope_cos: Tensor, rope_sin: Tensor
    ) -> tuple[Tensor, Tensor]:
        for block in self.dual:
            hidden, text_hidden = block(hidden, text_hidden, temb, rope_cos, rope_sin)
        if len(self.single) == 0:
            return hidden, text_hidden
        tokens = hidden.shape[1]
        cos, sin = joint_tables(rope_cos, rope_sin, text_hidden.shape[1])
        joint = torch.cat([hidden, text_hidden], dim=1)
        for block in self.single:
            joint = block(joint, temb, cos, sin)
        return joint[:, :tokens], joint[:, tokens:]


class Head(nn.Module):
    """Hidden [1, S, d] to the velocity [1, c, F, H, W]; of the latents only the size is read."""

    def __init__(self, model: HunyuanVideoTransformer3DModel):
        super().__init__()
        self.patch = patch_of(model)
        self.norm, self.project = model.norm_out, model.proj_out

    def forward(self, hidden: Tensor, temb: Tensor, latents: Tensor) -> Tensor:
        _, _, frames, rows, columns = latents.shape
        p_t, p_h, p_w = self.patch
        scale, shift = modulation(self.norm, temb, 2)
        x = apply_in_weights_dtype(self.project, self.norm.norm(hidden) * (1 + scale) + shift).float()
        # Channels come before the patch in each token.
        x = x.reshape(frames // p_t, rows // p_h, columns // p_w, -1, p_t, p_h, p_w)
        x = x.permute(3, 0, 4, 1, 5, 2, 6)
        return x.reshape(1, -1, frames, rows, columns)


def block_prefix(index: int, dual: int) -> str:
    """Where the weights of a block lie, the dual ones first."""
    return f"transformer_blocks.{index}." if index < dual else f"single_transformer_blocks.{index - dual}."


def patch_of(model: HunyuanVideoTransformer3DModel) -> tuple[int, int, int]:
    """Latent frames, rows and columns per token."""
    config = model.config
    return (config.patch_size_t, config.patch_size, config.patch_size)
