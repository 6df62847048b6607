"""One adapter module to one ONNX graph with its weights in a file beside it."""

import inspect
import logging
import warnings
from pathlib import Path

import onnx
import torch
from mixcache_models.program import ModelError, Program
from torch import Tensor, nn

#: The first with Attention and RMSNormalization as operators.
OPSET = 23


def write_graph(folder: Path, program: Program, module: nn.Module, inputs: dict[str, Tensor]) -> Path:
    """Writes `<name>.onnx` and its weights `<name>.onnx.data`; the same weights give the same bytes."""
    path = folder / f"{program.name}.onnx"
    shapes = varying(program, module, inputs)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        # Contiguous, as they come from outside: torch.export would trace the strides of slices.
        exported = torch.export.export(
            module.eval(), tuple(value.contiguous() for value in inputs.values()), dynamic_shapes=shapes,
            prefer_deferred_runtime_asserts_over_guards=True,
        )
        made = torch.onnx.export(
            exported, dynamo=True, opset_version=OPSET, external_data=True, verbose=False,
            input_names=list(inputs), output_names=list(program.outputs),
        )
        made.save(path, external_data=True)
    model = onnx.load(path, load_external_data=False)
    strip_notes(model)
    found = [value.name for value in model.graph.input]
    if found != list(inputs):
        raise ModelError(f"The graph {program.name} has the inputs {found} instead of {list(inputs)}.")
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path


def varying(program: Program, module: nn.Module, inputs: dict[str, Tensor]) -> tuple:
    """The varying axes of each parameter of `forward`; those of `*rest` together are one parameter."""
    axes = [program.dynamic.get(name, {}) for name in inputs]
    kinds = [parameter.kind for parameter in inspect.signature(module.forward).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        return tuple(axes)
    named = kinds.index(inspect.Parameter.VAR_POSITIONAL)
    return (*axes[:named], tuple(axes[named:])) if len(axes) > named else tuple(axes)


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
