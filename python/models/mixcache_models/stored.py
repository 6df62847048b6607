"""The weights of one component as they lie in safetensors files: names, shapes and places, checked before use.

Format: https://github.com/huggingface/safetensors (8 bytes length of the header, a JSON header, the data).
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from .empty import aliases_of, state_of
from .program import ModelError

#: The format's own limit of a header.
MOST_HEADER_BYTES = 100_000_000


@dataclass(frozen=True)
class Stored:
    """One tensor in a file, under the file's own name for it."""

    file: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    #: Of its first byte in the file.
    offset: int


def read_header(path: Path) -> dict[str, Stored]:
    """@throws ModelError where the file is missing, is not safetensors or ends too early."""
    if not path.is_file():
        raise ModelError(f"{path} is missing. Download the folder again, or copy the file from where it is whole.")
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else MOST_HEADER_BYTES + 1
        if length > min(MOST_HEADER_BYTES, size):
            raise ModelError(f"{path} is no safetensors file, or only a part of one. Download it again.")
        try:
            header = json.loads(stream.read(length))
        except ValueError:
            raise ModelError(f"{path} is no safetensors file, or only a part of one. Download it again.") from None
    header.pop("__metadata__", None)
    end = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if size != end:
        raise ModelError(f"{path} has {size:,} bytes instead of {end:,}: it was cut off. Download it again.")
    found: dict[str, Stored] = {}
    for name, entry in header.items():
        start, stop = entry["data_offsets"]
        found[name] = Stored(path, name, entry["dtype"], tuple(entry["shape"]), stop - start, 8 + length + start)
    return found


def stored_tensors(folder: Path) -> dict[str, Stored]:
    """All tensors of a component's folder: one file, or the shards that an index lists.

    @throws ModelError where a file or a listed tensor is missing.
    """
    indexes = sorted(folder.glob("*.safetensors.index.json"))
    if indexes:
        listed = json.loads(indexes[0].read_text())["weight_map"]
        found: dict[str, Stored] = {}
        for shard in sorted(set(listed.values())):
            found |= read_header(folder / shard)
        lacking = sorted(set(listed) - set(found))
        if lacking:
            raise ModelError(f"{indexes[0]} lists {lacking[0]}, which {listed[lacking[0]]} does not hold.")
        return found
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(
            f"{folder} has no weights: a .safetensors file or an index of shards is missing. Download the folder again."
        )
    return read_header(files[0])


def match_names(module: nn.Module, found: dict[str, Stored], folder: Path) -> dict[str, Stored]:
    """For each parameter and buffer of the module's state, the stored tensor that is its value.

    Tied parameters are stored once. Files of a model with a head name its body with a prefix, files of the body without.

    @throws ModelError where one is missing or has another shape.
    """
    prefix = getattr(module, "base_model_prefix", "") or "model"
    aliases, matched, lacking = aliases_of(module), {}, []
    for name, tensor in state_of(module).items():
        names = [spelt for alias in aliases[name] for spelt in spellings(alias, prefix)]
        entry = next((found[spelt] for spelt in names if spelt in found), None)
        if entry is None:
            lacking.append(name)
        elif entry.shape != tuple(tensor.shape):
            raise ModelError(
                f"{name} in {entry.file} is {list(entry.shape)}, but the config of {folder} asks for "
                f"{list(tensor.shape)}: config and weights are of different models."
            )
        else:
            matched[name] = entry
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise ModelError(f"The weights in {folder} lack {lacking[0]}{more}. Download the folder again.")
    return matched


def spellings(name: str, prefix: str) -> tuple[str, ...]:
    """What a file may call a parameter. transformers 4 held the layers of CLIP's text model one module deeper."""
    return name, f"{prefix}.{name}", name.removeprefix(f"{prefix}."), f"text_model.{name}"
