"""Modules without weights: parameters on the meta device, put in and taken out by name."""

from collections.abc import Sequence
from pathlib import Path

import accelerate
import transformers
from torch import Tensor, nn

from .program import ModelError


def build_empty(kind: type, folder: Path) -> nn.Module:
    """A component from its config: parameters on meta, buffers that no file holds computed."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder / 'config.json'} is missing. Download the folder again.")
    with accelerate.init_empty_weights(include_buffers=False):
        if issubclass(kind, transformers.PreTrainedModel):
            module = kind(kind.config_class.from_pretrained(folder))
        else:
            module = kind.from_config(kind.load_config(folder))
    if isinstance(module, transformers.PreTrainedModel):
        # Under accelerate every assignment makes a new parameter, which unties what is tied.
        module.tie_weights()
    return module.requires_grad_(False).eval()


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers by name, as they are."""
    return module.state_dict(keep_vars=True)


def aliases_of(module: nn.Module) -> dict[str, list[str]]:
    """Each name of the state, with all names of the same tensor, itself among them."""
    state, by_tensor = state_of(module), {}
    for name, tensor in state.items():
        by_tensor.setdefault(id(tensor), []).append(name)
    return {name: by_tensor[id(tensor)] for name, tensor in state.items()}


def put(module: nn.Module, names: Sequence[str], value: Tensor) -> None:
    """One tensor under all its names."""
    shared = nn.Parameter(value, requires_grad=False)
    for name in names:
        parent, _, leaf = name.rpartition(".")
        owner = module.get_submodule(parent)
        if leaf in owner._parameters:
            owner._parameters[leaf] = shared
        else:
            owner._buffers[leaf] = value
