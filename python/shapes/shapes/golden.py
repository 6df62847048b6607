"""Writes one run of the PyTorch reference for the tests of other implementations.

    python -m shapes.golden --bundle ../../models/shapes --checkpoint runs/dit/checkpoint.pt \\
        --decoder runs/decoder/checkpoint.pt --output ../../test/golden/shapes

The reference has the bundle's fp16-rounded weights and computes in fp32. `golden.bin` holds little-endian float32
tensors one after the other; `golden.json` says where each lies and what it is.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from .adapters import DECODER_LATENTS
from .decoder import Decoder, decode
from .export import Check, load_decoder, load_model
from .grammar import encode
from .model import LATENT, ShapesModel, patchify, time_features

PROMPT = "a red circle moves left on a blue background"
SEED, STEPS, GUIDANCE, SHIFT = 7, 20, 3.0, 3.0
#: The step whose inner values are written (conditional branch; its input is what the step before it left), the
#: steps after which the latents are written, and the frames that are kept of the video.
DETAILED, KEPT, FRAMES = 10, (0, 9, 19), (0, 5, 10, 15)


def sigmas() -> np.ndarray:
    """float32, as diffusers' FlowMatchEulerDiscreteScheduler has them for sigmas=linspace(1, 0, n + 1)[:-1]."""
    u = np.linspace(1, 0, STEPS + 1)[:-1].astype(np.float32)
    return np.append(SHIFT * u / (1 + (SHIFT - 1) * u), np.float32(0)).astype(np.float32)


def velocity(model: ShapesModel, x, sigma, context, pooled):
    features = time_features(sigma.double())
    return (x - model.dit(x, features, context, pooled)) / sigma


def inside(model: ShapesModel, x, sigma, context, pooled) -> dict[str, torch.Tensor]:
    """What crosses the boundaries between the DiT's segments."""
    dit, features = model.dit, time_features(sigma.double())
    temb, conditioning = dit.conditioning(features, pooled)
    hidden = dit.patch(patchify(x)) + dit.position
    shift, scale, *_ = dit.blocks[0].modulation(conditioning)
    values = {"rope_cos": dit.cos, "rope_sin": dit.sin, "time_features": features, "temb": temb}
    values |= {"conditioning": conditioning, "modulated_input": dit.blocks[0].norm1(hidden) * (1 + scale) + shift}
    values["hidden_0"] = hidden
    for index, block in enumerate(dit.blocks):
        hidden = block(hidden, conditioning, context, dit.cos, dit.sin)
        values[f"hidden_{index + 1}"] = hidden
    return values


@torch.no_grad()
def reference(model: ShapesModel, decoder: Decoder) -> dict[str, torch.Tensor]:
    cond, uncond = (model.text(torch.tensor([encode(text)])) for text in (PROMPT, ""))
    x = torch.randn([1, *LATENT], generator=torch.Generator().manual_seed(SEED))
    tensors = {"noise": x, "context_cond": cond[0], "pooled_cond": cond[1]}
    tensors |= {"context_uncond": uncond[0], "pooled_uncond": uncond[1]}
    levels = torch.from_numpy(sigmas())
    for step in range(STEPS):
        sigma = levels[step : step + 1]
        told, free = velocity(model, x, sigma, *cond), velocity(model, x, sigma, *uncond)
        if step == DETAILED:
            tensors |= inside(model, x, sigma, *cond) | {"velocity_cond": told, "velocity_uncond": free}
        x = x + (levels[step + 1] - levels[step]) * (free + GUIDANCE * (told - free))
        if step in KEPT:
            tensors[f"latents_after_{step}"] = x
    tensors["frames"] = decode(decoder, x)[:, :, list(FRAMES)]
    return tensors


def check_bundle(bundle: Path, tensors: dict[str, torch.Tensor]) -> bool:
    """Whether the bundle has these weights."""
    check = Check(bundle)
    sigma = torch.from_numpy(sigmas())[DETAILED : DETAILED + 1]
    inputs = {"latents": tensors[f"latents_after_{DETAILED - 1}"], "sigma": sigma}
    inputs |= {name: tensors[name] for name in ("time_features", "rope_cos", "rope_sin")}
    inputs |= {"context": tensors["context_cond"], "pooled": tensors["pooled_cond"]}
    check.graph("whole", [tensors["velocity_cond"]], **inputs)
    final = tensors[f"latents_after_{STEPS - 1}"]
    first, state = check.run("decoder_first", latents=final[:, :, :DECODER_LATENTS].contiguous())
    following, _ = check.run("decoder_next", latents=final[:, :, DECODER_LATENTS:].contiguous(), state=state)
    check.compare("decoder", [torch.cat([first, following], 2)[:, :, list(FRAMES)]], [tensors["frames"]])
    return check.report()


@torch.no_grad()
def counted_flops(model: ShapesModel, tensors: dict[str, torch.Tensor]) -> int:
    """PyTorch's own count of one forward pass of the DiT."""
    told = (tensors["time_features"], tensors["context_cond"], tensors["pooled_cond"])
    with FlopCounterMode(display=False) as counter:
        model.dit(tensors["noise"], *told)
    return counter.get_total_flops()


def write(output: Path, bundle: Path, tensors: dict[str, torch.Tensor], flops: int) -> None:
    output.mkdir(parents=True, exist_ok=True)
    data, table = bytearray(), {}
    for name, tensor in tensors.items():
        table[name] = {"offset": len(data), "dims": list(tensor.shape)}
        data += tensor.contiguous().numpy().astype("<f4").tobytes()
    (output / "golden.bin").write_bytes(data)
    about = {
        "prompt": PROMPT, "seed": SEED, "steps": STEPS, "guidance": GUIDANCE,
        "scheduler": {"kind": "flow_match_euler", "shift": SHIFT},
        "sigmas": [float(sigma) for sigma in sigmas()],
        "bundle_digest": hashlib.sha256((bundle / "model.json").read_bytes()).hexdigest(),
        "reference": f"torch {torch.__version__}, cpu, float32",
        "flops_per_forward": flops,
        "step": DETAILED,
        "frame_indices": FRAMES,
        "tensors": table,
    }
    (output / "golden.json").write_text(json.dumps(about, indent=1) + "\n")
    print(f"{output}: {len(table)} tensors, {len(data):,} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="that the bundle was exported from")
    parser.add_argument("--decoder", type=Path, required=True, help="likewise")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, _ = load_model(args.checkpoint)
    tensors = reference(model, load_decoder(args.decoder))
    if not check_bundle(args.bundle, tensors):
        raise SystemExit("the bundle was not made from these checkpoints: nothing was written")
    write(args.output, args.bundle, tensors, counted_flops(model, tensors))


if __name__ == "__main__":
    main()
