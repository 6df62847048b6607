"""The programs of a CogVideoX: text, DiT in segments, decoder."""

import copy
from collections.abc import Sequence
from functools import partial

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from torch import Tensor
from torch.export import Dim

from ..program import Program, Size, ranges
from . import reference
from .decoder import FIRST, NEXT, DecoderFirst, DecoderNext
from .modules import module_programs
from .transformer import Blocks, Front, Head

#: The sinusoids of the models that do not rotate, in the order of the front's inputs.
POSITIONS = ("positions_frames", "positions_rows", "positions_columns")
ROPE = ("rope_cos", "rope_sin")
#: Latent frames, rows and columns at the most: far beyond the models' own sizes.
MOST = 512


def rotates(model: CogVideoXTransformer3DModel) -> bool:
    return model.config.use_rotary_positional_embeddings


def dit_programs(
    model: CogVideoXTransformer3DModel, cuts: Sequence[int], text_tokens: int, modules: bool = False
) -> list[Program]:
    """The front, the blocks between cuts and the head; with `modules` the finer partition as well."""
    p = model.config.patch_size

    def program(name, weights, build, by_diffusers, inputs, outputs, dynamic) -> Program:
        example = partial(examples, model, text_tokens, inputs)
        return Program(name, "transformer", weights, build, by_diffusers, outputs, example, dynamic)

    frames, rows, columns = (Dim(axis, max=MOST) for axis in ("f", "r", "c"))
    sizes = {"latents": {1: frames, 3: p * rows, 4: p * columns}}
    positions, rope = ((), ROPE) if rotates(model) else (POSITIONS, ())
    front = ("patch_embed.proj.", "patch_embed.text_proj.", "time_embedding.", "transformer_blocks.0.norm1.")
    programs = [
        program(
            "front", front, Front, reference.front, ("latents", "time_features", "prompt_embeds", *positions),
            ("hidden", "encoder", "emb", "modulated_input"),
            sizes | {name: {0: axis} for name, axis in zip(positions, (frames, rows, columns))},
        )
    ]
    tokens = {1: Dim("tokens", min=2, max=MOST**3)}
    for name, start, end in ranges(cuts):
        weights = tuple(f"transformer_blocks.{i}." for i in range(start, end))
        programs.append(program(
            name, weights, partial(Blocks, start=start, end=end), reference.blocks(start, end),
            ("hidden", "encoder", "emb", *rope), ("hidden_out", "encoder_out"),
            dict.fromkeys(("hidden", *rope), tokens),
        ))
    # The number of tokens is a product of the other sizes, which torch.export has no name for.
    free = {"hidden": {1: Dim.DYNAMIC}, "latents": dict.fromkeys((1, 3, 4), Dim.DYNAMIC)}
    programs.append(program(
        "head", ("norm_final.", "norm_out.", "proj_out."), Head, reference.head, ("hidden", "emb", "latents"),
        ("velocity",), free,
    ))
    if modules:
        example = partial(examples, model, text_tokens)
        programs += module_programs(ranges(cuts), example, MOST**3, text_tokens, rope)
    return programs


def examples(
    model: CogVideoXTransformer3DModel, text_tokens: int, names: Sequence[str], size: Size,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Normal numbers; but sinusoids are the model's own, and rotary tables the cosines and sines of angles."""
    config = model.config
    head = config.attention_head_dim
    d, tokens = config.num_attention_heads * head, size.tokens((1, config.patch_size, config.patch_size))
    shapes = {
        "latents": (1, size.frames, config.in_channels, size.rows, size.columns), "time_features": (1, d),
        "prompt_embeds": (1, text_tokens, config.text_embed_dim), "hidden": (1, tokens, d),
        "encoder": (1, text_tokens, d), "module_output": (1, text_tokens + tokens, d), "emb": (1, config.time_embed_dim),
    }
    angles = torch.randn(1, tokens, 1, head // 2, generator=generator)
    made = {"rope_cos": angles.cos(), "rope_sin": angles.sin(), **reference.position_tables(model, size)}
    normal = {name: torch.randn(shapes[name], generator=generator) for name in names if name in shapes}
    return {name: normal[name] if name in normal else made[name] for name in names}


def cache_names(count: int) -> list[str]:
    return [f"cache_{i}" for i in range(count)]


def decoder_programs(vae: AutoencoderKLCogVideoX) -> list[Program]:
    """The first three latent frames, and every further two with the caches of the call before."""
    names = cache_names(len(cache_shapes(vae, Size(1, 1, 1))))

    def latents(frames: int, size: Size, generator: torch.Generator) -> dict[str, Tensor]:
        shape = (1, vae.config.latent_channels, frames, size.rows, size.columns)
        return {"latents": torch.randn(shape, generator=generator)}

    def latents_and_caches(size: Size, generator: torch.Generator) -> dict[str, Tensor]:
        shapes = cache_shapes(vae, size)
        caches = {name: torch.randn(shape, generator=generator) for name, shape in zip(names, shapes, strict=True)}
        return latents(NEXT, size, generator) | caches

    varying = {3: Dim.DYNAMIC, 4: Dim.DYNAMIC}
    outputs = ("frames", *(f"{name}_out" for name in names))
    weights = ("decoder.", "post_quant_conv.")
    return [
        Program(
            "decoder_first", "vae", weights, DecoderFirst, reference.decoder_call, outputs, partial(latents, FIRST),
            {"latents": varying},
        ),
        Program(
            "decoder_next", "vae", weights, DecoderNext, reference.decoder_call, outputs, latents_and_caches,
            dict.fromkeys(("latents", *names), varying),
        ),
    ]


def cache_shapes(vae: AutoencoderKLCogVideoX, size: Size) -> list[tuple[int, ...]]:
    """Of the decoder's state at this many latent rows and columns, found on the meta device."""
    shell = DecoderFirst(copy.deepcopy(vae).to("meta"))
    latents = torch.empty(1, vae.config.latent_channels, FIRST, size.rows, size.columns, device="meta")
    with torch.no_grad():
        _, *caches = shell(latents)
    return [tuple(cache.shape) for cache in caches]
