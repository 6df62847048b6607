"""Pieces that several families share. Matrix products run in the weights' dtype, everything else in float32."""

import torch
from torch import Tensor, nn


def dtype_of(module: nn.Module) -> torch.dtype:
    """Of its first parameter."""
    return next(module.parameters()).dtype


def apply_in_weights_dtype(module: nn.Module, x: Tensor) -> Tensor:
    """A layer on x in the dtype of its weights; the result stays in that dtype."""
    return module(x.to(dtype_of(module)))


def rotate_pairs(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates neighbouring channels: [1, S, heads, c] by [1, S, 1, c/2], in float32; gives x's dtype."""
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2).to(x.dtype)


def repeat_pairs(table: Tensor) -> Tensor:
    """Half a head's cosines or sines, [1, S, 1, c/2], as diffusers' tables hold them: every number twice."""
    return table.repeat_interleave(2, dim=-1)


class PatchEmbed(nn.Module):
    """A convolution whose stride is its kernel, as a reshape and a matrix product: [1, c, F, H, W] to [1, S, d].

    With `channels` it reads only the convolution's first ones: the others would get zeros.
    """

    def __init__(self, conv: nn.Module, patch: tuple[int, int, int], channels: int | None = None):
        super().__init__()
        self.patch = tuple(patch)
        self.weight = nn.Parameter(conv.weight[:, :channels].flatten(1).T.contiguous(), requires_grad=False)
        self.bias = conv.bias

    def forward(self, latents: Tensor) -> Tensor:
        _, c, frames, rows, columns = latents.shape
        p_t, p_h, p_w = self.patch
        x = latents.reshape(c, frames // p_t, p_t, rows // p_h, p_h, columns // p_w, p_w)
        x = x.permute(1, 3, 5, 0, 2, 4, 6).flatten(3, 6).flatten(0, 2)
        return (x.to(self.weight.dtype) @ self.weight + self.bias).unsqueeze(0)
