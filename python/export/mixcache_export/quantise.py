"""Matrix products with 8-bit weights, made from a float32 graph."""

import numpy as np
import onnx_ir as ir

#: Weights that share a scale.
BLOCK = 32
#: Smaller matrices would save nothing.
SMALLEST = 16


def weight_only(model: ir.Model) -> ir.Model:
    """Changes the graph to MatMulNBits: 8-bit weights, a scale for every 32 of them, float32 activations."""
    for node, weight in products(model):
        rows, columns = weight.shape
        if rows % BLOCK:
            continue
        blocks = weight.T.reshape(columns, rows // BLOCK, BLOCK)
        scale = scales(blocks, axis=2)
        quantised = (np.round(blocks / scale[..., None]) + 128).astype(np.uint8)
        named = node.outputs[0].name
        inputs = [
            node.inputs[0], constant(model, f"{named}_weight", quantised),
            constant(model, f"{named}_scale", scale.reshape(-1)),
        ]
        attributes = {"K": rows, "N": columns, "bits": 8, "block_size": BLOCK}
        replace(model, node, [ir.node("MatMulNBits", inputs, attributes, domain="com.microsoft")])
    model.opset_imports["com.microsoft"] = 1
    return model


def dynamic(model: ir.Model) -> ir.Model:
    """Changes the graph to products of 8-bit integers: a scale for each column, activations scaled as they come.

    Weights are unsigned around 128: with signed ones, processors without VNNI add pairs with saturation.
    """
    for node, weight in products(model):
        scale = scales(weight, axis=0)
        named = node.outputs[0].name
        matrix = constant(model, f"{named}_weight", (np.round(weight / scale) + 128).astype(np.uint8))
        zero = constant(model, f"{named}_zero", np.full(weight.shape[1], 128, np.uint8))
        rounded = ir.node("DynamicQuantizeLinear", [node.inputs[0]], num_outputs=3)
        integers, activation_scale, activation_zero = rounded.outputs
        product = ir.node("MatMulInteger", [integers, matrix, activation_zero, zero])
        cast = ir.node("Cast", product.outputs, {"to": ir.DataType.FLOAT.value})
        both = ir.node("Mul", [activation_scale, constant(model, f"{named}_scale", scale)])
        scaled = ir.node("Mul", [cast.outputs[0], both.outputs[0]])
        replace(model, node, [rounded, product, cast, both, scaled])
    return model


def products(model: ir.Model):
    """Every product with a constant matrix that is worth it, and that matrix."""
    for node in list(model.graph):
        if node.op_type != "MatMul" or node.inputs[1].const_value is None:
            continue
        weight = node.inputs[1].const_value
        if len(weight.shape) == 2 and min(weight.shape) >= SMALLEST:
            yield node, weight.numpy()


def scales(weight: np.ndarray, axis: int) -> np.ndarray:
    """What one step of the integers is worth; 1 where all weights are 0."""
    largest = np.abs(weight).max(axis=axis) / 127
    return np.where(largest == 0, 1, largest).astype(np.float32)


def constant(model: ir.Model, name: str, values: np.ndarray) -> ir.Value:
    value = ir.Value(
        name=name, shape=ir.Shape(values.shape), type=ir.TensorType(ir.DataType.from_numpy(values.dtype)),
        const_value=ir.Tensor(values, name=name),
    )
    model.graph.register_initializer(value)
    return value


def replace(model: ir.Model, node: ir.Node, by: list[ir.Node]) -> None:
    """Puts nodes in the place of one; the last gives its output."""
    graph, old, new = model.graph, node.outputs[0], by[-1].outputs[0]
    weight = node.inputs[1]
    graph.insert_before(node, by)
    ir.convenience.replace_all_uses_with(old, new, replace_graph_outputs=True)
    name = old.name
    graph.remove(node, safe=True)
    new.name, new.type, new.shape = name, old.type, old.shape
    if not weight.uses():
        del graph.initializers[weight.name]
