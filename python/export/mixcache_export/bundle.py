"""What a bundle's manifest says of its files."""

import hashlib
import json
from pathlib import Path

import onnx


def files(folder: Path) -> dict[str, dict]:
    """Every file with its size and digest; a graph also with the weights it refers to."""
    entries: dict[str, dict] = {}
    for path in sorted(folder.iterdir()):
        if path.name == "model.json":
            continue
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        entries[path.name] = {"bytes": path.stat().st_size, "sha256": digest}
        if path.suffix == ".onnx":
            tensors = onnx.load(path, load_external_data=False).graph.initializer
            places = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
            entries[path.name]["weights"] = sorted(places)
    return entries


def write_manifest(folder: Path, manifest: dict) -> None:
    (folder / "model.json").write_text(json.dumps(manifest | {"files": files(folder)}, indent=1) + "\n")
