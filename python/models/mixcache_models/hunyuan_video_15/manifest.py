"""The manifest of a HunyuanVideo 1.5 bundle: docs/bundle-format.md."""

from diffusers.pipelines.hunyuan_video1_5.image_processor import HunyuanVideo15ImageProcessor

from ..counting import clip_decoder_flops
from ..hunyuan_video.flops import block_flops, head_flops, llama_flops
from ..hunyuan_video.manifest import sinusoid
from ..hunyuan_video.programs import MOST_FRAMES, MOST_SIDE
from ..hunyuan_video.transformer import patch_of
from ..manifest import binding, scheduler
from ..program import About, ranges
from ..text import t5_flops
from .flops import front_flops, glyph_flops
from .modules import module_entries
from .parts import HunyuanVideo15Parts
from .prompt import QUOTED, template

#: What the published models are made for; their size is in the config.
FRAMES, FPS, ASPECT = 121, 24, (9, 16)
#: ByT5's ids: three special tokens, then the 256 bytes.
BYTES = {"kind": "bytes", "offset": 3, "end_id": 1, "pad_id": 0}
#: The prompt values whose tokens are those of the text stream.
TEXTS = ["glyph_hidden", "prompt_embeds"]


def values(config, modules: bool) -> dict:
    d, half = config.num_attention_heads * config.attention_head_dim, config.attention_head_dim // 2
    latents = [1, config.out_channels, "frames", "rows", "columns"]
    rope = {
        "make": "rope", "axes": list(config.rope_axes_dim), "theta": config.rope_theta, "dims": [1, "tokens", 1, half],
        "precision": "float32",
    }
    return {
        "latents": {"kind": "latents", "dims": latents},
        "hidden": {"kind": "stream", "dims": [1, "tokens", d]},
        "text_hidden": {"kind": "stream", "dims": [1, "text_tokens", d]},
        "time_features": sinusoid("timestep", 1, "float32"),
        "temb": {"kind": "step", "dims": [1, d]},
        "modulated_input": {"kind": "step", "dims": [1, "tokens", d]},
        **({"module_output": {"kind": "step", "dims": [1, "all_tokens", d]}} if modules else {}),
        "prompt_embeds": {"kind": "prompt", "dims": [1, "prompt_tokens", config.text_embed_dim]},
        "glyph_embeds": {"kind": "prompt", "dims": [1, "glyph_tokens", config.text_embed_2_dim]},
        "glyph_hidden": {"kind": "prompt", "dims": [1, "glyph_tokens", d]},
        **{
            f"rope_{part}": {"kind": "shape", "dims": rope["dims"], "provided": rope | {"part": part}}
            for part in ("cos", "sin")
        },
        "velocity": {"kind": "output", "dims": latents},
    }


def segments(model: HunyuanVideo15Parts) -> list[dict]:
    config, last = model.transformer.config, model.cuts[-1]
    front = {
        "id": "front", "blocks": [0, 0], "graph": "front.onnx",
        "inputs": binding("latents", "time_features", "prompt_embeds", "glyph_hidden"),
        "outputs": binding("hidden", "text_hidden", "temb", "modulated_input"),
        "flops": front_flops(config) | {"texts": ["prompt_embeds"]},
    }
    blocks = [
        {
            "id": name, "blocks": [start, end], "graph": f"{name}.onnx",
            "inputs": binding("hidden", "text_hidden", "temb", "rope_cos", "rope_sin"),
            "outputs": binding(hidden_out="hidden", text_hidden_out="text_hidden"),
            "flops": block_flops(config, start, end) | {"texts": TEXTS},
        }
        for name, start, end in ranges(model.cuts)
    ]
    head = {
        "id": "head", "blocks": [last, last], "graph": "head.onnx", "inputs": binding("hidden", "temb", "latents"),
        "outputs": binding("velocity"), "flops": head_flops(config),
    }
    return [front, *blocks, head]


def denoiser(model: HunyuanVideo15Parts) -> dict:
    guidance = {"kind": "cfg", "default_scale": model.guidance_scale} if model.guidance_scale else {"kind": "none"}
    return {
        "id": "main", "noise_levels": [0, 1], "guidance": guidance,
        "values": values(model.transformer.config, model.modules),
        "prompt_graphs": [
            {
                "graph": "glyph_projection.onnx", "inputs": binding("glyph_embeds"),
                "outputs": binding("glyph_hidden"),
                "flops": glyph_flops(model.transformer) | {"texts": ["glyph_embeds"]},
            }
        ],
        "segments": segments(model),
        "distance_stream": "hidden",
        "signals": {"timestep_embedding": "temb", "modulated_input": "modulated_input"},
        **({"modules": module_entries(model.transformer.config, TEXTS)} if model.modules else {}),
    }


def text_encoders(model: HunyuanVideo15Parts) -> list[dict]:
    return [
        {
            "id": "text", "tokenizer": {"kind": "huggingface", "file": "tokenizer.json"},
            "template": template(model.folder), "empty": " ", "crop_start": model.crop_start,
            "max_tokens": model.text_tokens + model.crop_start, "pad": "none", "graph": "text.onnx",
            "inputs": {"ids": "input_ids"}, "outputs": {"prompt_embeds": {"value": "prompt_embeds", "rule": "trim"}},
            "flops": llama_flops(model.text_encoder.config),
        },
        {
            "id": "text_2", "tokenizer": BYTES, "quoted": QUOTED, "max_tokens": model.glyph_tokens, "pad": "none",
            "graph": "text_2.onnx", "inputs": {"ids": "input_ids"},
            "outputs": {
                "glyph_embeds": {
                    "value": "glyph_embeds", "rule": "as_is", "channels": model.transformer.config.text_embed_2_dim,
                }
            },
            "flops": t5_flops(model.text_encoder_2.config),
        },
    ]


def decoder(model: HunyuanVideo15Parts) -> dict:
    program = model.programs[-1]
    return {
        "first": {
            "graph": f"{program.name}.onnx", "inputs": binding("latents"), "outputs": binding("frames"),
            "flops": clip_decoder_flops(model.vae, program),
        },
        "tiles": {
            axis: {"size": size, "stride": stride} for axis, (size, stride) in zip(("rows", "columns"), model.tiles)
        },
        "pixel_range": [-1, 1],
    }


def manifest(model: HunyuanVideo15Parts, about: About) -> dict:
    """`model.json` without files and variants."""
    config, vae = model.transformer.config, model.vae
    time, space = vae.temporal_compression_ratio, vae.spatial_compression_ratio
    p_t, p_h, p_w = patch_of(model.transformer)
    sizes = HunyuanVideo15ImageProcessor(vae_scale_factor=space)
    height, width = sizes.calculate_default_height_width(*ASPECT, config.target_size)
    return {
        "format": "mixcache.bundle/1",
        "id": about.id,
        "title": about.title,
        "license": about.license or "Tencent Hunyuan Community License",
        "family": model.family,
        "video": {
            "default": {
                "width": about.width or width, "height": about.height or height, "frames": about.frames or FRAMES,
                "fps": about.fps or FPS,
            },
            "width": {"min": space * p_w, "max": MOST_SIDE * space * p_w, "multiple": space * p_w},
            "height": {"min": space * p_h, "max": MOST_SIDE * space * p_h, "multiple": space * p_h},
            "frames": {"min": 1, "max": 1 + (MOST_FRAMES - 1) * time, "multiple": time * p_t, "offset": 1},
        },
        "latents": {
            "channels": config.out_channels, "compression": [time, space, space], "first_frame_alone": True,
            "patch": [p_t, p_h, p_w], "layout": "channels_first", "mean": [0] * config.out_channels,
            "std": [1 / vae.config.scaling_factor] * config.out_channels,
        },
        "text_encoders": text_encoders(model),
        "denoisers": [denoiser(model)],
        "schedulers": [scheduler(model.folder.scheduler())],
        "default_steps": 50,
        "decoder": decoder(model),
    }
