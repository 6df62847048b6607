"""FLOPs of a program as PyTorch counts them, on the meta device: no weights, no arithmetic, any size."""

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from .attention import attention_kind
from .program import Program, Size


def count_flops(component: nn.Module, program: Program, inputs: dict[str, torch.Tensor]) -> int:
    """Two per multiply-accumulate of every matrix product and convolution."""
    shell = program.build(copy.deepcopy(component).to("meta"))
    on_meta = [value.to("meta") for value in inputs.values()]
    # The counter knows products, not every fused attention.
    with torch.no_grad(), attention_kind("portable"), FlopCounterMode(display=False) as counter:
        shell(*on_meta)
    return counter.get_total_flops()


def decoder_flops(component: nn.Module, program: Program) -> dict[str, int]:
    """Of a decoder that takes one latent frame a call, as the manifest's polynomial: two small sizes tell any other."""

    def counted(side: int) -> int:
        return count_flops(component, program, program.example(Size(1, side, side), torch.Generator().manual_seed(0)))

    few, many = 4, 16
    low, high = counted(2), counted(4)
    squared = (high * few - low * many) // (few * many * (many - few))
    return {"pixels": (low - squared * few * few) // few, "pixels_squared": squared}


def clip_decoder_flops(component: nn.Module, program: Program) -> dict[str, int]:
    """Of a decoder that takes any number of frames, as the manifest's polynomial: three small sizes tell any other."""

    def counted(frames: int, side: int) -> int:
        inputs = program.example(Size(frames, side, side), torch.Generator().manual_seed(0))
        return count_flops(component, program, inputs)

    small, longer, wider = counted(2, 2), counted(3, 2), counted(2, 4)
    squared = (wider - 4 * small) // 768
    pixels = (longer - small - 80 * squared) // 4
    return {"plane": (small - 8 * pixels - 64 * squared) // 4, "pixels": pixels, "pixels_squared": squared}
