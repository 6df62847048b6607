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
#: Latent pixels that an output pixel is mixed from: 3x3 of the previous, the present and the following latent.
TAPS = 27
#: Output pixels per latent pixel: two frames of 2x2.
OUTPUTS = 8


class Conv3(nn.Module):
    """A 3x3 convolution that keeps its size. Its weight is a matrix [out, in * 9], as the optimiser Muon wants it."""

    def __init__(self, before: int, after: int, dilation: int = 1):
        super().__init__()
        self.before, self.dilation = before, dilation
        self.weight = nn.Parameter(torch.randn(after, before * 9) * (before * 9) ** -0.5)
        self.bias = nn.Parameter(torch.zeros(after))

    def forward(self, x):
        weight = self.weight.unflatten(1, (self.before, 3, 3))
        return F.conv2d(x, weight, self.bias, padding=self.dilation, dilation=self.dilation)


class ResidualBlock(nn.Module):
    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.first, self.second = Conv3(width, width, dilation), Conv3(width, width)
        nn.init.zeros_(self.second.weight)

    def forward(self, x):
        return x + self.second(F.silu(self.first(F.silu(x))))


def taps(x: torch.Tensor) -> torch.Tensor:
    """The 3x3 neighbours of every pixel, edges repeated: [batch, 3, h, w] -> [batch, 9, 3, h, w]."""
    h, w = x.shape[2:]
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return torch.stack([padded[:, :, i : i + h, j : j + w] for i in range(3) for j in range(3)], 1)


class Decoder(nn.Module):
    """(previous, latent, following), each [batch, 3, h, w] -> frames [batch, 3, 2, 2h, 2w], not clamped.

    An output pixel is the latent plus a weighted sum of its neighbours' differences from it, in space and time;
    the network makes the weights. So flat areas stay exactly as they are, and an edge is sharpened with the
    colours that meet there, whichever they are: a network that paints colours learns that several times slower.
    """

    def __init__(self, width: int = 48):
        super().__init__()
        self.config = {"width": width}
        self.enter = Conv3(9, width)
        self.blocks = nn.ModuleList(ResidualBlock(width, d) for d in DILATIONS)
        self.out = nn.Conv2d(width, OUTPUTS * TAPS, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, previous, latent, following):
        x = self.enter(torch.cat([latent, previous - latent, following - latent], 1))
        for block in self.blocks:
            x = block(x)
        weights = self.out(F.silu(x)).unflatten(1, (OUTPUTS, TAPS, 1))
        differences = torch.cat([taps(previous), taps(latent), taps(following)], 1) - latent[:, None]
        mixed = latent[:, None] + (weights * differences[:, None]).sum(2)
        frames = mixed.unflatten(1, (2, 4)).transpose(2, 3).flatten(1, 3)
        return F.pixel_shuffle(frames, 2).unflatten(1, (2, 3)).transpose(1, 2)


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
