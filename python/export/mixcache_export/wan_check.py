"""The self-check of a Wan bundle: every graph, and all of them together, against diffusers' own forward pass."""

from pathlib import Path

import torch
from diffusers import WanPipeline
from diffusers.models.embeddings import get_timestep_embedding
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from . import text
from .check import FRAMES, Check
from .wan_decoder import DecoderFirst, DecoderNext
from .wan_graphs import Size, cache_names, dit_graphs, example_inputs, segment_names

#: Latent sizes: not square, an odd and an even number of frames; neither is the example of the export.
SIZES = (Size(5, 2, 8), Size(2, 6, 4))
FLOPS_TOLERANCE = 0.01


def rope_tables(model, latents: Tensor) -> dict[str, Tensor]:
    """diffusers' tables without their repetition: [1, S, 1, head/2]."""
    cos, sin = model.rope(latents)
    return {"rope_cos": cos[..., 0::2].contiguous(), "rope_sin": sin[..., 1::2].contiguous()}


def run_dit(check: Check, pipe: WanPipeline, cuts: list[int], latents: Tensor, embeds: Tensor, t: Tensor) -> Tensor:
    """The velocity through all graphs."""
    features = get_timestep_embedding(t, pipe.transformer.config.freq_dim, flip_sin_to_cos=True, downscale_freq_shift=0)
    (context,) = check.run("text_projection", {"prompt_embeds": embeds})
    hidden, temb, conditioning, _ = check.run("front", {"latents": latents, "time_features": features})
    for name, *_ in segment_names(cuts):
        inputs = {"hidden": hidden, "conditioning": conditioning, "context": context}
        (hidden,) = check.run(name, inputs | rope_tables(pipe.transformer, latents))
    return check.run("head", {"hidden": hidden, "temb": temb, "latents": latents})[0]


def run_decoder(check: Check, latents: Tensor) -> Tensor:
    """All frames of un-normalised latents."""
    frames, *caches = check.run("decoder_first", {"latents": latents[:, :, :1].contiguous()})
    parts = [frames]
    for i in range(1, latents.shape[2]):
        inputs = {"latents": latents[:, :, i : i + 1].contiguous(), **dict(zip(cache_names(len(caches)), caches))}
        frames, *caches = check.run("decoder_next", inputs)
        parts.append(frames)
    return torch.cat(parts, dim=2)


@torch.no_grad()
def check_wan(folder: Path, pipe: WanPipeline, cuts: list[int], text_tokens: int) -> bool:
    check, model = Check(folder), pipe.transformer
    ids = text.example(text_tokens)
    reference = pipe.text_encoder(ids["input_ids"], ids["attention_mask"]).last_hidden_state
    check.compare("text", check.run("text", ids), [reference])
    for seed, size in enumerate(SIZES):
        values = example_inputs(pipe, size, text_tokens, seed)
        for graph in dit_graphs(pipe, cuts, text_tokens):
            inputs = {name: values[name] for name in graph.inputs}
            wanted = graph.module(**inputs)
            check.compare(graph.name, check.run(graph.name, inputs), [wanted] if torch.is_tensor(wanted) else [*wanted])
        latents, embeds, t = values["latents"], values["prompt_embeds"], torch.tensor([987 - 400 * seed])
        wanted = model(latents, t, embeds, return_dict=False)[0]
        check.compare("transformer", [run_dit(check, pipe, cuts, latents, embeds, t)], [wanted])
        check.compare(FRAMES, [run_decoder(check, latents)], [pipe.vae.decode(latents, return_dict=False)[0]])
    return check.report()


@torch.no_grad()
def check_flops(made: dict, pipe: WanPipeline, text_tokens: int) -> bool:
    """The manifest's FLOPs of one forward pass against PyTorch's count, which knows no fused attention of the CPU."""
    size = SIZES[0]
    s, values = size.tokens(pipe.transformer.config.patch_size), example_inputs(pipe, size, text_tokens)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        pipe.transformer(values["latents"], torch.tensor([500]), values["prompt_embeds"])
    counted = counter.get_total_flops()
    terms = {"constant": 1, "tokens": s, "tokens_squared": s * s, "text": text_tokens, "tokens_text": s * text_tokens}
    parts = [*made["denoisers"][0]["prompt_graphs"], *made["denoisers"][0]["segments"]]
    claimed = sum(flops * terms[term] for part in parts for term, flops in part["flops"].items())
    print(f"{claimed:,} FLOPs in the manifest, {counted:,} counted ({claimed / counted - 1:+.3%})")
    return abs(claimed / counted - 1) <= FLOPS_TOLERANCE


@torch.no_grad()
def decoder_flops(pipe: WanPipeline, rows: int, columns: int) -> tuple[int, int]:
    """Of the first call and of each further one, at this many latent rows and columns."""
    latents = torch.zeros(1, pipe.vae.config.z_dim, 1, rows, columns)
    counts, caches = [], []
    for module in (DecoderFirst(pipe.vae), DecoderNext(pipe.vae)):
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            _, *caches = module(latents, *caches)
        counts.append(counter.get_total_flops())
    return counts[0], counts[1]
