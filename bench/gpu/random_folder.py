"""A diffusers folder of configs whose weights are random numbers, made where they are needed."""

import math
from collections.abc import Sequence

import torch
from mixcache_models.empty import aliases_of, put, state_of
from mixcache_models.folder import kept_dtype
from mixcache_models.published import WeightlessFolder
from torch import Tensor, nn


class RandomFolder(WeightlessFolder):
    """Nothing is read from a disk, so that a model of 28 GB starts in seconds."""

    def load(self, name: str, weights: Sequence[str] = ("",), dtype: torch.dtype = torch.float32,
             device: torch.device | str = "cpu") -> nn.Module:
        module = self.component(name)
        aliases, state = aliases_of(module), state_of(module)
        generator = torch.Generator(device).manual_seed(0)
        for parameter in self.wanted(name, weights):
            kind = kept_dtype(module, parameter, dtype)
            put(module, aliases[parameter], random_value(parameter, state[parameter].shape, kind, generator))
        return module


def random_value(name: str, shape: Sequence[int], dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Of a size that keeps activations of order 1: norms about 1, products with 1 / √inputs, biases and tables small."""
    noise = torch.randn(shape, dtype=dtype, device=generator.device, generator=generator)
    if len(shape) < 2:
        return noise.mul_(0.1).add_(1 if name.endswith("weight") else 0)
    if name.endswith("scale_shift_table"):
        return noise.mul_(0.3)
    return noise.div_(math.sqrt(math.prod(shape[1:])))
