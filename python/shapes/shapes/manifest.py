"""The bundle's manifest, `model.json`, and its tokenizer. The format is docs/bundle-format.md."""

import hashlib
from pathlib import Path

import onnx

from .adapters import DECODER_LATENTS
from .decoder import DILATIONS, OUTPUTS, TAPS
from .folder import FPS
from .grammar import MAX_TOKENS, NULL, PAD, START
from .model import HEAD_DIM, LATENT, PATCH, PATCH_VALUES, ROPE_AXES, ROPE_THETA, TIME_FREQUENCIES, TOKENS
from .render import FRAMES, SIZE

GUIDANCE, SHIFT, STEPS = 3, 3, 50
HALF = HEAD_DIM // 2


def tokenizer(words: list[str]) -> dict:
    return {"kind": "words", "words": words, "pad": PAD, "null": NULL, "start": START}


def evaluate(flops: dict) -> int:
    """The polynomial at this model's sizes."""
    s, t = TOKENS, MAX_TOKENS
    size = {"constant": 1, "tokens": s, "tokens_squared": s * s, "text": t, "tokens_text": s * t, "text_squared": t * t}
    return sum(value * size[key] for key, value in flops.items())


def add(*polynomials: dict) -> dict:
    total = {}
    for polynomial in polynomials:
        for key, value in polynomial.items():
            total[key] = total.get(key, 0) + value
    return total


def module_flops(d: int) -> dict[str, dict]:
    """Two per multiply-accumulate of every matrix product."""
    return {
        "self_attn": {"tokens": 8 * d * d, "tokens_squared": 4 * d},
        "cross_attn": {"tokens": 4 * d * d, "text": 4 * d * d, "tokens_text": 4 * d},
        "ff": {"tokens": 16 * d * d},
    }


def decoder_flops(width: int) -> int:
    """One latent: its 3x3 convolutions at the latent's size, and the matrix that makes the mixing weights."""
    pixels = LATENT[2] * LATENT[3]
    convolutions = 9 * width + 2 * len(DILATIONS) * width * width
    return 2 * pixels * (9 * convolutions + width * OUTPUTS * TAPS)


def binding(*names: str, **renamed: str) -> dict[str, str]:
    """Graph names to value names, the same unless renamed."""
    return {name: name for name in names} | renamed


def denoiser(d: int, layers: int) -> dict:
    modules = module_flops(d)
    rope = {"make": "rope", "axes": list(ROPE_AXES), "theta": ROPE_THETA, "dims": ["tokens", HALF]}
    tables = {
        f"rope_{part}": {"kind": "shape", "dims": ["tokens", HALF], "provided": rope | {"part": part}}
        for part in ("cos", "sin")
    }
    sinusoid = {
        "make": "timestep_sinusoid", "dim": 2 * TIME_FREQUENCIES, "of": "sigma", "scale": 1000, "max_period": 10000,
        "cosines_first": True,
    }
    stream = [1, "tokens", d]
    values = {
        "latents": {"kind": "latents", "dims": [1, *LATENT]},
        "hidden": {"kind": "stream", "dims": stream},
        "time_features": {"kind": "step", "dims": [1, 2 * TIME_FREQUENCIES], "provided": sinusoid},
        "sigma": {"kind": "step", "dims": [1], "provided": {"make": "sigma"}},
        "temb": {"kind": "step", "dims": [1, d]},
        "conditioning": {"kind": "step", "dims": [1, 6, d]},
        "modulated_input": {"kind": "step", "dims": stream},
        "module_output": {"kind": "step", "dims": stream},
        "context": {"kind": "prompt", "dims": [1, MAX_TOKENS, d]},
        "pooled": {"kind": "prompt", "dims": [1, d]},
        **tables,
        "velocity": {"kind": "output", "dims": [1, *LATENT]},
    }
    front = {
        "id": "front", "blocks": [0, 0], "graph": "front.onnx",
        "inputs": binding("latents", "time_features", "pooled"),
        "outputs": binding("hidden", "temb", "conditioning", "modulated_input"),
        "flops": {"constant": 2 * d * (2 * TIME_FREQUENCIES + d + d + 6 * d), "tokens": 2 * PATCH_VALUES * d},
    }
    blocks = [
        {
            "id": f"block_{i}", "blocks": [i, i + 1], "graph": f"block_{i}.onnx",
            "inputs": binding("hidden", "conditioning", "context", "rope_cos", "rope_sin"),
            "outputs": binding(hidden_out="hidden"),
            "flops": add(*modules.values()),
        }
        for i in range(layers)
    ]
    head = {
        "id": "head", "blocks": [layers, layers], "graph": "head.onnx",
        "inputs": binding("hidden", "temb", "latents", "sigma"), "outputs": binding("velocity"),
        "flops": {"constant": 4 * d * d, "tokens": 2 * PATCH_VALUES * d},
    }

    def module(block: int, name: str, *reads: str) -> dict:
        gated = name != "cross_attn"
        return {
            "block": block, "module": name,
            "compute": {
                "graph": f"block_{block}_{name}.onnx", "inputs": binding("hidden", *reads),
                "outputs": binding("module_output"), "flops": modules[name],
            },
            "apply": {
                "graph": f"block_{block}_{name}_apply.onnx" if gated else "cross_attn_apply.onnx",
                "inputs": binding("hidden", "module_output", *(["conditioning"] if gated else [])),
                "outputs": binding(hidden_out="hidden"), "flops": {"constant": 0},
            },
        }

    steps = []
    for i in range(layers):
        steps.append(module(i, "self_attn", "conditioning", "rope_cos", "rope_sin"))
        steps.append(module(i, "cross_attn", "context"))
        steps.append(module(i, "ff", "conditioning"))
    return {
        "id": "main",
        "noise_levels": [0, 1],
        "guidance": {"kind": "cfg", "default_scale": GUIDANCE},
        "values": values,
        "segments": [front, *blocks, head],
        "distance_stream": "hidden",
        "signals": {"timestep_embedding": "conditioning", "modulated_input": "modulated_input"},
        "modules": steps,
    }


def dit_flops(main: dict) -> int:
    return sum(evaluate(segment["flops"]) for segment in main["segments"])


def files(folder: Path) -> dict:
    """Every file of the folder but the manifest and the card."""
    entries = {}
    for path in sorted(folder.iterdir()):
        if path.name in ("model.json", "README.md"):
            continue
        data = path.read_bytes()
        entries[path.name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        if path.suffix == ".onnx":
            tensors = onnx.load(path, load_external_data=False).graph.initializer
            places = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
            entries[path.name]["weights"] = sorted(places)
    return entries


def manifest(folder: Path, config: dict, decoder: dict) -> dict:
    d, text_layers = config["dim"], 2
    per_latent = decoder_flops(decoder["width"])
    patch = [p * 2 for p in PATCH]
    return {
        "format": "mixcache.bundle/1",
        "id": "shapes",
        "title": "Shapes",
        "description": "Draws a coloured shape that moves on a plain background. Small enough for any CPU.",
        "license": "Apache-2.0",
        "family": "shapes",
        "video": {
            "default": {"width": SIZE, "height": SIZE, "frames": FRAMES, "fps": FPS},
            "width": {"min": SIZE, "max": SIZE, "multiple": patch[2]},
            "height": {"min": SIZE, "max": SIZE, "multiple": patch[1]},
            "frames": {"min": FRAMES, "max": FRAMES, "multiple": patch[0]},
            "max_tokens": TOKENS,
        },
        "latents": {
            "channels": LATENT[0], "compression": [2, 2, 2], "first_frame_alone": False, "patch": list(PATCH),
            "layout": "channels_first", "mean": [0] * LATENT[0], "std": [1] * LATENT[0],
        },
        "text_encoders": [
            {
                "id": "text",
                "tokenizer": {"kind": "words", "file": "tokenizer.json"},
                "max_tokens": MAX_TOKENS,
                "pad": "to_max",
                "graph": "text.onnx",
                "inputs": {"ids": "input_ids"},
                "outputs": {name: {"value": name, "rule": "as_is"} for name in ("context", "pooled")},
                "flops": {"text": text_layers * 24 * d * d, "text_squared": text_layers * 4 * d},
            }
        ],
        "denoisers": [denoiser(d, config["layers"])],
        "schedulers": [
            {"kind": "flow_match_euler", "shift": SHIFT},
            {"kind": "unipc", "shift": SHIFT, "order": 2},
        ],
        "default_steps": STEPS,
        "decoder": {
            "first": {
                "graph": "decoder_first.onnx", "inputs": binding("latents"), "outputs": binding("frames", "state"),
                "frames": 2 * (DECODER_LATENTS - 1), "flops": per_latent * (DECODER_LATENTS - 1),
            },
            "next": {
                "graph": "decoder_next.onnx",
                "inputs": binding("latents", "state"), "outputs": binding("frames", state_out="state"),
                "frames": 2 * (DECODER_LATENTS + 1), "flops": per_latent * (DECODER_LATENTS + 1),
            },
            "latent_frames": DECODER_LATENTS,
            "pixel_range": [-1, 1],
        },
        "files": files(folder),
    }
