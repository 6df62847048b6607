"""The programs of a HunyuanVideo 1.5: two text encoders, DiT in segments, decoder."""

from functools import partial

import torch
from diffusers import AutoencoderKLHunyuanVideo15, HunyuanVideo15Transformer3DModel
from torch import Tensor
from torch.export import Dim
from transformers import Qwen2_5_VLTextModel, T5EncoderModel

from ..hunyuan_video import reference as hunyuan_video
from ..hunyuan_video.programs import FREQUENCIES, MOST_FRAMES, MOST_SIDE
from ..hunyuan_video.text import SKIPPED_LAYERS, Llama
from ..hunyuan_video.transformer import Head, patch_of
from ..program import Program, Size, ranges
from ..text import LastHiddenStateUnmasked
from . import reference
from .decoder import Decoder
from .modules import module_programs
from .transformer import Blocks, Front, GlyphProjection

#: Text tokens of the examples; texts keep their own number.
TEXT_TOKENS = 7


def glyph_tokens(size: Size) -> int:
    """Of the examples: none at a size with two latent frames, as for a prompt that quotes nothing."""
    return 0 if size.frames == 2 else size.frames


def text_programs(
    language: Qwen2_5_VLTextModel, tokens: int, glyphs: T5EncoderModel, most_glyphs: int
) -> list[Program]:
    """Both take ids without padding, which diffusers masks."""

    def ids(vocabulary: int, _: Size, generator: torch.Generator) -> dict[str, Tensor]:
        return {"input_ids": torch.randint(0, vocabulary, (1, TEXT_TOKENS), generator=generator)}

    def varying(most: int) -> dict[str, dict[int, object]]:
        return {"input_ids": {1: Dim("tokens", min=2, max=most)}}

    kept = tuple(f"layers.{i}." for i in range(language.config.num_hidden_layers - SKIPPED_LAYERS))
    return [
        # A Llama but for the biases of its queries, keys and values: text has the same place on all three rotary axes.
        Program(
            "text", "text_encoder", ("embed_tokens.", *kept), partial(Llama, max_tokens=tokens), reference.language,
            ("prompt_embeds",), partial(ids, language.config.vocab_size), varying(tokens),
        ),
        Program(
            "text_2", "text_encoder_2", ("",), LastHiddenStateUnmasked, reference.glyphs, ("glyph_embeds",),
            partial(ids, glyphs.config.vocab_size), varying(most_glyphs),
        ),
    ]


def dit_programs(
    model: HunyuanVideo15Transformer3DModel, cuts: tuple[int, ...], most_texts: int, modules: bool = False
) -> list[Program]:
    """The projection of quoted texts, the front, the blocks between cuts, the head, and the blocks' modules."""
    config = model.config
    d, half = config.num_attention_heads * config.attention_head_dim, config.attention_head_dim // 2

    def example(names: tuple[str, ...], size: Size, generator: torch.Generator) -> dict[str, Tensor]:
        tokens, glyphs = size.tokens(patch_of(model)), glyph_tokens(size)
        angles = torch.randn(1, tokens, 1, half, generator=generator)
        shapes = {
            "latents": (1, config.out_channels, size.frames, size.rows, size.columns), "hidden": (1, tokens, d),
            "text_hidden": (1, glyphs + TEXT_TOKENS, d), "prompt_embeds": (1, TEXT_TOKENS, config.text_embed_dim),
            "glyph_embeds": (1, glyphs, config.text_embed_2_dim), "glyph_hidden": (1, glyphs, d),
            "time_features": (1, FREQUENCIES), "temb": (1, d),
            "module_output": (1, tokens + glyphs + TEXT_TOKENS, d),
        }
        made = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
        made |= {"rope_cos": angles.cos(), "rope_sin": angles.sin()}
        return {name: made[name] for name in names}

    def program(name, weights, build, by_diffusers, inputs, outputs, dynamic) -> Program:
        return Program(name, "transformer", weights, build, by_diffusers, outputs, partial(example, inputs), dynamic)

    p_t, p_h, p_w = patch_of(model)
    sizes = {
        2: p_t * Dim("f", max=MOST_FRAMES), 3: p_h * Dim("r", max=MOST_SIDE), 4: p_w * Dim("c", max=MOST_SIDE),
    }
    most = MOST_FRAMES * MOST_SIDE**2
    tokens, free = {1: Dim("tokens", min=2, max=most)}, {1: Dim.DYNAMIC}
    embedders = ("x_embedder.", "time_embed.", "context_embedder.", "cond_type_embed.", "transformer_blocks.0.norm1.")
    programs = [
        program(
            "glyph_projection", ("context_embedder_2.", "cond_type_embed."), GlyphProjection,
            reference.glyph_projection, ("glyph_embeds",), ("glyph_hidden",), {"glyph_embeds": free},
        ),
        program(
            "front", embedders, Front, reference.front, ("latents", "time_features", "prompt_embeds", "glyph_hidden"),
            ("hidden", "text_hidden", "temb", "modulated_input"),
            {"latents": sizes, "prompt_embeds": free, "glyph_hidden": free},
        ),
    ]
    for name, start, end in ranges(cuts):
        programs.append(program(
            name, tuple(f"transformer_blocks.{i}." for i in range(start, end)), partial(Blocks, start=start, end=end),
            reference.blocks(start, end), ("hidden", "text_hidden", "temb", "rope_cos", "rope_sin"),
            ("hidden_out", "text_hidden_out"),
            dict.fromkeys(("hidden", "rope_cos", "rope_sin"), tokens) | {"text_hidden": free},
        ))
    # The number of tokens is a product of the other sizes, which torch.export has no name for.
    programs.append(program(
        "head", ("norm_out.", "proj_out."), Head, hunyuan_video.head, ("hidden", "temb", "latents"), ("velocity",),
        {"hidden": free, "latents": dict.fromkeys((2, 3, 4), Dim.DYNAMIC)},
    ))
    if modules:
        programs += module_programs(ranges(cuts), config.num_layers, example, most, most_texts)
    return programs


def decoder_program(vae: AutoencoderKLHunyuanVideo15) -> Program:
    """A tile, over all its frames."""

    def latents(size: Size, generator: torch.Generator) -> dict[str, Tensor]:
        shape = (1, vae.config.latent_channels, size.frames, size.rows, size.columns)
        return {"latents": torch.randn(shape, generator=generator)}

    varying = {"latents": dict.fromkeys((2, 3, 4), Dim.DYNAMIC)}
    return Program("decoder", "vae", ("decoder.",), Decoder, reference.decoder, ("frames",), latents, varying)
