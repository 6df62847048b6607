"""Text encoders that several families share: a program and its part of the manifest."""

import torch
from torch import Tensor, nn

from .program import Program, Size


class LastHiddenState(nn.Module):
    """A T5-like encoder: ids and mask, [1, T] int64, to the embeddings of all T positions, [1, T, text]."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.encoder(input_ids, attention_mask).last_hidden_state.float()


class LastHiddenStateUnmasked(LastHiddenState):
    """The same without a mask: padding is attended."""

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.encoder(input_ids).last_hidden_state.float()


def t5_program(tokens: int, masked: bool, component: str = "text_encoder", name: str = "text") -> Program:
    """A T5-like encoder over a fixed number of tokens, with or without a mask."""

    def example(_: Size, generator: torch.Generator) -> dict[str, Tensor]:
        # Ids that every vocabulary has.
        ids = torch.randint(0, 32, (1, tokens), generator=generator)
        mask = torch.ones(1, tokens, dtype=torch.int64)
        mask[:, tokens // 2 :] = 0
        return {"input_ids": ids, "attention_mask": mask} if masked else {"input_ids": ids}

    def reference(encoder: nn.Module, inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
        return (encoder(**inputs).last_hidden_state.float(),)

    build = LastHiddenState if masked else LastHiddenStateUnmasked
    return Program(name, component, ("",), build, reference, ("prompt_embeds",), example, {})


def t5_flops(config) -> dict[str, int]:
    """Two per multiply-accumulate: projections, gated feed-forward, scores and their sums."""
    inner, gated = config.num_heads * config.d_kv, 3 if config.is_gated_act else 2
    per_layer = 2 * config.d_model * (4 * inner + gated * config.d_ff)
    return {"text": config.num_layers * per_layer, "text_squared": config.num_layers * 4 * inner}
