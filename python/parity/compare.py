"""Compares a fixture that was made anew with the one that is committed.

    python python/parity/compare.py <committed folder or file> <rebuilt folder or file>

On the machine kind that made a fixture the bytes are the same. On another processor the last bits of PyTorch's
kernels differ, and digests with them; then every number must be within a tolerance and everything else the same.
Prints a JSON object {identical, files, differences: [{file, what, largest, tolerance}], failures: [sentence]}.
"""

import base64
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import external_data_helper, numpy_helper

#: Of the largest value of a tensor, or of 1 where that is more.
GOLDEN_TOLERANCE = 1e-4
#: Sines and cosines of products of up to 6,000, of which float32 tells neighbours apart by 4.9e-4.
FEATURES_TOLERANCE = 1e-3
#: Of the largest weight of a tensor: seeded noise has other last bits on another processor.
WEIGHT_TOLERANCE = {"float32": 1e-6, "float16": 1e-3, "bfloat16": 1e-2}
#: Quantised weights may round to the neighbour.
QUANTISED_TOLERANCE = 1
NUMBER_TOLERANCE = 1e-6
#: JSON keys whose strings are the base64 of little-endian float32, and what 50 steps may make of a last bit.
FLOATS, FLOATS_TOLERANCE = {"latents"}, 1e-5
#: JSON keys whose values follow from bytes elsewhere, or tell who made the fixture.
DERIVED = {"sha256", "bundle_digest", "digest", "weights_digest", "reference", "versions", "cpu_capability"}


@dataclass(frozen=True)
class Difference:
    """Numbers of one file that are not the same bits."""

    file: str
    what: str
    largest: float
    tolerance: float


class Mismatch(Exception):
    """Two files say different things; the message is a sentence."""


def compare_json(path: str, mine, other) -> Iterator[tuple[str, float, float]]:
    """Yields what differs in numbers, by how much of its size, and its tolerance. Raises `Mismatch` for the rest."""
    if isinstance(mine, dict) and isinstance(other, dict):
        if mine.keys() != other.keys():
            raise Mismatch(f"{path or 'it'} has the keys {sorted(mine)}, rebuilt {sorted(other)}")
        for key, value in mine.items():
            there = f"{path}.{key}".lstrip(".")
            if key in FLOATS and isinstance(value, str) and isinstance(other[key], str):
                yield from compare_floats(there, value, other[key])
            elif key not in DERIVED:
                yield from compare_json(there, value, other[key])
    elif isinstance(mine, list) and isinstance(other, list):
        if len(mine) != len(other):
            raise Mismatch(f"{path} has {len(mine)} entries, rebuilt {len(other)}")
        for i, (a, b) in enumerate(zip(mine, other)):
            yield from compare_json(f"{path}[{i}]", a, b)
    elif isinstance(mine, float) and isinstance(other, int | float):
        if mine != other:
            yield path, abs(mine - other) / max(1.0, abs(mine)), NUMBER_TOLERANCE
    elif mine != other:
        raise Mismatch(f"{path} is {mine!r}, rebuilt {other!r}")


def compare_floats(path: str, mine: str, other: str) -> Iterator[tuple[str, float, float]]:
    """Yields how far two arrays in base64 differ, if they do, and the tolerance. Raises `Mismatch` for other lengths."""
    if mine == other:
        return
    try:
        arrays = (np.frombuffer(base64.b64decode(text), "<f4") for text in (mine, other))
        yield path, distance(*arrays), FLOATS_TOLERANCE
    except Mismatch as mismatch:
        raise Mismatch(f"{path} {mismatch}") from None


def distance(mine: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, of the largest value or of 1; infinity where one of them is not a number."""
    if mine.shape != other.shape:
        raise Mismatch(f"has the shape {list(mine.shape)}, rebuilt {list(other.shape)}")
    if mine.size == 0:
        return 0.0
    a, b = mine.astype(np.float64), other.astype(np.float64)
    found = float(np.max(np.abs(a - b)) / max(1.0, float(np.max(np.abs(a)))))
    return found if math.isfinite(found) else math.inf


def golden_tensors(folder: Path) -> dict[str, np.ndarray]:
    """The tensors of `golden.bin`, by the table in `golden.json`."""
    table, data = json.loads((folder / "golden.json").read_text())["tensors"], (folder / "golden.bin").read_bytes()
    return {
        name: np.frombuffer(data, "<f4", math.prod(entry["dims"]), entry["offset"]).reshape(entry["dims"])
        for name, entry in table.items()
    }


def graph(path: Path) -> tuple[onnx.ModelProto, dict[str, onnx.TensorProto]]:
    """A graph without its weights, and the weights."""
    model = onnx.load(path, load_external_data=False)
    external_data_helper.load_external_data_for_model(model, str(path.parent))
    weights = {tensor.name: onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in model.graph.initializer}
    del model.graph.initializer[:]
    return model, weights


def compare_graph(mine: Path, other: Path) -> Iterator[tuple[str, float, float]]:
    """Yields each weight that differs, by how much, and its tolerance."""
    (model, weights), (model_2, weights_2) = graph(mine), graph(other)
    if model.SerializeToString(deterministic=True) != model_2.SerializeToString(deterministic=True):
        raise Mismatch("has other nodes than the rebuilt graph")
    if weights.keys() != weights_2.keys():
        raise Mismatch(f"has other weights than the rebuilt graph: {sorted(weights.keys() ^ weights_2.keys())}")
    for name, tensor in weights.items():
        a, b = numpy_helper.to_array(tensor), numpy_helper.to_array(weights_2[name])
        if a.dtype != b.dtype:
            raise Mismatch(f"has {name} as {a.dtype}, rebuilt {b.dtype}")
        if a.tobytes() == b.tobytes() and a.shape == b.shape:
            continue
        quantised = a.dtype.kind in "iu" and a.dtype.itemsize == 1
        tolerance = QUANTISED_TOLERANCE / 128 if quantised else WEIGHT_TOLERANCE.get(a.dtype.name, 0.0)
        scale = 128 if quantised else max(float(np.max(np.abs(a.astype(np.float64)))), 1e-30)
        yield name, distance(a / scale, b / scale), tolerance


def same_bytes(mine: Path, other: Path) -> bool:
    return mine.stat().st_size == other.stat().st_size and mine.read_bytes() == other.read_bytes()


def compare_file(mine: Path, other: Path, name: str) -> Iterator[Difference]:
    """What differs in two files of one name. Raises `Mismatch`."""
    if mine.suffix == ".data":
        return  # Its graph says what lies in it.
    if mine.suffix == ".onnx":
        for what, largest, tolerance in compare_graph(mine, other):
            yield Difference(name, what, largest, tolerance)
    elif same_bytes(mine, other):
        return
    elif mine.name == "golden.bin":
        theirs = golden_tensors(other.parent)
        for what, tensor in golden_tensors(mine.parent).items():
            if what not in theirs:
                raise Mismatch(f"has a tensor {what}, the rebuilt file has none")
            tolerance = FEATURES_TOLERANCE if what.endswith("_features") else GOLDEN_TOLERANCE
            yield Difference(name, what, distance(tensor, theirs[what]), tolerance)
    elif mine.suffix == ".json":
        told = json.loads(mine.read_text()), json.loads(other.read_text())
        for what, largest, tolerance in compare_json("", *told):
            yield Difference(name, what, largest, tolerance)
    else:
        raise Mismatch("differs from the rebuilt file")


def files(root: Path) -> dict[str, Path]:
    """Every file by its name from the root; a file is its own root. Names that start with a dot are somebody's rest."""
    if root.is_file():
        return {root.name: root}
    return {
        path.relative_to(root).as_posix(): path
        for path in sorted(root.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    }


def compare(committed: Path, rebuilt: Path) -> dict:
    mine, other = files(committed), files(rebuilt)
    if committed.is_file() and rebuilt.is_file():
        other = {committed.name: rebuilt}
    failures = [f"{name} is committed, but was not rebuilt." for name in sorted(mine.keys() - other.keys())]
    failures += [f"{name} was rebuilt, but is not committed." for name in sorted(other.keys() - mine.keys())]
    shared = sorted(mine.keys() & other.keys())
    identical = not failures and all(same_bytes(mine[name], other[name]) for name in shared)
    differences: list[Difference] = []
    for name in [] if identical else shared:
        try:
            differences += [found for found in compare_file(mine[name], other[name], name) if found.largest != 0]
        except Mismatch as mismatch:
            failures.append(f"{name}: {mismatch}.")
    failures += [
        f"{found.file}: {found.what} differs by {found.largest:.1e}, allowed are {found.tolerance:.0e}."
        for found in differences
        if not found.largest <= found.tolerance
    ]
    return {
        "identical": identical, "files": len(mine), "differences": [asdict(found) for found in differences],
        "failures": failures,
    }


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    committed, rebuilt = map(Path, sys.argv[1:])
    for path in (committed, rebuilt):
        if not path.exists():
            raise SystemExit(f"{path} does not exist.")
    print(json.dumps(compare(committed, rebuilt)))


if __name__ == "__main__":
    main()
