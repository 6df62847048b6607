"""What a bundle's manifest says of its files and variants."""

from pathlib import Path

import onnx

from .flavours import Flavour
from .units import Unit


def graph_file(program: str, flavour: Flavour) -> str:
    return f"{program}{flavour.suffix}.onnx"


def files(folder: Path, described: dict[str, dict]) -> dict[str, dict]:
    """Every file with its size and digest; a graph also with the weights it refers to."""
    entries: dict[str, dict] = {}
    for name, entry in described.items():
        entries[name] = dict(entry)
        if name.endswith(".onnx"):
            tensors = onnx.load(folder / name, load_external_data=False).graph.initializer
            places = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
            if places:
                entries[name]["weights"] = sorted(places)
    return entries


def variants(flavours: list[Flavour], units: list[Unit]) -> list[dict]:
    """Each with the graphs that it replaces."""
    found = []
    for flavour in flavours[1:]:
        replaces = {
            f"{program.name}.onnx": graph_file(program.name, flavour)
            for unit in units if flavour in unit.flavours for program in unit.programs
        }
        found.append({"id": flavour.id, "description": flavour.description, "replaces": replaces})
    return found
