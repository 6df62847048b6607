"""The programs of a HunyuanVideo: two text encoders, DiT in segments, decoder."""

from functools import partial

import torch
from diffusers import AutoencoderKLHunyuanVideo, HunyuanVideoTransformer3DModel
from torch import Tensor
from torch.export import Dim
from transformers import CLIPTextModel, LlamaModel

from ..program import Program, Size, ranges
from . import reference
from .decoder import Decoder
from .modules import module_programs
from .text import SKIPPED_LAYERS, ClipPooled, Llama
from .transformer import Blocks, Front, Head, block_prefix, patch_of

#: Sinusoids of timestep and guidance.
FREQUENCIES = 256
#: Text tokens of the examples; the text keeps its own number.
TEXT_TOKENS = 7
#: Tokens along time and along a side at the most.
MOST_FRAMES, MOST_SIDE = 128, 256


def text_programs(llama: LlamaModel, llama_tokens: int, clip: CLIPTextModel, clip_tokens: int) -> list[Program]:
    """Both take ids without padding."""

    def ids(vocabulary: int, _: Size, generator: torch.Generator) -> dict[str, Tensor]:
        return {"input_ids": torch.randint(0, vocabulary, (1, TEXT_TOKENS), generator=generator)}

    kept = tuple(f"layers.{i}." for i in range(llama.config.num_hidden_layers - SKIPPED_LAYERS))

    def varying(most: int) -> dict[str, dict[int, object]]:
        return {"input_ids": {1: Dim("tokens", min=2, max=most)}}

    return [
        Program(
            "text", "text_encoder", ("embed_tokens.", *kept, "norm."), partial(Llama, max_tokens=llama_tokens),
            reference.llama, ("prompt_embeds",), partial(ids, llama.config.vocab_size), varying(llama_tokens),
        ),
        Program(
            "text_2", "text_encoder_2", ("",), ClipPooled, reference.clip, ("pooled",),
            partial(ids, clip.config.vocab_size), varying(clip_tokens),
        ),
    ]


def dit_programs(
    model: HunyuanVideoTransformer3DModel, cuts: tuple[int, ...], text_tokens: int, modules: bool = False
) -> list[Program]:
    """The front, the blocks between cuts and the head, and the blocks' modules."""
    config = model.config
    d, half = config.num_attention_heads * config.attention_head_dim, config.attention_head_dim // 2

    def example(names: tuple[str, ...], size: Size, generator: torch.Generator) -> dict[str, Tensor]:
        tokens = size.tokens(patch_of(model))
        angles = torch.randn(1, tokens, 1, half, generator=generator)
        shapes = {
            "latents": (1, config.in_channels, size.frames, size.rows, size.columns), "hidden": (1, tokens, d),
            "text_hidden": (1, TEXT_TOKENS, d), "prompt_embeds": (1, TEXT_TOKENS, config.text_embed_dim),
            "time_features": (1, FREQUENCIES), "guidance_features": (1, FREQUENCIES),
            "pooled": (1, config.pooled_projection_dim), "temb": (1, d), "module_output": (1, tokens + TEXT_TOKENS, d),
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
    texts, tokens = {1: Dim("texts", max=text_tokens)}, {1: Dim("tokens", min=2, max=most)}
    embedders = ("x_embedder.", "time_text_embed.", "context_embedder.", "transformer_blocks.0.norm1.")
    programs = [program(
        "front", embedders, Front, reference.front,
        ("latents", "time_features", "guidance_features", "prompt_embeds", "pooled"),
        ("hidden", "text_hidden", "temb", "modulated_input"), {"latents": sizes, "prompt_embeds": texts},
    )]
    for name, start, end in ranges(cuts):
        programs.append(program(
            name, tuple(block_prefix(i, config.num_layers) for i in range(start, end)),
            partial(Blocks, start=start, end=end), reference.blocks(start, end),
            ("hidden", "text_hidden", "temb", "rope_cos", "rope_sin"), ("hidden_out", "text_hidden_out"),
            dict.fromkeys(("hidden", "rope_cos", "rope_sin"), tokens) | {"text_hidden": texts},
        ))
    # The number of tokens is a product of the other sizes, which torch.export has no name for.
    free = {"hidden": {1: Dim.DYNAMIC}, "latents": dict.fromkeys((2, 3, 4), Dim.DYNAMIC)}
    programs.append(program(
        "head", ("norm_out.", "proj_out."), Head, reference.head, ("hidden", "temb", "latents"), ("velocity",), free,
    ))
    if modules:
        programs += module_programs(ranges(cuts), config.num_layers, example, most, text_tokens)
    return programs


def decoder_program(vae: AutoencoderKLHunyuanVideo) -> Program:
    """A clip or a tile."""

    def latents(size: Size, generator: torch.Generator) -> dict[str, Tensor]:
        shape = (1, vae.config.latent_channels, size.frames, size.rows, size.columns)
        return {"latents": torch.randn(shape, generator=generator)}

    varying = {"latents": dict.fromkeys((2, 3, 4), Dim.DYNAMIC)}
    return Program(
        "decoder", "vae", ("decoder.", "post_quant_conv."), Decoder, reference.decoder, ("frames",), latents, varying
    )
