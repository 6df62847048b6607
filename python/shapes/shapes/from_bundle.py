"""Makes checkpoints of a bundle's weights again, so that training can go on from what was published.

    python -m shapes.from_bundle --bundle ../../models/shapes --output runs/published

Writes <output>/dit.pt (for `shapes.train --from-weights`) and <output>/decoder.pt, both fit for shapes.export. They hold
the weights as the bundle does, rounded to fp16, and no state of the optimisers.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from . import adapters
from .decoder import Decoder
from .grammar import MAX_TOKENS, VOCABULARY
from .graphs import part_offsets
from .model import ShapesModel


def numbered(module: nn.Module) -> int:
    """Gives every single weight a number of its own as its value; returns how many there are."""
    count = 0
    for p in module.double().parameters():
        p.data = torch.arange(count, count + p.numel(), dtype=torch.float64).reshape(p.shape)
        count += p.numel()
    return count


def restore(folder: Path, module: nn.Module, parts) -> nn.Module:
    """`module` with the bundle's weights. Adapters only move weights about, so numbers tell where each one went."""
    flat = torch.full((numbered(module),), float("nan"))
    for name, part in parts(module).items():
        data = (folder / f"{name}.bin").read_bytes()
        offsets, size = part_offsets(part)
        if len(data) != size:
            raise SystemExit(f"{folder / name}.bin has {len(data)} bytes; this version of the model has {size}.")
        for key, numbers in part.state_dict().items():
            offset, length = offsets[key]
            values = torch.from_numpy(np.frombuffer(data, "<f2", length // 2, offset).astype(np.float32))
            flat[numbers.flatten().long()] = values
    if flat.isnan().any():
        raise SystemExit(f"{folder} lacks some of the weights.")
    for p in module.parameters():
        p.data = flat[p.data.flatten().long()].reshape(p.shape)
    return module.float()


def dit_parts(model: ShapesModel) -> dict[str, nn.Module]:
    parts = {"text": adapters.Text(model.text), "front": adapters.Front(model.dit), "head": adapters.Head(model.dit.head)}
    return parts | {f"block_{i}": adapters.BlockPart(block) for i, block in enumerate(model.dit.blocks)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    denoiser = json.loads((args.bundle / "model.json").read_text())["denoisers"][0]
    dim = denoiser["values"]["hidden"]["dims"][2]
    layers = sum(segment["blocks"][1] > segment["blocks"][0] for segment in denoiser["segments"])
    args.output.mkdir(parents=True, exist_ok=True)
    model = restore(args.bundle, ShapesModel(len(VOCABULARY), MAX_TOKENS, dim, layers), dit_parts)
    torch.save({"ema": model.state_dict(), "config": model.config, "vocabulary": VOCABULARY}, args.output / "dit.pt")
    decoder = restore(args.bundle, Decoder(), lambda whole: {"decoder": adapters.plain_decoder(whole)})
    torch.save({"ema": decoder.state_dict(), "config": decoder.config}, args.output / "decoder.pt")


if __name__ == "__main__":
    main()
