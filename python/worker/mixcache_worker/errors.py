"""What went wrong, as the engine's stable codes and a sentence for a person."""

import re

import torch
from mixcache_models.program import ModelError

from .place import PlaceError

#: torch says that the host's memory is short in words only.
HOST_WORDS = re.compile(r"can(no|')t allocate memory|not enough memory|bad_alloc", re.IGNORECASE)


class WorkerError(Exception):
    """A failure whose code is known."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def host_is_short(error: BaseException) -> bool:
    """The process may be in any state after this."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(HOST_WORDS.search(str(error))))


def device_is_short(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError)


def describe(error: BaseException) -> tuple[str, str]:
    """The code and the sentence of anything that was thrown."""
    if isinstance(error, WorkerError):
        return error.code, str(error)
    if isinstance(error, ModelError):
        return "bundle_unsupported", str(error)
    if isinstance(error, PlaceError):
        return "engine_unavailable", str(error)
    if device_is_short(error):
        return "engine_out_of_memory", (
            "The device ran out of memory. Ask for a smaller or shorter video, or set TORCH_OFFLOAD=1."
        )
    if host_is_short(error):
        return "engine_out_of_memory", "The torch worker ran out of memory. Ask for a smaller or shorter video."
    text = (str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)).strip()
    first = text.splitlines()[0] if text else type(error).__name__
    return "engine_failed", f"The torch worker failed: {first}"
