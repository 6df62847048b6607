"""The finer partition: what each attention and feed-forward gives both streams before its gates, and what adds it.

A module has one output, so the streams' parts lie one after the other in it, [1, S + T, d], the image's first. A single
block is one module: its attention and its feed-forward read the same input and share a product and a gate.
"""

from collections.abc import Callable
from functools import partial

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor, nn
from torch.export import Dim

from ..blocks import repeat_pairs
from ..manifest import binding
from ..program import Program
from .flops import module_flops
from .transformer import FF_GATE, GATE, DualBlock, SingleBlock, block_prefix, joint_tables

Inputs = dict[str, Tensor]
Streams = tuple[Tensor, Tensor]
Reference = Callable[[HunyuanVideoTransformer3DModel, Inputs], tuple[Tensor, ...]]


class OfDual(nn.Module):
    """An adapter of one dual block."""

    def __init__(self, model: HunyuanVideoTransformer3DModel, index: int):
        super().__init__()
        self.block = DualBlock(model.transformer_blocks[index])


class Attn(OfDual):
    def forward(self, hidden: Tensor, text_hidden: Tensor, temb: Tensor, rope_cos: Tensor, rope_sin: Tensor) -> Tensor:
        return torch.cat(self.block.attend(hidden, text_hidden, *self.block.rows(temb), rope_cos, rope_sin), dim=1)


class FeedForward(OfDual):
    def forward(self, hidden: Tensor, text_hidden: Tensor, temb: Tensor) -> Tensor:
        return torch.cat(self.block.feed(hidden, text_hidden, *self.block.rows(temb)), dim=1)


class AttnApply(OfDual):
    """Adds each stream's part times its gate."""

    row = GATE

    def forward(self, hidden: Tensor, text_hidden: Tensor, module_output: Tensor, temb: Tensor) -> Streams:
        rows, text_rows = self.block.rows(temb)
        image, text = module_output[:, : hidden.shape[1]], module_output[:, hidden.shape[1] :]
        return hidden + image * rows[self.row], text_hidden + text * text_rows[self.row]


class FeedForwardApply(AttnApply):
    row = FF_GATE


class OfSingle(nn.Module):
    """An adapter of one single block; `index` counts from the first dual block."""

    def __init__(self, model: HunyuanVideoTransformer3DModel, index: int):
        super().__init__()
        self.block = SingleBlock(model.single_transformer_blocks[index - len(model.transformer_blocks)])


class AttnFeedForward(OfSingle):
    def forward(self, hidden: Tensor, text_hidden: Tensor, temb: Tensor, rope_cos: Tensor, rope_sin: Tensor) -> Tensor:
        tables = joint_tables(rope_cos, rope_sin, text_hidden.shape[1])
        return self.block.mix(torch.cat([hidden, text_hidden], dim=1), self.block.rows(temb), *tables)


class AttnFeedForwardApply(OfSingle):
    def forward(self, hidden: Tensor, text_hidden: Tensor, module_output: Tensor, temb: Tensor) -> Streams:
        gate, tokens = self.block.rows(temb)[GATE], hidden.shape[1]
        return hidden + module_output[:, :tokens] * gate, text_hidden + module_output[:, tokens:] * gate


def dual_by_diffusers(module: str, index: int) -> Reference:
    """The module as `HunyuanVideoTransformerBlock.forward` calls it."""

    def run(model: HunyuanVideoTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
        block, hidden, text, temb = model.transformer_blocks[index], *streams_of(inputs)
        x, _, shift, scale, _ = block.norm1(hidden, emb=temb)
        y, _, text_shift, text_scale, _ = block.norm1_context(text, emb=temb)
        if module == "attn":
            return (torch.cat(block.attn(x, y, image_rotary_emb=rope_of(inputs)), dim=1),)
        x = block.norm2(hidden) * (1 + scale[:, None]) + shift[:, None]
        y = block.norm2_context(text) * (1 + text_scale[:, None]) + text_shift[:, None]
        return (torch.cat([block.ff(x), block.ff_context(y)], dim=1),)

    return run


def single_by_diffusers(index: int) -> Reference:
    """As `HunyuanVideoSingleTransformerBlock.forward` does it."""

    def run(model: HunyuanVideoTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
        block = model.single_transformer_blocks[index - len(model.transformer_blocks)]
        hidden, text, temb = streams_of(inputs)
        x, _ = block.norm(torch.cat([hidden, text], dim=1), emb=temb)
        tokens = hidden.shape[1]
        mixed = torch.cat(block.attn(x[:, :tokens], x[:, tokens:], image_rotary_emb=rope_of(inputs)), dim=1)
        return (block.proj_out(torch.cat([mixed, block.act_mlp(block.proj_mlp(x))], dim=2)),)

    return run


def gated(row: int, index: int) -> Reference:
    """Each stream plus its part times the gate; a single block has one gate for both."""

    def run(model: HunyuanVideoTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
        hidden, text, temb = streams_of(inputs)
        dual = len(model.transformer_blocks)
        if index < dual:
            norms = model.transformer_blocks[index].norm1, model.transformer_blocks[index].norm1_context
        else:
            norms = (model.single_transformer_blocks[index - dual].norm,) * 2
        parts = inputs["module_output"].split([hidden.shape[1], text.shape[1]], dim=1)
        gates = (norm.linear(norm.silu(temb)).chunk(6 if index < dual else 3, dim=1)[row][:, None] for norm in norms)
        return tuple(stream + part * gate for stream, part, gate in zip((hidden, text), parts, gates, strict=True))

    return run


def streams_of(inputs: Inputs) -> tuple[Tensor, Tensor, Tensor]:
    return inputs["hidden"], inputs["text_hidden"], inputs["temb"]


def rope_of(inputs: Inputs) -> tuple[Tensor, ...]:
    """As diffusers holds it."""
    return tuple(repeat_pairs(inputs[name])[0, :, 0] for name in ("rope_cos", "rope_sin"))


STREAMS, ROPE = ("hidden", "text_hidden", "temb"), ("rope_cos", "rope_sin")
APPLY_INPUTS = ("hidden", "text_hidden", "module_output", "temb")
#: Module: what computes it and its inputs, what applies it and the row of its gate.
DUAL = {
    "attn": (Attn, (*STREAMS, *ROPE), AttnApply, GATE),
    "ff": (FeedForward, STREAMS, FeedForwardApply, FF_GATE),
}
SINGLE = {"attn_ff": (AttnFeedForward, (*STREAMS, *ROPE), AttnFeedForwardApply, GATE)}


def module_programs(
    segments: list[tuple[str, int, int]], dual: int, example: Callable, most_tokens: int, most_texts: int
) -> list[Program]:
    """Of every block; they share the weights of the segment that holds it. `example(names, size, generator)`."""
    tokens, texts = {1: Dim("tokens", min=2, max=most_tokens)}, {1: Dim("texts", max=most_texts)}
    # The output's length is the sum of the streams', which torch.export has no name for.
    dynamic = {"hidden": tokens, "text_hidden": texts, "rope_cos": tokens, "rope_sin": tokens}
    free = {name: {1: Dim.DYNAMIC} for name in ("hidden", "text_hidden", "module_output")}

    def program(name, index, build, by_diffusers, inputs, outputs, varying, segment) -> Program:
        return Program(
            name, "transformer", (block_prefix(index, dual),), partial(build, index=index), by_diffusers, outputs,
            partial(example, inputs), {key: axes for key, axes in varying.items() if key in inputs}, segment,
        )

    made = []
    for segment, start, end in segments:
        for index in range(start, end):
            for module, (compute, inputs, apply, row) in (DUAL if index < dual else SINGLE).items():
                name = f"block_{index}_{module}"
                reference = dual_by_diffusers(module, index) if index < dual else single_by_diffusers(index)
                made.append(program(name, index, compute, reference, inputs, ("module_output",), dynamic, segment))
                made.append(program(
                    f"{name}_apply", index, apply, gated(row, index), APPLY_INPUTS, ("hidden_out", "text_hidden_out"),
                    free, segment,
                ))
    return made


def module_entries(config) -> list[dict]:
    """The manifest's `modules`."""
    made = []
    for index in range(config.num_layers + config.get("num_single_layers", 0)):
        for module, (_, inputs, *_) in (DUAL if index < config.num_layers else SINGLE).items():
            name = f"block_{index}_{module}"
            compute, apply = module_flops(config, module)
            made.append({
                "block": index, "module": module,
                "compute": {
                    "graph": f"{name}.onnx", "inputs": binding(*inputs), "outputs": binding("module_output"),
                    "flops": compute,
                },
                "apply": {
                    "graph": f"{name}_apply.onnx", "inputs": binding(*APPLY_INPUTS),
                    "outputs": binding(hidden_out="hidden", text_hidden_out="text_hidden"), "flops": apply,
                },
            })
    return made
