"""The manifest of a CogVideoX bundle: docs/bundle-format.md."""

import numpy as np
import torch

from ..counting import count_flops
from ..manifest import binding, scheduler, times
from ..program import About, Program, Size, ranges
from ..text import t5_flops
from .decoder import FIRST, NEXT
from .modules import module_entries
from .parts import CogVideoXParts
from .programs import POSITIONS, ROPE, cache_names, rotates

FPS = 8
#: How far beyond the size that a model was made for its sizes go; diffusers itself sets no limit.
BEYOND = 4


def positions(config) -> dict:
    """Rotary tables on the grid that the model was made for, or a sinusoid for each axis."""
    head, p = config.attention_head_dim, config.patch_size
    if config.use_rotary_positional_embeddings:
        side = head // 8 * 3
        rope = {
            "make": "rope", "axes": [head // 4, side, side], "theta": 10000, "precision": "float32",
            "base_grid": [config.sample_height // p, config.sample_width // p], "dims": [1, "tokens", 1, head // 2],
        }
        return {
            name: {"kind": "shape", "dims": rope["dims"], "provided": rope | {"part": name.removeprefix("rope_")}}
            for name in ROPE
        }
    d = config.num_attention_heads * head
    space, time = config.spatial_interpolation_scale, config.temporal_interpolation_scale

    def sinusoid(axis: str, dim: int, scale: float) -> dict:
        made = {"make": "position_sinusoid", "axis": axis, "dim": dim, "scale": scale, "max_period": 10000}
        return {"kind": "shape", "dims": [axis, dim], "provided": made}

    sizes = ((d // 4, time), (3 * d // 8, space), (3 * d // 8, space))
    return {
        name: sinusoid(axis, *size) for name, axis, size in zip(POSITIONS, ("frames", "rows", "columns"), sizes)
    }


def values(config, text_tokens: int, modules: bool) -> dict:
    d, time = config.num_attention_heads * config.attention_head_dim, config.time_embed_dim
    latents = [1, "frames", config.in_channels, "rows", "columns"]
    sinusoid = {
        "make": "timestep_sinusoid", "dim": d, "of": "timestep", "scale": 1, "max_period": 10000,
        "precision": "float32", "cosines_first": config.flip_sin_to_cos,
    }
    return {
        "latents": {"kind": "latents", "dims": latents},
        "hidden": {"kind": "stream", "dims": [1, "tokens", d]},
        "encoder": {"kind": "stream", "dims": [1, text_tokens, d]},
        "time_features": {"kind": "step", "dims": [1, d], "provided": sinusoid},
        "emb": {"kind": "step", "dims": [1, time]},
        "modulated_input": {"kind": "step", "dims": [1, "tokens", d]},
        **({"module_output": {"kind": "step", "dims": [1, "text_and_tokens", d]}} if modules else {}),
        "prompt_embeds": {"kind": "prompt", "dims": [1, text_tokens, config.text_embed_dim]},
        **positions(config),
        "velocity": {"kind": "output", "dims": latents},
    }


def denoiser(model: CogVideoXParts) -> dict:
    config, cuts = model.transformer.config, model.cuts
    d, time = config.num_attention_heads * config.attention_head_dim, config.time_embed_dim
    patch = config.in_channels * config.patch_size**2
    position_inputs, rope = ((), ROPE) if rotates(model.transformer) else (POSITIONS, ())
    # Four projections of attention and a feed-forward four times as wide, of the tokens of both streams; scores and
    # their sums over both; two norms conditioned on the time.
    linear = 2 * 12 * d * d
    block = {
        "constant": 2 * 2 * time * 6 * d, "tokens": linear, "text": linear, "tokens_squared": 4 * d,
        "tokens_text": 8 * d, "text_squared": 4 * d,
    }
    front = {
        "id": "front", "blocks": [0, 0], "graph": "front.onnx",
        "inputs": binding("latents", "time_features", "prompt_embeds", *position_inputs),
        "outputs": binding("hidden", "encoder", "emb", "modulated_input"),
        "flops": {
            "constant": 2 * time * (d + time + 6 * d), "tokens": 2 * patch * d,
            "text": 2 * config.text_embed_dim * d,
        },
    }
    blocks = [
        {
            "id": name, "blocks": [start, end], "graph": f"{name}.onnx",
            "inputs": binding("hidden", "encoder", "emb", *rope),
            "outputs": binding(hidden_out="hidden", encoder_out="encoder"), "flops": times(block, end - start),
        }
        for name, start, end in ranges(cuts)
    ]
    head = {
        "id": "head", "blocks": [cuts[-1], cuts[-1]], "graph": "head.onnx",
        "inputs": binding("hidden", "emb", "latents"), "outputs": binding("velocity"),
        "flops": {"constant": 2 * time * 2 * d, "tokens": 2 * d * patch},
    }
    return {
        "id": "main",
        "noise_levels": [0, 1],
        "guidance": {"kind": "cfg", "default_scale": 6},
        "values": values(config, model.text_tokens, model.modules),
        "segments": [front, *blocks, head],
        "distance_stream": "hidden",
        "signals": {"timestep_embedding": "emb", "modulated_input": "modulated_input"},
        **({"modules": module_entries(config.num_layers, d, time, rope)} if model.modules else {}),
    }


def flops_by_plane(model: CogVideoXParts, program: Program) -> dict[str, int]:
    """Of a decoder's call: convolutions only, so as many for every latent row and column."""
    rows, columns = 2, 2
    example = program.example(Size(1, rows, columns), torch.Generator().manual_seed(0))
    return {"plane": count_flops(model.vae, program, example) // (rows * columns)}


def tiles(model: CogVideoXParts, compression: list[int]) -> dict:
    """In latents, where tiles were asked for: the pipeline does without. Time is streamed anyway."""
    if model.tiles is None:
        return {}
    made = {
        axis: {"size": size // ratio, "stride": stride // ratio}
        for axis, (size, stride), ratio in zip(("rows", "columns"), model.tiles[1:], compression[1:])
    }
    return {"tiles": made}


def decoder(model: CogVideoXParts, compression: list[int]) -> dict:
    first, following = model.programs[-2:]
    names = cache_names(len(first.outputs) - 1)
    outputs = binding("frames", **{f"{name}_out": name for name in names})
    ratio = compression[0]
    return {
        "first": {
            "graph": "decoder_first.onnx", "inputs": binding("latents"), "outputs": outputs, "latent_frames": FIRST,
            "frames": 1 + (FIRST - 1) * ratio, "flops": flops_by_plane(model, first),
        },
        "next": {
            "graph": "decoder_next.onnx", "inputs": binding("latents", *names), "outputs": outputs,
            "latent_frames": NEXT, "frames": NEXT * ratio, "flops": flops_by_plane(model, following),
        },
        **tiles(model, compression),
        "pixel_range": [-1, 1],
    }


def video(model: CogVideoXParts, about: About, compression: list[int]) -> dict:
    """Sizes: whole patches, and the frames that the decoder's calls give."""
    config, batch = model.transformer.config, NEXT * compression[0]

    def sides(sample: int) -> dict:
        smallest = compression[1] * config.patch_size
        most = BEYOND * sample * compression[1] // smallest * smallest
        return {"min": smallest, "max": most, "multiple": smallest}

    frames = config.sample_frames
    return {
        "default": {
            "width": about.width or config.sample_width * compression[2],
            "height": about.height or config.sample_height * compression[1],
            "frames": about.frames or frames, "fps": about.fps or FPS,
        },
        "width": sides(config.sample_width),
        "height": sides(config.sample_height),
        "frames": {
            "min": 1 + batch, "max": 1 + BEYOND * (frames - 1) // batch * batch, "multiple": batch, "offset": 1,
        },
    }


def manifest(model: CogVideoXParts, about: About) -> dict:
    """`model.json` without files and variants."""
    config, vae = model.transformer.config, model.vae.config
    space = 2 ** (len(vae.block_out_channels) - 1)
    compression = [vae.temporal_compression_ratio, space, space]
    # As torch rounds it before it multiplies the latents.
    scale = float(np.float32(1 / vae.scaling_factor))
    return {
        "format": "mixcache.bundle/1",
        "id": about.id,
        "title": about.title,
        "license": about.license or "other",
        "family": "cogvideox",
        "video": video(model, about, compression),
        "latents": {
            "channels": config.in_channels, "compression": compression, "first_frame_alone": True,
            "patch": [1, config.patch_size, config.patch_size], "layout": "frames_first",
            "mean": [0] * config.in_channels, "std": [scale] * config.in_channels,
        },
        "text_encoders": [
            {
                "id": "text",
                "tokenizer": {"kind": "huggingface", "file": "tokenizer.json"},
                "max_tokens": model.text_tokens,
                "pad": "to_max",
                "graph": "text.onnx",
                "inputs": {"ids": "input_ids"},
                "outputs": {"prompt_embeds": {"value": "prompt_embeds", "rule": "as_is"}},
                "flops": t5_flops(model.text_encoder.config),
            }
        ],
        "denoisers": [denoiser(model)],
        "schedulers": [scheduler(model.folder.scheduler())],
        "default_steps": 50,
        "decoder": decoder(model, compression),
    }
