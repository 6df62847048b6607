"""A diffusers folder: its configs are read at once, its weights when a program asks for them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import diffusers
import torch
import transformers
from safetensors import safe_open
from torch import nn

from .empty import aliases_of, build_empty, put, state_of
from .program import ModelError
from .stored import Stored, match_names, stored_tensors

LIBRARIES = {"diffusers": diffusers, "transformers": transformers}


class Folder:
    """Components are built on the meta device; `load` fills in the weights with the given prefixes, `release` drops them."""

    def __init__(self, path: Path | str):
        """@throws ModelError where the folder is not one that diffusers' `save_pretrained` writes."""
        self.path = Path(path)
        index = self.path / "model_index.json"
        if not self.path.is_dir():
            raise ModelError(f"{self.path} is no folder. Give one that diffusers' save_pretrained wrote.")
        if not index.is_file():
            raise ModelError(f"{self.path} is not a diffusers folder: it has no model_index.json.")
        try:
            self.index: dict = json.loads(index.read_text())
            self.pipeline: str = self.index["_class_name"]
        except (ValueError, KeyError, TypeError):
            raise ModelError(f"{index} is damaged: it names no pipeline. Download the folder again.") from None
        self._components: dict[str, nn.Module] = {}
        self._stored: dict[str, dict[str, Stored]] = {}
        #: Holds tokenizers that had to be made; goes with this object.
        self._made: TemporaryDirectory | None = None

    def has(self, component: str) -> bool:
        entry = self.index.get(component)
        return isinstance(entry, list) and entry[0] is not None

    def class_of(self, component: str) -> type:
        """The component's class in diffusers or transformers."""
        if not self.has(component):
            raise ModelError(f"{self.path} has no {component}: it is not a whole {self.pipeline}.")
        library, name = self.index[component]
        found = getattr(LIBRARIES.get(library), name, None)
        if found is None:
            raise ModelError(f"The {component} of {self.path} is a {library} {name}, which this version does not know.")
        return found

    def component(self, name: str) -> nn.Module:
        """The component with its config, and its parameters on the meta device until `load`."""
        if name not in self._components:
            self._components[name] = build_empty(self.class_of(name), self.path / name)
        return self._components[name]

    def stored(self, name: str) -> dict[str, Stored]:
        """What the component's files hold, by the names of the component's parameters."""
        if name not in self._stored:
            self._stored[name] = match_names(self.component(name), stored_tensors(self.path / name), self.path / name)
        return self._stored[name]

    def load(self, name: str, weights: Sequence[str] = ("",), dtype: torch.dtype = torch.float32,
             device: torch.device | str = "cpu") -> nn.Module:
        """The component with the weights of these prefixes, in `dtype` but for those that its class keeps in float32."""
        module, aliases = self.component(name), aliases_of(self.component(name))
        by_file: dict[Path, dict[str, str]] = {}
        for parameter, entry in self.wanted(name, weights).items():
            by_file.setdefault(entry.file, {})[entry.name] = parameter
        for file, here in by_file.items():
            with safe_open(file, framework="pt") as tensors:
                for source, parameter in here.items():
                    value = tensors.get_tensor(source)
                    if value.is_floating_point():
                        value = value.to(kept_dtype(module, parameter, dtype))
                    put(module, aliases[parameter], value.to(device))
        return module

    def release(self, name: str, weights: Sequence[str] = ("",)) -> None:
        """Puts these weights back on the meta device."""
        module, aliases = self.component(name), aliases_of(self.component(name))
        state = state_of(module)
        for parameter in self.wanted(name, weights):
            put(module, aliases[parameter], torch.empty_like(state[parameter], device="meta"))

    def wanted(self, name: str, weights: Sequence[str]) -> dict[str, Stored]:
        """The parameters whose names begin with one of the prefixes, and where they are stored."""
        if not weights:
            return {}
        chosen = {key: entry for key, entry in self.stored(name).items() if key.startswith(tuple(weights))}
        if not chosen:
            raise ModelError(f"No weight of {self.path / name} begins with {' or '.join(weights)}.")
        return chosen

    @contextmanager
    def loaded(self, name: str, weights: Sequence[str] = ("",), dtype: torch.dtype = torch.float32) -> Iterator[nn.Module]:
        """The component with these weights, which are dropped afterwards."""
        try:
            yield self.load(name, weights, dtype)
        finally:
            self.release(name, weights)

    def scheduler(self) -> diffusers.SchedulerMixin:
        return self.class_of("scheduler").from_pretrained(self.path / "scheduler")

    def tokenizer_file(self, component: str = "tokenizer") -> Path:
        """The `tokenizer.json` of a tokenizer's folder, or one made of the older files that the folder has instead.

        @throws ModelError where there is neither.
        """
        path = self.path / component / "tokenizer.json"
        return path if path.is_file() else self._made_tokenizer(component)

    def _made_tokenizer(self, component: str) -> Path:
        self._made = self._made or TemporaryDirectory(prefix="mixcache-tokenizers-")
        made, kind, source = Path(self._made.name) / f"{component}.json", self.class_of(component), self.path / component
        try:
            # Of no file at all transformers would make a tokenizer without words.
            if not any((source / name).is_file() for name in kind.vocab_files_names.values()):
                raise FileNotFoundError(source)
            kind.from_pretrained(source).backend_tokenizer.save(str(made))
        except Exception as error:
            # transformers raises many kinds here, for missing files as for broken ones.
            raise ModelError(
                f"{source / 'tokenizer.json'} is missing, and transformers can't make one of what is there. Load the "
                "tokenizer with transformers' AutoTokenizer and save it: that writes one."
            ) from error
        return made


def kept_dtype(module: nn.Module, parameter: str, dtype: torch.dtype) -> torch.dtype:
    """Half precision but for the parts that diffusers and transformers keep in float32."""
    if dtype not in (torch.float16, torch.bfloat16):
        return dtype
    kept = getattr(module, "_keep_in_fp32_modules", None) or ()
    return torch.float32 if any(part in kept for part in parameter.split(".")) else dtype
