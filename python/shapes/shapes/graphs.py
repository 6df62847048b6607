"""The bundle's ONNX graphs with static shapes, and the files of their weights.

Weights are fp16 in one `.bin` per part (text, front, block_0 …, head, decoder) and are cast to fp32 where the graph
begins, which ONNX Runtime folds at load. Graphs that share a part refer to the same bytes of the same file.
"""

import copy
import logging
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper
from torch import nn

from . import adapters
from .decoder import Decoder
from .model import HEAD_DIM, LATENT, TIME_FREQUENCIES, TOKENS, ShapesModel

OPSET = 20
#: Weights begin at multiples of this.
ALIGNMENT = 64
#: Constants up to this many values may stay inside a graph.
INLINE_VALUES = 64


@dataclass
class Part:
    """A weights file: its name and where each parameter lies in it (offset and length)."""

    file: str
    offsets: dict[str, tuple[int, int]]


def part_offsets(module: nn.Module) -> tuple[dict[str, tuple[int, int]], int]:
    """Where each parameter of a part lies in its file (offset and length in bytes), and the file's size."""
    offsets, end = {}, 0
    for key, value in module.state_dict().items():
        begin = end + -end % ALIGNMENT
        end = begin + 2 * value.numel()
        offsets[key] = (begin, end - begin)
    return offsets, end


def write_part(folder: Path, name: str, module: nn.Module) -> Part:
    offsets, size = part_offsets(module)
    data = bytearray(size)
    for key, value in module.state_dict().items():
        begin, length = offsets[key]
        data[begin : begin + length] = value.half().contiguous().numpy().tobytes()
    (folder / f"{name}.bin").write_bytes(data)
    return Part(f"{name}.bin", offsets)


def trace(module: nn.Module, inputs: dict[str, torch.Tensor], outputs: list[str]) -> onnx.ModelProto:
    """The graph of one adapter with the weights still inside, without the exporter's notes."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            module.eval(), tuple(inputs.values()), dynamo=True, opset_version=OPSET, external_data=False,
            input_names=list(inputs), output_names=outputs, verbose=False,
        )
    model = onnx.ModelProto()
    model.CopyFrom(program.model_proto)
    del model.metadata_props[:], model.functions[:], model.graph.value_info[:], model.graph.metadata_props[:]
    model.producer_name, model.producer_version, model.doc_string = "mixcache shapes.export", "", ""
    model.graph.name, model.graph.doc_string = "graph", ""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
        value.doc_string = ""
    return model


def save(model: onnx.ModelProto, path: Path, parts: dict[str, Part]) -> None:
    """Writes a graph with references for weights. `parts` maps the prefix of a parameter's name to its file."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph, casts, kept = model.graph, [], []
    for tensor in graph.initializer:
        named = [(part, tensor.name[len(p) :]) for p, part in parts.items() if tensor.name.startswith(p)]
        found = [(part, key) for part, key in named if key in part.offsets]
        if not found:
            shape = list(tensor.dims)
            assert math.prod(shape) <= INLINE_VALUES, f"{path.name}: {tensor.name} {shape} is no known weight"
            kept.append(copy.deepcopy(tensor))
            continue
        (part, key), = found
        offset, length = part.offsets[key]
        stored = TensorProto(name=f"{tensor.name}.f16", data_type=TensorProto.FLOAT16, dims=tensor.dims)
        stored.data_location = TensorProto.EXTERNAL
        for entry, text in (("location", part.file), ("offset", str(offset)), ("length", str(length))):
            stored.external_data.add(key=entry, value=text)
        kept.append(stored)
        name = f"cast_{tensor.name}"
        casts.append(helper.make_node("Cast", [stored.name], [tensor.name], name=name, to=TensorProto.FLOAT))
    nodes = [copy.deepcopy(node) for node in graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(casts + nodes)
    path.write_bytes(model.SerializeToString(deterministic=True))


def write_graphs(folder: Path, model: ShapesModel, decoder: Decoder) -> None:
    """All graphs and weight files of the bundle."""
    dim, tokens = model.config["dim"], model.config["max_tokens"]
    text, front, head = adapters.Text(model.text), adapters.Front(model.dit), adapters.Head(model.dit.head)
    blocks = [adapters.BlockPart(block) for block in model.dit.blocks]
    decoder = adapters.plain_decoder(decoder)
    parts = {"text": text, "front": front, "head": head, "decoder": decoder}
    parts = {name: write_part(folder, name, module) for name, module in parts.items()}
    block_parts = [write_part(folder, f"block_{i}", block) for i, block in enumerate(blocks)]

    latents, hidden = torch.randn(1, *LATENT), torch.randn(1, TOKENS, dim)
    rope = {"rope_cos": torch.rand(TOKENS, HEAD_DIM // 2), "rope_sin": torch.rand(TOKENS, HEAD_DIM // 2)}
    conditioning, context, pooled = torch.randn(1, 6, dim), torch.randn(1, tokens, dim), torch.randn(1, dim)
    features, sigma = torch.randn(1, 2 * TIME_FREQUENCIES), torch.rand(1)

    def one(name, module, inputs, outputs, prefixes):
        save(trace(module, inputs, outputs), folder / f"{name}.onnx", prefixes)

    def each(suffix, module, inputs, outputs):
        """Blocks differ in their weights only, so one trace serves them all."""
        traced = trace(module, inputs, outputs)
        for i, part in enumerate(block_parts):
            save(traced, folder / f"block_{i}{suffix}.onnx", {"part.": part})

    ids = torch.ones(1, tokens, dtype=torch.int64)
    one("text", text, {"input_ids": ids}, ["context", "pooled"], {"": parts["text"]})
    inputs = {"latents": latents, "time_features": features, "pooled": pooled}
    one("front", front, inputs, ["hidden", "temb", "conditioning", "modulated_input"], {"": parts["front"]})
    inputs = {"hidden": hidden, "temb": pooled, "latents": latents, "sigma": sigma}
    one("head", head, inputs, ["velocity"], {"": parts["head"]})

    block, read = blocks[0], {"conditioning": conditioning}
    each("", adapters.Block(block), {"hidden": hidden, **read, "context": context, **rope}, ["hidden_out"])
    each("_self_attn", adapters.SelfAttnCompute(block), {"hidden": hidden, **read, **rope}, ["module_output"])
    each("_cross_attn", adapters.CrossAttnCompute(block), {"hidden": hidden, "context": context}, ["module_output"])
    each("_ff", adapters.FeedForwardCompute(block), {"hidden": hidden, **read}, ["module_output"])
    added = {"hidden": hidden, "module_output": hidden.clone()}
    each("_self_attn_apply", adapters.Apply(block, 2), {**added, **read}, ["hidden_out"])
    each("_ff_apply", adapters.Apply(block, 5), {**added, **read}, ["hidden_out"])
    one("cross_attn_apply", adapters.PlainApply(), added, ["hidden_out"], {})

    row = latents[:, :, : adapters.DECODER_LATENTS].contiguous()
    decoding = {"part.": parts["decoder"]}
    one("decoder_first", adapters.DecoderFirst(decoder), {"latents": row}, ["frames", "state"], decoding)
    inputs = {"latents": row, "state": row[:, :, :2].contiguous()}
    one("decoder_next", adapters.DecoderNext(decoder), inputs, ["frames", "state_out"], decoding)

    inputs = {"latents": latents, "time_features": features, "sigma": sigma}
    inputs |= {"context": context, "pooled": pooled, **rope}
    prefixes = {f"blocks.{i}.part.": part for i, part in enumerate(block_parts)}
    prefixes |= {"front.": parts["front"], "head.": parts["head"]}
    one("whole", adapters.Whole(front, blocks, head), inputs, ["velocity"], prefixes)
