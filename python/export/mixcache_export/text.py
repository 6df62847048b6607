"""A T5-like text encoder as one graph: ids and mask, [1, T] int64, to embeddings [1, T, text]."""

import torch
from torch import Tensor, nn


class TextEncoder(nn.Module):
    """Embeddings of all T positions; the engine puts zeros beyond the text (`zero_pad`), as Wan's pipeline does."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.encoder(input_ids, attention_mask).last_hidden_state


def text_flops(config) -> dict:
    """Two per multiply-accumulate: projections, gated feed-forward, scores and their sums."""
    inner, gated = config.num_heads * config.d_kv, 3 if config.is_gated_act else 2
    per_layer = 2 * config.d_model * (4 * inner + gated * config.d_ff)
    return {"text": config.num_layers * per_layer, "text_squared": config.num_layers * 4 * inner}


def example(tokens: int) -> dict[str, Tensor]:
    mask = torch.ones(1, tokens, dtype=torch.int64)
    mask[:, tokens // 2 :] = 0
    return {"input_ids": torch.ones(1, tokens, dtype=torch.int64), "attention_mask": mask}
