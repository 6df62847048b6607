"""Random weights of order 1."""

import torch


def randomise(module: torch.nn.Module, generator: torch.Generator) -> None:
    """Gates, tables and norms of order 1: at their defaults a wrong path could go unnoticed."""
    for name, p in module.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        if name.endswith("scale_shift_table"):
            p.data = noise
        elif name.endswith("gamma") or ("norm" in name and p.dim() == 1 and name.endswith("weight")):
            p.data = 1 + 0.2 * noise
        elif p.dim() == 1:
            p.data = 0.2 * noise
        else:
            p.data = noise / (p[0].numel() ** 0.5)
