"""The streaming decoder: latents [batch, 3, 32, 32], one at a time, into pairs of 64x64 RGB frames.

A latent frame is the area average of two frames, so it says that an edge moved but not which way: that is told
by its neighbours. With the previous latent alone the first pair of every video would be a guess, so the decoder
runs one latent behind its input: `First` takes (z0, z1), every `Next` takes the following latent, and the last
latent is given twice to flush. A missing neighbour is a copy of the latent itself.
"""

import torch
import torch.nn.functional as F
from torch import nn

#: Dilations of the residual blocks: a fast orbit moves its object by 9 latent pixels between two latents.
DILATIONS = (1, 2, 4, 2, 1)


class ResidualBlock(nn.Module):
    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        return x + self.second(F.silu(self.first(F.silu(x))))


class Decoder(nn.Module):
    """(previous, latent, following), each [batch, 3, h, w] -> frames [batch, 3, 2, 2h, 2w], not clamped.

    Most of the work is done at the latents' size; a pixel shuffle and two thin convolutions add a residual to
    the enlarged latent.
    """

    def __init__(self, width: int = 48, fine: int = 16):
        super().__init__()
        self.config = {"width": width, "fine": fine}
        self.enter = nn.Conv2d(9, width, 3, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(width, d) for d in DILATIONS)
        self.enlarge = nn.Conv2d(width, 4 * fine, 3, padding=1)
        self.refine = nn.Conv2d(fine, fine, 3, padding=1)
        self.out = nn.Conv2d(fine, 6, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, previous, latent, following):
        x = self.enter(torch.cat([latent, previous - latent, following - latent], 1))
        for block in self.blocks:
            x = block(x)
        x = F.silu(F.pixel_shuffle(self.enlarge(F.silu(x)), 2))
        residual = self.out(F.silu(self.refine(x)))
        base = F.interpolate(latent, scale_factor=2.0, mode="nearest")
        return base[:, :, None] + residual.unflatten(1, (3, 2))


class First(nn.Module):
    """z0, z1 [1, 3, 32, 32] -> the frames of z0 [1, 3, 2, 64, 64] and the state [1, 2, 3, 32, 32]: (z0, z1)."""

    def __init__(self, decoder: Decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, latent, following):
        return self.decoder(latent, latent, following), torch.stack([latent, following], 1)


class Next(nn.Module):
    """z_{i+1} [1, 3, 32, 32] and the state (z_{i-1}, z_i) -> the frames of z_i and the next state."""

    def __init__(self, decoder: Decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, following, state):
        previous, latent = state[:, 0], state[:, 1]
        return self.decoder(previous, latent, following), torch.stack([latent, following], 1)


def decode(decoder: Decoder, latents: torch.Tensor) -> torch.Tensor:
    """Whole videos as the stream would give them: [batch, 3, 8, 32, 32] -> [batch, 3, 16, 64, 64] in [-1, 1]."""
    first, following = First(decoder), Next(decoder)
    frames, state = first(latents[:, :, 0], latents[:, :, 1])
    parts = [frames]
    last = latents.shape[2] - 1
    for index in range(2, last + 2):
        frames, state = following(latents[:, :, min(index, last)], state)
        parts.append(frames)
    return torch.cat(parts, 2).clamp(-1, 1)
