"""The finer partition of Wan's blocks: each attention and feed-forward before its gate, and what adds it to the stream."""

from collections.abc import Callable
from functools import partial

from diffusers import WanTransformer3DModel
from torch import Tensor, nn
from torch.export import Dim

from ..blocks import repeat_pairs
from ..manifest import binding
from ..program import Program
from .transformer import attend, feed_forward, modulation, self_attention

Inputs = dict[str, Tensor]


class OfBlock(nn.Module):
    """An adapter of one block."""

    def __init__(self, model: WanTransformer3DModel, index: int):
        super().__init__()
        self.block = model.blocks[index]


class SelfAttn(OfBlock):
    def forward(self, hidden: Tensor, conditioning: Tensor, rope_cos: Tensor, rope_sin: Tensor) -> Tensor:
        return self_attention(self.block, hidden, modulation(self.block, conditioning), (rope_cos, rope_sin))


class CrossAttn(OfBlock):
    def forward(self, hidden: Tensor, context: Tensor) -> Tensor:
        return attend(self.block.attn2, self.block.norm2(hidden), context, None)


class FeedForward(OfBlock):
    def forward(self, hidden: Tensor, conditioning: Tensor) -> Tensor:
        return feed_forward(self.block, hidden, modulation(self.block, conditioning))


class SelfAttnApply(OfBlock):
    """Adds a module's output times its gate, which is this row of the modulation."""

    row = 2

    def forward(self, hidden: Tensor, module_output: Tensor, conditioning: Tensor) -> Tensor:
        return hidden + module_output * modulation(self.block, conditioning)[self.row]


class FeedForwardApply(SelfAttnApply):
    row = 5


class PlainApply(nn.Module):
    """Adds a module's output; cross-attention has no gate."""

    def forward(self, hidden: Tensor, module_output: Tensor) -> Tensor:
        return hidden + module_output


def by_diffusers(module: str, index: int) -> Callable[[WanTransformer3DModel, Inputs], tuple[Tensor, ...]]:
    """The module as `WanTransformerBlock.forward` calls it."""

    def run(model: WanTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
        block, hidden = model.blocks[index], inputs["hidden"].float()
        if module == "cross_attn":
            return (block.attn2(block.norm2(hidden), inputs["context"], None, None),)
        rows = (block.scale_shift_table + inputs["conditioning"].float()).chunk(6, dim=1)
        if module == "ff":
            return (block.ffn(block.norm3(hidden) * (1 + rows[4]) + rows[3]),)
        rope = (repeat_pairs(inputs["rope_cos"]), repeat_pairs(inputs["rope_sin"]))
        return (block.attn1(block.norm1(hidden) * (1 + rows[1]) + rows[0], None, None, rope),)

    return run


def gated(row: int, index: int) -> Callable[[WanTransformer3DModel, Inputs], tuple[Tensor, ...]]:
    def run(model: WanTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
        rows = (model.blocks[index].scale_shift_table + inputs["conditioning"].float()).chunk(6, dim=1)
        return ((inputs["hidden"].float() + inputs["module_output"] * rows[row]),)

    return run


COMPUTE = {
    "self_attn": (SelfAttn, ("hidden", "conditioning", "rope_cos", "rope_sin")),
    "cross_attn": (CrossAttn, ("hidden", "context")),
    "ff": (FeedForward, ("hidden", "conditioning")),
}
APPLY = {"self_attn": SelfAttnApply, "ff": FeedForwardApply}
APPLY_INPUTS = ("hidden", "module_output", "conditioning")


def module_programs(
    segments: list[tuple[str, int, int]], example: Callable, most_tokens: int, component: str, prefix: str,
) -> list[Program]:
    """Of every block; they share the weights of the segment that holds it. `example(names, size, generator)`."""
    tokens = {1: Dim("tokens", min=2, max=most_tokens)}
    dynamic = dict.fromkeys(("hidden", "module_output", "rope_cos", "rope_sin"), tokens)

    def program(name, weights, build, reference, inputs, output, segment) -> Program:
        varying = {key: axes for key, axes in dynamic.items() if key in inputs}
        return Program(
            prefix + name, component, weights, build, reference, (output,), partial(example, inputs), varying, segment
        )

    made = []
    for segment, start, end in segments:
        for index in range(start, end):
            weights = (f"blocks.{index}.",)
            for module, (build, inputs) in COMPUTE.items():
                name = f"block_{index}_{module}"
                made.append(program(
                    name, weights, partial(build, index=index), by_diffusers(module, index), inputs, "module_output",
                    prefix + segment,
                ))
                if module in APPLY:
                    apply = APPLY[module]
                    made.append(program(
                        f"{name}_apply", weights, partial(apply, index=index), gated(apply.row, index), APPLY_INPUTS,
                        "hidden_out", prefix + segment,
                    ))
    made.append(program(
        "cross_attn_apply", (), lambda _: PlainApply(), lambda _, i: (i["hidden"] + i["module_output"],),
        APPLY_INPUTS[:2], "hidden_out", None,
    ))
    return made


def module_entries(layers: int, d: int, ff: int, prefix: str) -> list[dict]:
    """The manifest's `modules`."""
    flops = {
        "self_attn": {"tokens": 8 * d * d, "tokens_squared": 4 * d},
        "cross_attn": {"tokens": 4 * d * d, "text": 4 * d * d, "tokens_text": 4 * d},
        "ff": {"tokens": 4 * d * ff},
    }
    made = []
    for index in range(layers):
        for module, (_, inputs) in COMPUTE.items():
            name = f"{prefix}block_{index}_{module}"
            apply, given = (f"{name}_apply", APPLY_INPUTS) if module in APPLY else (
                f"{prefix}cross_attn_apply", APPLY_INPUTS[:2]
            )
            made.append({
                "block": index, "module": module,
                "compute": {
                    "graph": f"{name}.onnx", "inputs": binding(*inputs), "outputs": binding("module_output"),
                    "flops": flops[module],
                },
                "apply": {
                    "graph": f"{apply}.onnx", "inputs": binding(*given), "outputs": binding(hidden_out="hidden"),
                    "flops": {"constant": 0},
                },
            })
    return made
