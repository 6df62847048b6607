"""The one place for attention: every adapter calls `attention`, and whoever traces or runs it chooses the kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

#: torch: PyTorch's scaled_dot_product_attention, to run. In a graph, fused: ONNX Runtime's MultiHeadAttention, one
#: operator where there is no mask; portable: two products and a softmax, which every execution provider has.
Kind = Literal["torch", "fused", "portable"]

_kind: ContextVar[Kind] = ContextVar("attention", default="torch")


@contextmanager
def attention_kind(kind: Kind) -> Iterator[None]:
    """Adapters that run or are traced inside use this kind."""
    token = _kind.set(kind)
    try:
        yield
    finally:
        _kind.reset(token)


def attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """Query [1, S, heads, c], key and value [1, T, heads, c] to [1, S, heads · c].

    `mask` [S, T] is true where a query may see a key. `causal`: each token sees itself and those before it. DiTs have
    neither: padding is trimmed, and fast kernels take no mask.
    """
    if _kind.get() == "fused" and mask is None and not causal:
        return fused(query, key, value)
    q, k, v = (t.transpose(1, 2) for t in (query, key, value))
    if _kind.get() == "portable":
        mixed = portable(q, k, v, causal_mask(q, k) if causal else mask)
    else:
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    return mixed.transpose(1, 2).flatten(2, 3)


def causal_mask(q: Tensor, k: Tensor) -> Tensor:
    return torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).tril()


def portable(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """[1, heads, S, c], softmax in float32."""
    scores = ((q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)).float()
    if mask is not None:
        scores = scores.where(mask, float("-inf"))
    return scores.softmax(-1).to(v.dtype) @ v


def fused(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """A node of the traced graph; it computes nothing here.

    Of ONNX Runtime's attention operators this one never holds all scores at once on the CPU, takes heads side by side
    without transpositions, and has kernels for CUDA and WebGPU.
    """
    q, k, v = (t.flatten(2, 3) for t in (query, key, value))
    return torch.onnx.ops.symbolic(
        "com.microsoft::MultiHeadAttention", (q, k, v), {"num_heads": query.shape[2]}, dtype=q.dtype, shape=q.shape,
        version=1,
    )
