"""The manifest of a Wan bundle: docs/bundle-format.md."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import onnx
from diffusers import WanPipeline

from .text import text_flops
from .wan_graphs import cache_names, segment_names


@dataclass(frozen=True)
class About:
    """What a person says of the bundle."""

    id: str
    title: str
    license: str
    width: int
    height: int
    frames: int
    fps: float


def binding(*names: str, **renamed: str) -> dict[str, str]:
    return {name: name for name in names} | renamed


def files(folder: Path) -> dict:
    """Every file with its size and digest; a graph also with the weights it refers to."""
    entries = {}
    for path in sorted(folder.iterdir()):
        if path.name == "model.json":
            continue
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        entries[path.name] = {"bytes": path.stat().st_size, "sha256": digest}
        if path.suffix == ".onnx":
            tensors = onnx.load(path, load_external_data=False).graph.initializer
            places = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
            entries[path.name]["weights"] = sorted(places)
    return entries


def values(config, text_tokens: int) -> dict:
    d, head = config.num_attention_heads * config.attention_head_dim, config.attention_head_dim
    latents = [1, config.in_channels, "frames", "rows", "columns"]
    side = 2 * (head // 6)
    rope = {
        "make": "rope", "axes": [head - 2 * side, side, side], "theta": 10000, "dims": [1, "tokens", 1, head // 2],
    }
    sinusoid = {
        "make": "timestep_sinusoid", "dim": config.freq_dim, "of": "timestep", "scale": 1, "max_period": 10000,
        "cosines_first": True,
    }
    return {
        "latents": {"kind": "latents", "dims": latents},
        "hidden": {"kind": "stream", "dims": [1, "tokens", d]},
        "time_features": {"kind": "step", "dims": [1, config.freq_dim], "provided": sinusoid},
        "temb": {"kind": "step", "dims": [1, d]},
        "conditioning": {"kind": "step", "dims": [1, 6, d]},
        "modulated_input": {"kind": "step", "dims": [1, "tokens", d]},
        "prompt_embeds": {"kind": "prompt", "dims": [1, text_tokens, config.text_dim]},
        "context": {"kind": "prompt", "dims": [1, text_tokens, d]},
        **{
            f"rope_{part}": {"kind": "shape", "dims": rope["dims"], "provided": rope | {"part": part}}
            for part in ("cos", "sin")
        },
        "velocity": {"kind": "output", "dims": latents},
    }


def denoiser(config, cuts: list[int], text_tokens: int) -> dict:
    d, ff = config.num_attention_heads * config.attention_head_dim, config.ffn_dim
    p_t, p_h, p_w = config.patch_size
    patch = config.in_channels * p_t * p_h * p_w
    block = {"tokens": 2 * (6 * d * d + 2 * d * ff), "tokens_squared": 4 * d, "text": 4 * d * d, "tokens_text": 4 * d}
    front = {
        "id": "front", "blocks": [0, 0], "graph": "front.onnx", "inputs": binding("latents", "time_features"),
        "outputs": binding("hidden", "temb", "conditioning", "modulated_input"),
        "flops": {"constant": 2 * d * (config.freq_dim + d + 6 * d), "tokens": 2 * patch * d},
    }
    blocks = [
        {
            "id": name, "blocks": [start, end], "graph": f"{name}.onnx",
            "inputs": binding("hidden", "conditioning", "context", "rope_cos", "rope_sin"),
            "outputs": binding(hidden_out="hidden"),
            "flops": {term: (end - start) * flops for term, flops in block.items()},
        }
        for name, start, end in segment_names(cuts)
    ]
    head = {
        "id": "head", "blocks": [cuts[-1], cuts[-1]], "graph": "head.onnx",
        "inputs": binding("hidden", "temb", "latents"), "outputs": binding("velocity"),
        "flops": {"tokens": 2 * d * patch},
    }
    return {
        "id": "main",
        "noise_levels": [0, 1],
        "guidance": {"kind": "cfg", "default_scale": 5},
        "values": values(config, text_tokens),
        "prompt_graphs": [
            {
                "graph": "text_projection.onnx", "inputs": binding("prompt_embeds"), "outputs": binding("context"),
                "flops": {"text": 2 * (config.text_dim * d + d * d)},
            }
        ],
        "segments": [front, *blocks, head],
        "distance_stream": "hidden",
        "signals": {"timestep_embedding": "conditioning", "modulated_input": "modulated_input"},
    }


def decoder(caches: int, flops: tuple[int, int]) -> dict:
    names = cache_names(caches)
    outputs = binding("frames", **{f"{name}_out": name for name in names})
    first, following = flops
    return {
        "first": {
            "graph": "decoder_first.onnx", "inputs": binding("latents"), "outputs": outputs, "frames": 1, "flops": first,
        },
        "next": {
            "graph": "decoder_next.onnx", "inputs": binding("latents", *names), "outputs": outputs, "frames": 4,
            "flops": following,
        },
        "latent_frames": 1,
        "pixel_range": [-1, 1],
    }


def manifest(
    folder: Path, pipe: WanPipeline, about: About, cuts: list[int], text_tokens: int, caches: int,
    decoder_flops: tuple[int, int],
) -> dict:
    config, vae = pipe.transformer.config, pipe.vae.config
    compression = [vae.scale_factor_temporal, vae.scale_factor_spatial, vae.scale_factor_spatial]
    smallest = [size * patch for size, patch in zip(compression, config.patch_size)]
    most = config.rope_max_seq_len
    return {
        "format": "mixcache.bundle/1",
        "id": about.id,
        "title": about.title,
        "license": about.license,
        "family": "wan",
        "video": {
            "default": {"width": about.width, "height": about.height, "frames": about.frames, "fps": about.fps},
            "width": {"min": smallest[2], "max": most * smallest[2], "multiple": smallest[2]},
            "height": {"min": smallest[1], "max": most * smallest[1], "multiple": smallest[1]},
            "frames": {"min": 1, "max": 1 + (most - 1) * smallest[0], "multiple": smallest[0], "offset": 1},
        },
        "latents": {
            "channels": config.in_channels, "compression": compression, "first_frame_alone": True,
            "patch": list(config.patch_size), "layout": "channels_first",
            "mean": vae.latents_mean, "std": vae.latents_std,
        },
        "text_encoders": [
            {
                "id": "text",
                "tokenizer": {"kind": "huggingface", "file": "tokenizer.json"},
                "max_tokens": text_tokens,
                "pad": "to_max",
                "graph": "text.onnx",
                "inputs": {"ids": "input_ids", "mask": "attention_mask"},
                "outputs": {"prompt_embeds": {"value": "prompt_embeds", "rule": "zero_pad"}},
                "flops": text_flops(pipe.text_encoder.config),
            }
        ],
        "denoisers": [denoiser(config, cuts, text_tokens)],
        "schedulers": [scheduler(pipe.scheduler)],
        "default_steps": 50,
        "decoder": decoder(caches, decoder_flops),
        "files": files(folder),
    }


def scheduler(made) -> dict:
    """The scheduler of the folder, where the engine has it."""
    config = made.config
    name = type(made).__name__
    flow = config.get("prediction_type") == "flow_prediction" and config.get("use_flow_sigmas")
    if name == "UniPCMultistepScheduler" and flow and config.solver_type == "bh2" and config.solver_order in (1, 2):
        return {"kind": "unipc", "shift": config.flow_shift, "order": config.solver_order}
    if name == "FlowMatchEulerDiscreteScheduler" and not config.use_dynamic_shifting:
        return {"kind": "flow_match_euler", "shift": config.shift}
    raise SystemExit(
        f"The folder's scheduler is {name} with settings that the engine does not have. Use UniPCMultistepScheduler "
        "with flow_prediction, use_flow_sigmas and bh2, or FlowMatchEulerDiscreteScheduler without dynamic shifting."
    )
