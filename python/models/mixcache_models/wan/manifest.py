"""The manifest of a Wan bundle: docs/bundle-format.md."""

from ..counting import decoder_flops
from ..manifest import binding, scheduler, times
from ..program import About, ranges
from ..text import t5_flops
from .experts import Expert
from .modules import module_entries
from .parts import WanParts
from .programs import cache_names


def values(config, text_tokens: int, modules: bool) -> dict:
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
        **({"module_output": {"kind": "step", "dims": [1, "tokens", d]}} if modules else {}),
        "prompt_embeds": {"kind": "prompt", "dims": [1, text_tokens, config.text_dim]},
        "context": {"kind": "prompt", "dims": [1, text_tokens, d]},
        **{
            f"rope_{part}": {"kind": "shape", "dims": rope["dims"], "provided": rope | {"part": part}}
            for part in ("cos", "sin")
        },
        "velocity": {"kind": "output", "dims": latents},
    }


def denoiser(expert: Expert, cuts: tuple[int, ...], text_tokens: int, modules: bool) -> dict:
    config, prefix = expert.model.config, expert.prefix
    d, ff = config.num_attention_heads * config.attention_head_dim, config.ffn_dim
    p_t, p_h, p_w = config.patch_size
    patch = config.in_channels * p_t * p_h * p_w
    block = {"tokens": 2 * (6 * d * d + 2 * d * ff), "tokens_squared": 4 * d, "text": 4 * d * d, "tokens_text": 4 * d}
    front = {
        "id": "front", "blocks": [0, 0], "graph": f"{prefix}front.onnx", "inputs": binding("latents", "time_features"),
        "outputs": binding("hidden", "temb", "conditioning", "modulated_input"),
        "flops": {"constant": 2 * d * (config.freq_dim + d + 6 * d), "tokens": 2 * patch * d},
    }
    blocks = [
        {
            "id": name, "blocks": [start, end], "graph": f"{prefix}{name}.onnx",
            "inputs": binding("hidden", "conditioning", "context", "rope_cos", "rope_sin"),
            "outputs": binding(hidden_out="hidden"),
            "flops": times(block, end - start),
        }
        for name, start, end in ranges(cuts)
    ]
    head = {
        "id": "head", "blocks": [cuts[-1], cuts[-1]], "graph": f"{prefix}head.onnx",
        "inputs": binding("hidden", "temb", "latents"), "outputs": binding("velocity"),
        "flops": {"tokens": 2 * d * patch},
    }
    return {
        "id": expert.id,
        "noise_levels": list(expert.noise_levels),
        "guidance": {"kind": "cfg", "default_scale": expert.guidance},
        "values": values(config, text_tokens, modules),
        "prompt_graphs": [
            {
                "graph": f"{prefix}text_projection.onnx", "inputs": binding("prompt_embeds"),
                "outputs": binding("context"),
                "flops": {"text": 2 * (config.text_dim * d + d * d)},
            }
        ],
        "segments": [front, *blocks, head],
        "distance_stream": "hidden",
        "signals": {"timestep_embedding": "conditioning", "modulated_input": "modulated_input"},
        **({"modules": module_entries(config.num_layers, d, ff, prefix)} if modules else {}),
    }


def decoder(model: WanParts) -> dict:
    first, following = model.programs[-2:]
    names = cache_names(len(first.outputs) - 1)
    outputs = binding("frames", **{f"{name}_out": name for name in names})
    return {
        "first": {
            "graph": "decoder_first.onnx", "inputs": binding("latents"), "outputs": outputs, "frames": 1,
            "flops": decoder_flops(model.vae, first),
        },
        "next": {
            "graph": "decoder_next.onnx", "inputs": binding("latents", *names), "outputs": outputs, "frames": 4,
            "flops": decoder_flops(model.vae, following),
        },
        "latent_frames": 1,
        "pixel_range": [-1, 1],
    }


def manifest(model: WanParts, about: About) -> dict:
    """`model.json` without files and variants."""
    config, vae, published = model.experts[0].model.config, model.vae.config, model.published
    compression = [vae.scale_factor_temporal, vae.scale_factor_spatial, vae.scale_factor_spatial]
    smallest = [size * patch for size, patch in zip(compression, config.patch_size)]
    most = min(expert.model.config.rope_max_seq_len for expert in model.experts)
    width, height = about.width or published.width, about.height or published.height
    return {
        "format": "mixcache.bundle/1",
        "id": about.id,
        "title": about.title,
        "license": about.license or "Apache-2.0",
        "family": "wan",
        "video": {
            "default": {
                "width": width, "height": height, "frames": about.frames or published.frames,
                "fps": about.fps or published.fps,
            },
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
                # `prompt_clean` of diffusers' pipeline.
                "clean": ["fix_text", "unescape_html", "unescape_html", "join_spaces"],
                "max_tokens": model.text_tokens,
                "pad": "to_max",
                "graph": "text.onnx",
                "inputs": {"ids": "input_ids", "mask": "attention_mask"},
                "outputs": {"prompt_embeds": {"value": "prompt_embeds", "rule": "zero_pad"}},
                "flops": t5_flops(model.text_encoder.config),
            }
        ],
        "denoisers": [
            denoiser(expert, cuts, model.text_tokens, model.modules)
            for expert, cuts in zip(model.experts, model.cuts, strict=True)
        ],
        "schedulers": [scheduler(model.folder.scheduler())],
        "default_steps": published.steps,
        "decoder": decoder(model),
    }
