"""The contract between the models and what runs them: a model is a list of programs and a manifest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn


class ModelError(Exception):
    """What is wrong with a folder or a request, as a sentence for the person who asked."""


@dataclass(frozen=True)
class Size:
    """Of the latents."""

    frames: int
    rows: int
    columns: int

    def tokens(self, patch: Sequence[int]) -> int:
        """DiT tokens of latents of this size; `patch` is frames, rows and columns of latents per token."""
        return (self.frames // patch[0]) * (self.rows // patch[1]) * (self.columns // patch[2])


#: Sizes that no program may confuse: export traces the first, checks run the others (one not square, one odd).
EXAMPLE = Size(3, 4, 6)
CHECKED = (Size(5, 2, 8), Size(2, 6, 4))


@dataclass(frozen=True)
class Program:
    """One piece of a model that runs by itself: a graph of the bundle, a call of the torch worker.

    An adapter takes and gives tensors only, batch 1. Latents, rotary tables, time features and streams are float32
    at its borders; matrix products run in the weights' dtype.
    """

    #: "front", "blocks_0_4": its graph is `<name>.onnx`.
    name: str
    #: The folder of diffusers that holds its weights: "transformer", "text_encoder", "vae".
    component: str
    #: Prefixes of the parameter and buffer names that it reads; ("",) is all.
    weights: tuple[str, ...]
    #: From the component, with those weights loaded and the rest on meta, to the adapter.
    build: Callable[[nn.Module], nn.Module]
    #: The same by diffusers' own code: component and inputs to outputs, in the order of `outputs`.
    reference: Callable[[nn.Module, dict[str, Tensor]], tuple[Tensor, ...]]
    outputs: tuple[str, ...]
    #: Random inputs at a size, in the order of the adapter's forward.
    example: Callable[[Size, torch.Generator], dict[str, Tensor]]
    #: The varying axes of inputs, with their torch.export dims.
    dynamic: dict[str, dict[int, object]]
    #: The program whose weights it shares, where it is a part of that one in a finer partition.
    part_of: str | None = None


@dataclass(frozen=True)
class Options:
    """How a model is cut into programs."""

    #: Numbers of blocks at which segments end, such as (0, 4, 26, 30); None: one segment of all blocks.
    cuts: tuple[int, ...] | None = None
    #: Tokens of the text where the model pads to a fixed number; None: the model's own.
    text_tokens: int | None = None
    #: Also the finer partition into attention and feed-forward modules.
    modules: bool = False
    #: Size and stride of a decoder's tiles in frames, rows and columns of video; None: the model's own.
    tiles: tuple[tuple[int, int], tuple[int, int], tuple[int, int]] | None = None


@dataclass(frozen=True)
class About:
    """What a person says of a bundle; None where the model's own is meant."""

    id: str
    title: str
    license: str | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    fps: float | None = None


class Model(Protocol):
    """A folder's model, cut into programs."""

    family: str
    #: In the order of use: text encoders, prompt graphs, segments, decoder.
    programs: Sequence[Program]
    #: Files of the bundle that are tokenizers, each with its folder in the diffusers folder.
    tokenizers: dict[str, str]

    def manifest(self, about: About) -> dict:
        """`model.json` without files and variants (docs/bundle-format.md)."""
        ...


def outputs_of(result: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    """What an adapter gave, as a tuple."""
    return (result,) if isinstance(result, Tensor) else tuple(result)


def parse_cuts(cuts: tuple[int, ...] | None, layers: int) -> tuple[int, ...]:
    """@throws ModelError where they do not grow from 0 to the number of layers."""
    cuts = (0, layers) if cuts is None else tuple(cuts)
    if not cuts or cuts[0] != 0 or cuts[-1] != layers or list(cuts) != sorted(set(cuts)):
        raise ModelError(f"The cuts must be growing numbers of blocks from 0 to {layers}, such as 0,1,{layers}.")
    return cuts


def ranges(cuts: Sequence[int]) -> list[tuple[str, int, int]]:
    """Name and blocks of each segment with blocks: cuts (0, 4, 26, 30) are three of them."""
    return [(f"blocks_{a}_{b}", a, b) for a, b in zip(cuts, cuts[1:])]
