"""What is exported at once: programs that share their weights, in all flavours."""

import math
from dataclasses import dataclass

import torch
from mixcache_models.chain import program_of
from mixcache_models.folder import Folder
from mixcache_models.program import Model, Program

from .flavours import Flavour

#: Bytes of one parameter in a file; with 8-bit weights a scale for every 32 of them included.
PLAIN_BYTES = {torch.float32: 4, torch.float16: 2}
QUANTISED_BYTES = {"weight_only": 1.125, "dynamic": 1}


@dataclass(frozen=True)
class Unit:
    """The first program has all the weights."""

    programs: tuple[Program, ...]
    #: The plain flavour and the variants that the unit's kind of graphs has.
    flavours: tuple[Flavour, ...]
    parameters: int

    @property
    def name(self) -> str:
        return self.programs[0].name

    @property
    def file_bytes(self) -> int:
        """About what its weights files will hold."""
        sizes = {flavour.weights: bytes_of(flavour) for flavour in self.flavours}
        return int(sum(size * self.parameters for size in sizes.values()))


def units(model: Model, folder: Folder, manifest: dict, flavours: list[Flavour]) -> list[Unit]:
    """In the order of use. Variants are of the denoisers' graphs; the text encoders have those with 8-bit weights.

    Text encoders overflow in half precision (T5's do), and decoders run once and are kept as they are.
    """
    texts = {program_of(encoder["graph"]) for encoder in manifest["text_encoders"]}
    decoders = {program_of(part["graph"]) for name in ("first", "next") if (part := manifest["decoder"].get(name))}
    grouped: dict[str, list[Program]] = {}
    for program in model.programs:
        grouped.setdefault(program.part_of or program.name, []).append(program)
    found = []
    for name, programs in grouped.items():
        if name in decoders:
            chosen = [plain(flavours)]
        elif name in texts:
            chosen = [plain(flavours), *(f for f in flavours[1:] if f.quantised == "weight_only")]
        else:
            chosen = flavours
        first = programs[0]
        stored = folder.wanted(first.component, first.weights).values()
        parameters = sum(math.prod(entry.shape) for entry in stored)
        found.append(Unit(tuple(programs), tuple(chosen), parameters))
    return found


def plain(flavours: list[Flavour]) -> Flavour:
    """The plain form in float32, whatever the denoisers' plain form is."""
    return Flavour("", "float32", flavours[0].attention)


def bytes_of(flavour: Flavour) -> float:
    """Of one parameter."""
    return PLAIN_BYTES[flavour.dtype] if flavour.quantised is None else QUANTISED_BYTES[flavour.quantised]
