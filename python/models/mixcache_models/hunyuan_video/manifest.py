"""The manifest of a HunyuanVideo bundle: docs/bundle-format.md."""

from ..counting import clip_decoder_flops
from ..manifest import binding, scheduler
from ..program import About, ranges
from .flops import block_flops, clip_flops, front_flops, head_flops, llama_flops
from .modules import module_entries
from .parts import HunyuanVideoParts
from .programs import FREQUENCIES, MOST_FRAMES, MOST_SIDE
from .transformer import patch_of

#: What the published model is made for.
WIDTH, HEIGHT, FRAMES, FPS = 1280, 720, 129, 24
GUIDANCE_SCALE = 6


def sinusoid(of: str, scale: float, precision: str) -> dict:
    provided = {
        "make": "timestep_sinusoid", "dim": FREQUENCIES, "of": of, "scale": scale, "precision": precision,
        "max_period": 10000, "cosines_first": True,
    }
    return {"kind": "step", "dims": [1, FREQUENCIES], "provided": provided}


def values(config, guidance_precision: str, modules: bool) -> dict:
    d, half = config.num_attention_heads * config.attention_head_dim, config.attention_head_dim // 2
    latents = [1, config.in_channels, "frames", "rows", "columns"]
    rope = {
        "make": "rope", "axes": list(config.rope_axes_dim), "theta": config.rope_theta, "dims": [1, "tokens", 1, half],
    }
    return {
        "latents": {"kind": "latents", "dims": latents},
        "hidden": {"kind": "stream", "dims": [1, "tokens", d]},
        "text_hidden": {"kind": "stream", "dims": [1, "text_tokens", d]},
        "time_features": sinusoid("timestep", 1, "float32"),
        "guidance_features": sinusoid("guidance", 1000, guidance_precision),
        "temb": {"kind": "step", "dims": [1, d]},
        "modulated_input": {"kind": "step", "dims": [1, "tokens", d]},
        "prompt_embeds": {"kind": "prompt", "dims": [1, "text_tokens", config.text_embed_dim]},
        "pooled": {"kind": "prompt", "dims": [1, config.pooled_projection_dim]},
        **{
            f"rope_{part}": {"kind": "shape", "dims": rope["dims"], "provided": rope | {"part": part}}
            for part in ("cos", "sin")
        },
        **({"module_output": {"kind": "step", "dims": [1, "all_tokens", d]}} if modules else {}),
        "velocity": {"kind": "output", "dims": latents},
    }


def segments(model: HunyuanVideoParts) -> list[dict]:
    config = model.transformer.config
    front = {
        "id": "front", "blocks": [0, 0], "graph": "front.onnx",
        "inputs": binding("latents", "time_features", "guidance_features", "prompt_embeds", "pooled"),
        "outputs": binding("hidden", "text_hidden", "temb", "modulated_input"), "flops": front_flops(config),
    }
    blocks = [
        {
            "id": name, "blocks": [start, end], "graph": f"{name}.onnx",
            "inputs": binding("hidden", "text_hidden", "temb", "rope_cos", "rope_sin"),
            "outputs": binding(hidden_out="hidden", text_hidden_out="text_hidden"),
            "flops": block_flops(config, start, end),
        }
        for name, start, end in ranges(model.cuts)
    ]
    last = model.cuts[-1]
    head = {
        "id": "head", "blocks": [last, last], "graph": "head.onnx", "inputs": binding("hidden", "temb", "latents"),
        "outputs": binding("velocity"), "flops": head_flops(config),
    }
    return [front, *blocks, head]


def text_encoders(model: HunyuanVideoParts) -> list[dict]:
    """The language model reads the template, of which only the prompt's tokens are kept; CLIP reads the prompt."""
    return [
        {
            "id": "text", "tokenizer": {"kind": "huggingface", "file": "tokenizer.json"},
            "template": model.template, "crop_start": model.crop_start,
            "max_tokens": model.text_tokens + model.crop_start, "pad": "none", "graph": "text.onnx",
            "inputs": {"ids": "input_ids"},
            "outputs": {"prompt_embeds": {"value": "prompt_embeds", "rule": "trim"}},
            "flops": llama_flops(model.text_encoder.config),
        },
        {
            "id": "text_2", "tokenizer": {"kind": "huggingface", "file": "tokenizer_2.json"},
            "max_tokens": model.clip_tokens, "pad": "none", "graph": "text_2.onnx", "inputs": {"ids": "input_ids"},
            "outputs": {"pooled": {"value": "pooled", "rule": "as_is"}},
            "flops": clip_flops(model.text_encoder_2.config),
        },
    ]


def decoder(model: HunyuanVideoParts) -> dict:
    program = model.programs[-1]
    compression = [model.vae.temporal_compression_ratio, *[model.vae.spatial_compression_ratio] * 2]
    tiles = {
        axis: {"size": size // per_latent, "stride": stride // per_latent}
        for axis, (size, stride), per_latent in zip(("frames", "rows", "columns"), model.tiles, compression)
    }
    return {
        "first": {
            "graph": f"{program.name}.onnx", "inputs": binding("latents"), "outputs": binding("frames"),
            "flops": clip_decoder_flops(model.vae, program),
        },
        "tiles": tiles,
        "pixel_range": [-1, 1],
    }


def manifest(model: HunyuanVideoParts, about: About) -> dict:
    """`model.json` without files and variants."""
    config, vae = model.transformer.config, model.vae
    compression = [vae.temporal_compression_ratio, *[vae.spatial_compression_ratio] * 2]
    patch, channels = list(patch_of(model.transformer)), config.in_channels
    side = compression[1] * patch[1]
    return {
        "format": "mixcache.bundle/1",
        "id": about.id,
        "title": about.title,
        "license": about.license or "Tencent Hunyuan Community License",
        "family": model.family,
        "video": {
            "default": {
                "width": about.width or WIDTH, "height": about.height or HEIGHT, "frames": about.frames or FRAMES,
                "fps": about.fps or FPS,
            },
            "width": {"min": side, "max": MOST_SIDE * side, "multiple": side},
            "height": {"min": side, "max": MOST_SIDE * side, "multiple": side},
            "frames": {
                "min": 1, "max": 1 + (MOST_FRAMES - 1) * compression[0], "multiple": compression[0] * patch[0],
                "offset": 1,
            },
        },
        "latents": {
            "channels": channels, "compression": compression, "first_frame_alone": True, "patch": patch,
            "layout": "channels_first", "mean": [0] * channels, "std": [1 / vae.config.scaling_factor] * channels,
        },
        "text_encoders": text_encoders(model),
        "denoisers": [
            {
                "id": "main", "noise_levels": [0, 1],
                "guidance": {"kind": "embedded", "default_scale": GUIDANCE_SCALE},
                "values": values(config, model.guidance_precision, model.modules),
                "segments": segments(model),
                "distance_stream": "hidden",
                "signals": {"timestep_embedding": "temb", "modulated_input": "modulated_input"},
                **({"modules": module_entries(config)} if model.modules else {}),
            }
        ],
        "schedulers": [scheduler(model.folder.scheduler())],
        "default_steps": 50,
        "decoder": decoder(model),
    }
