"""HunyuanVideo 1.5's transformer in segments (diffusers `HunyuanVideo15Transformer3DModel`, text to video).

Shapes: B = 1, S image tokens = f·h·w of the grid, T text tokens, G glyph tokens, d = heads · head channels. The text
stream holds the tokens of quoted texts and then those of the prompt, [1, G + T, d], and nothing else: diffusers also
carries padding and the tokens of an image that is not there, which it masks, so they contribute nothing to the others.
Refiner, blocks and head are HunyuanVideo's. The arithmetic is that of diffusers 0.42.1, transformer_hunyuan_video15.py.
"""

import torch
import torch.nn.functional as F
from diffusers import HunyuanVideo15Transformer3DModel
from torch import Tensor, nn

from ..blocks import PatchEmbed, apply_in_weights_dtype
from ..hunyuan_video.transformer import DualBlock, TokenRefiner, layer_norm, modulation, patch_of

#: Rows of the table that marks where a text token comes from.
PROMPT, GLYPHS = 0, 1


class GlyphProjection(nn.Module):
    """Embeddings of quoted texts [1, G, text] to [1, G, d]; they do not depend on the timestep. G may be 0."""

    def __init__(self, model: HunyuanVideo15Transformer3DModel):
        super().__init__()
        self.project, self.kinds = model.context_embedder_2, model.cond_type_embed

    def forward(self, glyph_embeds: Tensor) -> Tensor:
        project = self.project
        x = apply_in_weights_dtype(project.linear_1, layer_norm(project.norm, glyph_embeds))
        x = project.linear_3(F.gelu(project.linear_2(F.gelu(x))))
        return x.float() + self.kinds.weight[GLYPHS].float()


class Front(nn.Module):
    """Latents, the timestep's sinusoid [1, 256] and both texts to the streams and the embedding.

    Of the patches' channels only the latents' are read: the others hold an image and its mask, zeros without one. Also
    gives what block 0 feeds to its attention from the image stream, on which cache policies measure.
    """

    def __init__(self, model: HunyuanVideo15Transformer3DModel):
        super().__init__()
        self.patch = PatchEmbed(model.x_embedder.proj, patch_of(model), channels=model.config.out_channels)
        self.time_embedder, self.refiner = model.time_embed.timestep_embedder, TokenRefiner(model.context_embedder)
        self.kinds, self.first = model.cond_type_embed, model.transformer_blocks[0].norm1

    def forward(
        self, latents: Tensor, time_features: Tensor, prompt_embeds: Tensor, glyph_hidden: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        hidden = self.patch(latents).float()
        temb = apply_in_weights_dtype(self.time_embedder, time_features).float()
        text = self.refiner(prompt_embeds, time_features) + self.kinds.weight[PROMPT].float()
        shift, scale, *_ = modulation(self.first, temb, 6)
        modulated = self.first.norm(hidden) * (1 + scale) + shift
        return hidden, torch.cat([glyph_hidden, text], dim=1), temb, modulated


class Blocks(nn.Module):
    """Blocks `start` to `end`: both streams in and out."""

    def __init__(self, model: HunyuanVideo15Transformer3DModel, start: int, end: int):
        super().__init__()
        self.blocks = nn.ModuleList(DualBlock(block) for block in model.transformer_blocks[start:end])

    def forward(
        self, hidden: Tensor, text_hidden: Tensor, temb: Tensor, rope_cos: Tensor, rope_sin: Tensor
    ) -> tuple[Tensor, Tensor]:
        for block in self.blocks:
            hidden, text_hidden = block(hidden, text_hidden, temb, rope_cos, rope_sin)
        return hidden, text_hidden
