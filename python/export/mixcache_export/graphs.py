"""One adapter module to one ONNX graph with its weights in a file beside it."""

import inspect
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from torch import nn

#: The first with Attention and RMSNormalization as operators.
OPSET = 23


@dataclass
class Graph:
    """An adapter, example inputs, the names of its outputs and the sizes that may vary.

    `dynamic` has, for each input that varies, the varying axes with their `torch.export` dims.
    """

    name: str
    module: nn.Module
    inputs: dict[str, torch.Tensor]
    outputs: list[str]
    dynamic: dict[str, dict[int, object]]


def write_graph(folder: Path, graph: Graph) -> Path:
    """Writes `<name>.onnx` and its weights `<name>.onnx.data`; the same weights give the same bytes."""
    path = folder / f"{graph.name}.onnx"
    shapes = varying(graph)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        exported = torch.export.export(
            graph.module.eval(), tuple(graph.inputs.values()), dynamic_shapes=shapes,
            prefer_deferred_runtime_asserts_over_guards=True,
        )
        program = torch.onnx.export(
            exported, dynamo=True, opset_version=OPSET, external_data=True, verbose=False,
            input_names=list(graph.inputs), output_names=graph.outputs,
        )
        program.save(path, external_data=True)
    model = onnx.load(path, load_external_data=False)
    strip_notes(model)
    found = [value.name for value in model.graph.input]
    if found != list(graph.inputs):
        raise SystemExit(f"The graph {graph.name} has the inputs {found} instead of {list(graph.inputs)}.")
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path


def varying(graph: Graph) -> tuple:
    """The varying axes of each parameter of `forward`; those of `*rest` together are one parameter."""
    axes = [graph.dynamic.get(name, {}) for name in graph.inputs]
    kinds = [parameter.kind for parameter in inspect.signature(graph.module.forward).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        return tuple(axes)
    named = kinds.index(inspect.Parameter.VAR_POSITIONAL)
    return (*axes[:named], tuple(axes[named:]))


def strip_notes(model: onnx.ModelProto) -> None:
    """Removes what the exporter notes about its own source: it is larger than the graph and differs by machine."""
    del model.metadata_props[:], model.graph.value_info[:], model.graph.metadata_props[:]
    model.producer_name, model.producer_version, model.doc_string = "mixcache_export", "", ""
    model.graph.name, model.graph.doc_string = "graph", ""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
        value.doc_string = ""
