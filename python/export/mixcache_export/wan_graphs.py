"""All graphs of a Wan bundle, one at a time, so that memory holds one segment's copy."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from diffusers import WanPipeline
from torch import Tensor
from torch.export import Dim

from . import text, wan, wan_decoder
from .graphs import Graph

#: Latent frames, rows and columns of the examples; no two sizes that may vary are the same.
EXAMPLE = (3, 4, 6)


@dataclass(frozen=True)
class Size:
    """The latents' size."""

    frames: int
    rows: int
    columns: int

    def tokens(self, patch: tuple[int, int, int]) -> int:
        return (self.frames // patch[0]) * (self.rows // patch[1]) * (self.columns // patch[2])


def segment_names(cuts: list[int]) -> list[tuple[str, int, int]]:
    """Name and blocks of each segment with blocks: cuts [0, 4, 26, 30] are three of them."""
    return [(f"blocks_{a}_{b}", a, b) for a, b in zip(cuts, cuts[1:])]


def example_inputs(pipe: WanPipeline, size: Size, text_tokens: int, seed: int = 0) -> dict[str, Tensor]:
    """Random values of the right shapes for every value of the DiT's graphs."""
    config, g = pipe.transformer.config, torch.Generator().manual_seed(seed)
    d, half = config.num_attention_heads * config.attention_head_dim, config.attention_head_dim // 2
    tokens = size.tokens(config.patch_size)
    shapes = {
        "latents": (1, config.in_channels, size.frames, size.rows, size.columns),
        "time_features": (1, config.freq_dim), "hidden": (1, tokens, d), "temb": (1, d), "conditioning": (1, 6, d),
        "context": (1, text_tokens, d), "prompt_embeds": (1, text_tokens, config.text_dim),
        "rope_cos": (1, tokens, 1, half), "rope_sin": (1, tokens, 1, half),
    }
    return {name: torch.randn(shape, generator=g) for name, shape in shapes.items()}


def graphs(pipe: WanPipeline, cuts: list[int], text_tokens: int) -> Iterator[Graph]:
    """In the order of use: text, DiT, decoder."""
    yield from text_graphs(pipe, text_tokens)
    yield from dit_graphs(pipe, cuts, text_tokens)
    yield from decoder_graphs(pipe)


def text_graphs(pipe: WanPipeline, text_tokens: int) -> Iterator[Graph]:
    encoder = text.TextEncoder(pipe.text_encoder)
    yield Graph("text", encoder, text.example(text_tokens), ["prompt_embeds"], {})
    embeds = {"prompt_embeds": example_inputs(pipe, Size(*EXAMPLE), text_tokens)["prompt_embeds"]}
    yield Graph("text_projection", wan.TextProjection(pipe.transformer), embeds, ["context"], {})


def dit_graphs(pipe: WanPipeline, cuts: list[int], text_tokens: int) -> Iterator[Graph]:
    model, values = pipe.transformer, example_inputs(pipe, Size(*EXAMPLE), text_tokens)
    p_t, p_h, p_w = model.config.patch_size
    most = model.config.rope_max_seq_len
    sizes = {2: p_t * Dim("f", max=most), 3: p_h * Dim("r", max=most), 4: p_w * Dim("c", max=most)}
    tokens = {1: Dim("tokens", min=2, max=most**3)}

    def pick(*names: str) -> dict[str, Tensor]:
        return {name: values[name] for name in names}

    outputs = ["hidden", "temb", "conditioning", "modulated_input"]
    yield Graph("front", wan.Front(model), pick("latents", "time_features"), outputs, {"latents": sizes})
    for name, start, end in segment_names(cuts):
        inputs = pick("hidden", "conditioning", "context", "rope_cos", "rope_sin")
        varying = dict.fromkeys(("hidden", "rope_cos", "rope_sin"), tokens)
        yield Graph(name, wan.Blocks(model, start, end), inputs, ["hidden_out"], varying)
    # The number of tokens is a product of the other sizes, which torch.export has no name for.
    varying = {"hidden": {1: Dim.DYNAMIC}, "latents": dict.fromkeys((2, 3, 4), Dim.DYNAMIC)}
    yield Graph("head", wan.Head(model), pick("hidden", "temb", "latents"), ["velocity"], varying)


def decoder_graphs(pipe: WanPipeline) -> Iterator[Graph]:
    _, rows, columns = EXAMPLE
    latents = torch.randn(1, pipe.vae.config.z_dim, 1, rows, columns)
    varying = {3: Dim.DYNAMIC, 4: Dim.DYNAMIC}
    first = wan_decoder.DecoderFirst(pipe.vae).eval()
    with torch.no_grad():
        _, *caches = first(latents)
    names = cache_names(len(caches))
    outputs = ["frames", *(f"{name}_out" for name in names)]
    yield Graph("decoder_first", first, {"latents": latents}, outputs, {"latents": varying})
    # As they come from outside: torch.export would trace the strides of slices.
    inputs = {"latents": latents, **{name: cache.contiguous() for name, cache in zip(names, caches, strict=True)}}
    module = wan_decoder.DecoderNext(pipe.vae)
    yield Graph("decoder_next", module, inputs, outputs, dict.fromkeys(inputs, varying))


def cache_names(count: int) -> list[str]:
    return [f"cache_{i}" for i in range(count)]
