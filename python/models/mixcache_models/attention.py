"""The one place for attention: every adapter calls `attention`, and whoever exports or runs it chooses the kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

#: fused: PyTorch's scaled_dot_product_attention, one operator in a graph. portable: two products and a softmax.
Kind = Literal["fused", "portable"]

_kind: ContextVar[Kind] = ContextVar("attention", default="fused")


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
    q, k, v = (t.transpose(1, 2) for t in (query, key, value))
    if _kind.get() == "fused":
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    else:
        if causal:
            mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).tril()
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)
        if mask is not None:
            scores = scores.where(mask, float("-inf"))
        mixed = scores.softmax(-1) @ v
    return mixed.transpose(1, 2).flatten(2, 3)
