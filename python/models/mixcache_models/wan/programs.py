"""The programs of a Wan: text, DiT in segments, decoder."""

from functools import partial

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from torch import Tensor
from torch.export import Dim

from ..program import Program, Size, ranges
from . import reference
from .decoder import DecoderFirst, DecoderNext
from .modules import module_programs
from .transformer import Blocks, Front, Head, TextProjection


def random_inputs(shapes: dict[str, tuple[int, ...]], generator: torch.Generator) -> dict[str, Tensor]:
    """Normal numbers; rotary tables are cosines and sines of them, so that they keep lengths."""
    made = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    if "rope_cos" in made:
        made |= {"rope_cos": made["rope_cos"].cos(), "rope_sin": made["rope_cos"].sin()}
    return made


def dit_programs(
    model: WanTransformer3DModel, cuts: tuple[int, ...], text_tokens: int, component: str = "transformer",
    prefix: str = "", modules: bool = False,
) -> list[Program]:
    """The text projection, the front, the blocks between cuts and the head of one expert, and its modules."""
    config = model.config
    d, half = config.num_attention_heads * config.attention_head_dim, config.attention_head_dim // 2

    def example(names: tuple[str, ...], size: Size, generator: torch.Generator) -> dict[str, Tensor]:
        tokens = size.tokens(config.patch_size)
        shapes = {
            "latents": (1, config.in_channels, size.frames, size.rows, size.columns),
            "time_features": (1, config.freq_dim), "hidden": (1, tokens, d),
            "module_output": (1, tokens, d), "temb": (1, d),
            "conditioning": (1, 6, d), "context": (1, text_tokens, d),
            "prompt_embeds": (1, text_tokens, config.text_dim),
            "rope_cos": (1, tokens, 1, half), "rope_sin": (1, tokens, 1, half),
        }
        return random_inputs({name: shapes[name] for name in names}, generator)

    def program(name, weights, build, by_diffusers, inputs, outputs, dynamic) -> Program:
        return Program(
            prefix + name, component, weights, build, by_diffusers, outputs, partial(example, inputs), dynamic
        )

    (p_t, p_h, p_w), most = config.patch_size, config.rope_max_seq_len
    sizes = {2: p_t * Dim("f", max=most), 3: p_h * Dim("r", max=most), 4: p_w * Dim("c", max=most)}
    tokens = {1: Dim("tokens", min=2, max=most**3)}
    time = ("condition_embedder.time_embedder.", "condition_embedder.time_proj.")
    programs = [
        program(
            "text_projection", ("condition_embedder.text_embedder.",), TextProjection, reference.text_projection,
            ("prompt_embeds",), ("context",), {},
        ),
        program(
            "front", ("patch_embedding.", *time, "blocks.0.scale_shift_table"), Front, reference.front,
            ("latents", "time_features"), ("hidden", "temb", "conditioning", "modulated_input"), {"latents": sizes},
        ),
    ]
    for name, start, end in ranges(cuts):
        programs.append(program(
            name, tuple(f"blocks.{i}." for i in range(start, end)), partial(Blocks, start=start, end=end),
            reference.blocks(start, end), ("hidden", "conditioning", "context", "rope_cos", "rope_sin"),
            ("hidden_out",), dict.fromkeys(("hidden", "rope_cos", "rope_sin"), tokens),
        ))
    # The number of tokens is a product of the other sizes, which torch.export has no name for.
    free = {"hidden": {1: Dim.DYNAMIC}, "latents": dict.fromkeys((2, 3, 4), Dim.DYNAMIC)}
    programs.append(program(
        "head", ("proj_out.", "scale_shift_table"), Head, reference.head, ("hidden", "temb", "latents"),
        ("velocity",), free,
    ))
    if modules:
        programs += module_programs(ranges(cuts), example, most**3, component, prefix)
    return programs


def cache_names(count: int) -> list[str]:
    return [f"cache_{i}" for i in range(count)]


def decoder_programs(vae: AutoencoderKLWan) -> list[Program]:
    """The first latent frame, and every further one with the caches of the one before."""
    count = len(reference.cache_shapes(vae, Size(1, 2, 2)))
    names = cache_names(count)

    def latents(size: Size, generator: torch.Generator) -> dict[str, Tensor]:
        return random_inputs({"latents": (1, vae.config.z_dim, 1, size.rows, size.columns)}, generator)

    def latents_and_caches(size: Size, generator: torch.Generator) -> dict[str, Tensor]:
        shapes = reference.cache_shapes(vae, size)
        return latents(size, generator) | random_inputs(dict(zip(names, shapes, strict=True)), generator)

    varying = {3: Dim.DYNAMIC, 4: Dim.DYNAMIC}
    outputs = ("frames", *(f"{name}_out" for name in names))
    weights = ("decoder.", "post_quant_conv.")
    return [
        Program(
            "decoder_first", "vae", weights, DecoderFirst, reference.decoder_first, outputs, latents,
            {"latents": varying},
        ),
        Program(
            "decoder_next", "vae", weights, DecoderNext, reference.decoder_next, outputs, latents_and_caches,
            dict.fromkeys(("latents", *names), varying),
        ),
    ]
