"""Graphs and their weights on disk: the graphs of a unit share one file, in which no tensor lies twice."""

import hashlib
from pathlib import Path

import numpy as np
import onnx_ir as ir

#: Smaller tensors, such as shapes, stay inside the graph.
INSIDE_BYTES = 256
#: Tensors begin at multiples of 64 bytes, large ones at multiples of a page.
ALIGNMENT, PAGE, LARGE_BYTES = 64, 4096, 1 << 16


class WeightsFile:
    """Appends tensors to `<folder>/<name>`; the file exists from the first tensor on."""

    def __init__(self, folder: Path, name: str):
        self.path, self.places = folder / name, {}
        self.path.unlink(missing_ok=True)
        self.length = 0

    def add(self, values: np.ndarray) -> tuple[int, int]:
        """Offset and length of a tensor's bytes, written where they are not in the file yet."""
        data = np.ascontiguousarray(values).view(np.uint8).reshape(-1).data
        digest = hashlib.sha256(data).digest()
        if digest not in self.places:
            step = PAGE if data.nbytes >= LARGE_BYTES else ALIGNMENT
            start = -(-self.length // step) * step
            with self.path.open("ab") as stream:
                stream.write(b"\0" * (start - self.length))
                stream.write(data)
            self.places[digest], self.length = (start, data.nbytes), start + data.nbytes
        return self.places[digest]


def write_graph(model: ir.Model, path: Path, weights: WeightsFile) -> None:
    """Writes the graph with its larger tensors in `weights`; the same tensors give the same bytes."""
    for value in model.graph.initializers.values():
        tensor = value.const_value
        if tensor is None or tensor.nbytes < INSIDE_BYTES:
            continue
        offset, length = weights.add(tensor.numpy())
        value.const_value = ir.ExternalTensor(
            weights.path.name, offset, length, tensor.dtype, shape=tensor.shape, name=value.name, base_dir=path.parent
        )
    path.write_bytes(ir.serde.serialize_model(model).SerializeToString(deterministic=True))
