"""An adapter as a graph in memory: torch.export, then torch's ONNX exporter."""

import inspect
import logging
import warnings

import onnx_ir as ir
import torch
from mixcache_models.attention import Kind, attention_kind
from mixcache_models.program import EXAMPLE, ModelError, Program
from torch import Tensor, nn

#: The first with RMSNormalization as an operator.
OPSET = 23


def trace(program: Program, module: nn.Module, attention: Kind) -> ir.Model:
    """The weights stay the module's own: nothing is copied."""
    inputs = program.example(EXAMPLE, torch.Generator().manual_seed(0))
    with warnings.catch_warnings(), torch.no_grad(), attention_kind(attention):
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        # Contiguous, as they come from outside: torch.export would trace the strides of slices.
        exported = torch.export.export(
            module.eval(), tuple(value.contiguous() for value in inputs.values()),
            dynamic_shapes=varying(program, module, inputs), prefer_deferred_runtime_asserts_over_guards=True,
        )
        made = torch.onnx.export(
            exported, dynamo=True, opset_version=OPSET, verbose=False, input_names=list(inputs),
            output_names=list(program.outputs),
        ).model
    strip_notes(made)
    fold_transposes(made)
    found = [value.name for value in made.graph.inputs]
    if found != list(inputs):
        raise ModelError(f"The graph {program.name} has the inputs {found} instead of {list(inputs)}.")
    return made


def varying(program: Program, module: nn.Module, inputs: dict[str, Tensor]) -> tuple:
    """The varying axes of each parameter of `forward`; those of `*rest` together are one parameter."""
    axes = [program.dynamic.get(name, {}) for name in inputs]
    kinds = [parameter.kind for parameter in inspect.signature(module.forward).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        return tuple(axes)
    named = kinds.index(inspect.Parameter.VAR_POSITIONAL)
    return (*axes[:named], tuple(axes[named:])) if len(axes) > named else tuple(axes)


def strip_notes(model: ir.Model) -> None:
    """Removes what the exporter notes about its own source: it is larger than the graph and differs by machine."""
    model.producer_name, model.producer_version, model.doc_string = "mixcache_export", "", ""
    model.metadata_props.clear()
    graph = model.graph
    graph.name, graph.doc_string = "graph", ""
    graph.metadata_props.clear()
    borders = {*graph.inputs, *graph.outputs}
    for node in graph:
        node.metadata_props.clear()
        node.doc_string = ""
        for value in node.outputs:
            value.metadata_props.clear()
            if value not in borders:
                # Without its type a value costs nothing in the file; ONNX Runtime infers it again.
                value.type = value.shape = None
    for value in [*graph.inputs, *graph.outputs, *graph.initializers.values()]:
        value.metadata_props.clear()
        value.doc_string = ""


def fold_transposes(model: ir.Model) -> None:
    """Stores matrices the way the products read them: the exporter folds the transpositions of small ones only."""
    graph = model.graph
    for node in list(graph):
        source = node.inputs[0] if node.op_type == "Transpose" else None
        if source is None or source.const_value is None or source.name not in graph.initializers:
            continue
        order = node.attributes["perm"].as_ints()
        name = f"{source.name}_{node.outputs[0].name}"
        folded = ir.Value(
            name=name, shape=ir.Shape([source.const_value.shape[axis] for axis in order]),
            type=ir.TensorType(source.const_value.dtype),
            const_value=ir.Tensor(source.const_value.numpy().transpose(order), name=name),
        )
        graph.register_initializer(folded)
        ir.convenience.replace_all_uses_with(node.outputs[0], folded)
        graph.remove(node, safe=True)
        if not source.uses():
            del graph.initializers[source.name]
