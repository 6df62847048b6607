"""A model's programs on a device: loaded when they are asked for, unloaded when a denoiser is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain

import torch
from mixcache_models.empty import state_of
from mixcache_models.folder import Folder
from mixcache_models.program import EXAMPLE, Model, Program, outputs_of
from torch import Tensor, nn

from .place import Place


class LoadedProgram:
    """An adapter with the names of its inputs."""

    def __init__(self, program: Program, adapter: nn.Module, compiled: bool):
        self.outputs = program.outputs
        self.inputs = tuple(program.example(EXAMPLE, torch.Generator().manual_seed(0)))
        self.adapter = adapter
        self._forward = torch.compile(adapter) if compiled else adapter

    def __call__(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        lacking = [name for name in self.inputs if name not in inputs]
        if lacking:
            raise KeyError(f"needs {', '.join(lacking)}, which is not bound")
        made = outputs_of(self._forward(*(inputs[name] for name in self.inputs)))
        return dict(zip(self.outputs, made, strict=True))


class Programs:
    """Programs of one component share its weights: each tensor is in memory once."""

    def __init__(self, folder: Folder, model: Model, place: Place, compiled: bool, offload: bool):
        self._folder, self._place, self._compiled = folder, place, compiled
        self._known = {program.name: program for program in model.programs}
        self._loaded: dict[str, LoadedProgram] = {}
        self._offload = offload and place.device.type != "cpu"

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def load(self, name: str) -> LoadedProgram:
        if name not in self._known:
            raise KeyError(f"There is no program {name}.")
        if name not in self._loaded:
            program = self._known[name]
            adapter = program.build(self._component(program)).eval().requires_grad_(False)
            if self._offload:
                pin(adapter, self._place.device)
            else:
                # Tables that the adapter made itself; the weights are there already, or not needed and on meta.
                for tensor in tensors_of(adapter):
                    tensor.data = tensor.data.to(self._place.device)
            self._loaded[name] = LoadedProgram(program, adapter, self._compiled)
        return self._loaded[name]

    def run(self, name: str, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        loaded = self.load(name)
        if not self._offload:
            return loaded(inputs)
        with resident(loaded.adapter, lambda host: host.to(self._place.device, non_blocking=True)):
            return loaded(inputs)

    def unload(self, names: Sequence[str]) -> None:
        """Drops these programs, and the weights of components that no other loaded program uses."""
        components = {self._known[name].component for name in names if name in self._known}
        for name in names:
            self._loaded.pop(name, None)
        used = {self._known[name].component for name in self._loaded}
        for component in components - used:
            self._folder.release(component)
        self._place.clear()

    def _component(self, program: Program) -> nn.Module:
        """The component with the program's weights; those that are there already are not read again."""
        component = self._folder.component(program.component)
        state = state_of(component)
        lacking = [name for name in self._folder.wanted(program.component, program.weights) if state[name].is_meta]
        if not lacking:
            return component
        # Decoders are told apart from noise by fine differences: half precision shows in their frames.
        dtype = torch.float32 if program.component.startswith("vae") else self._place.dtype
        device = "cpu" if self._offload else self._place.device
        return self._folder.load(program.component, lacking, dtype, device)


def tensors_of(module: nn.Module) -> Iterator[Tensor]:
    """Those with values: an adapter may hold a part of the component that it does not use."""
    return (tensor for tensor in chain(module.parameters(), module.buffers()) if not tensor.is_meta)


def pin(module: nn.Module, device: torch.device) -> None:
    """Page-locked memory is copied to a GPU at the full speed of the bus, beside its work."""
    if device.type == "cuda":
        for tensor in tensors_of(module):
            if not tensor.is_pinned():
                tensor.data = tensor.data.pin_memory()


@contextmanager
def resident(module: nn.Module, move: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Moved weights while the module is used. They do not change, so nothing is moved back."""
    hosts = [(tensor, tensor.data) for tensor in tensors_of(module)]
    try:
        for tensor, host in hosts:
            tensor.data = move(host)
        yield
    finally:
        for tensor, host in hosts:
            tensor.data = host
