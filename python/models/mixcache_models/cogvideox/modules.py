"""The finer partition of CogVideoX's blocks: attention and feed-forward before their gates, and what adds them.

A module gives one tensor for both streams, [1, T + S, d], the text's tokens first.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from diffusers import CogVideoXTransformer3DModel
from torch import Tensor, nn
from torch.export import Dim

from ..manifest import binding
from ..program import Program
from .reference import rope_of
from .transformer import attend, conditioned, feed_forward, modulated

Inputs = dict[str, Tensor]
#: Each module, with the norm that conditions it.
NORMS = {"self_attn": "norm1", "ff": "norm2"}
STREAMS = ("hidden", "encoder")


class OfBlock(nn.Module):
    """An adapter of one block."""

    def __init__(self, model: CogVideoXTransformer3DModel, index: int):
        super().__init__()
        self.block = model.transformer_blocks[index]


class SelfAttn(OfBlock):
    def forward(self, hidden: Tensor, encoder: Tensor, emb: Tensor, *rope: Tensor) -> Tensor:
        x, text, *_ = modulated(self.block.norm1, hidden, encoder, emb)
        x, text = attend(self.block.attn1, x, text, rope or None)
        return torch.cat([text, x], dim=1)


class FeedForward(OfBlock):
    def forward(self, hidden: Tensor, encoder: Tensor, emb: Tensor) -> Tensor:
        x, text, *_ = modulated(self.block.norm2, hidden, encoder, emb)
        return torch.cat([feed_forward(self.block, text), feed_forward(self.block, x)], dim=1)


class Apply(OfBlock):
    """Adds a module's output times the gates of its norm to both streams."""

    def __init__(self, model: CogVideoXTransformer3DModel, index: int, norm: str):
        super().__init__(model, index)
        self.linear = getattr(self.block, norm).linear

    def forward(self, hidden: Tensor, encoder: Tensor, module_output: Tensor, emb: Tensor) -> tuple[Tensor, Tensor]:
        _, _, gate, _, _, text_gate = conditioned(self.linear, emb, 6)
        text = encoder.shape[1]
        return hidden + gate * module_output[:, text:], encoder + text_gate * module_output[:, :text]


def by_diffusers(module: str, index: int) -> Callable[[CogVideoXTransformer3DModel, Inputs], tuple[Tensor, ...]]:
    """The module as `CogVideoXBlock.forward` calls it."""

    def run(model: CogVideoXTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
        block = model.transformer_blocks[index]
        norm = getattr(block, NORMS[module])
        x, text, *_ = norm(inputs["hidden"], inputs["encoder"], inputs["emb"])
        if module == "ff":
            return (block.ff(torch.cat([text, x], dim=1)),)
        x, text = block.attn1(x, encoder_hidden_states=text, image_rotary_emb=rope_of(inputs))
        return (torch.cat([text, x], dim=1),)

    return run


def gated(module: str, index: int) -> Callable[[CogVideoXTransformer3DModel, Inputs], tuple[Tensor, ...]]:
    def run(model: CogVideoXTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
        hidden, encoder, made = inputs["hidden"], inputs["encoder"], inputs["module_output"]
        norm, text = getattr(model.transformer_blocks[index], NORMS[module]), encoder.shape[1]
        *_, gate, text_gate = norm(hidden, encoder, inputs["emb"])
        return hidden + gate * made[:, text:], encoder + text_gate * made[:, :text]

    return run


def module_programs(
    segments: Sequence[tuple[str, int, int]], example: Callable, most_tokens: int, text_tokens: int,
    rope: tuple[str, ...],
) -> list[Program]:
    """Of every block; they share the weights of the segment that holds it. `example(names, size, generator)`."""
    tokens = Dim("tokens", min=2, max=most_tokens)
    dynamic = {"module_output": {1: tokens + text_tokens}, **dict.fromkeys(("hidden", *rope), {1: tokens})}

    def program(name, index, build, reference, inputs, outputs, segment) -> Program:
        varying = {key: axes for key, axes in dynamic.items() if key in inputs}
        weights = (f"transformer_blocks.{index}.",)
        chosen = partial(build, index=index)
        return Program(
            name, "transformer", weights, chosen, reference, outputs, partial(example, inputs), varying, segment
        )

    made = []
    for segment, start, end in segments:
        for index in range(start, end):
            for module, norm in NORMS.items():
                name, build = f"block_{index}_{module}", SelfAttn if module == "self_attn" else FeedForward
                made.append(program(
                    name, index, build, by_diffusers(module, index), compute_inputs(module, rope),
                    ("module_output",), segment,
                ))
                made.append(program(
                    f"{name}_apply", index, partial(Apply, norm=norm), gated(module, index),
                    (*STREAMS, "module_output", "emb"), ("hidden_out", "encoder_out"), segment,
                ))
    return made


def compute_inputs(module: str, rope: tuple[str, ...]) -> tuple[str, ...]:
    return (*STREAMS, "emb", *(rope if module == "self_attn" else ()))


def module_entries(layers: int, d: int, time: int, rope: tuple[str, ...]) -> list[dict]:
    """The manifest's `modules`. The linear layer of a norm runs for its shifts and scales, and again for its gates."""
    norm = {"constant": 2 * time * 6 * d}
    flops = {
        "self_attn": {
            **norm, "tokens": 8 * d * d, "text": 8 * d * d, "tokens_squared": 4 * d, "tokens_text": 8 * d,
            "text_squared": 4 * d,
        },
        "ff": {**norm, "tokens": 16 * d * d, "text": 16 * d * d},
    }
    return [
        {
            "block": index, "module": module,
            "compute": {
                "graph": f"block_{index}_{module}.onnx", "inputs": binding(*compute_inputs(module, rope)),
                "outputs": binding("module_output"), "flops": flops[module],
            },
            "apply": {
                "graph": f"block_{index}_{module}_apply.onnx",
                "inputs": binding(*STREAMS, "module_output", "emb"),
                "outputs": binding(hidden_out="hidden", encoder_out="encoder"), "flops": norm,
            },
        }
        for index in range(layers) for module in NORMS
    ]
