"""Where programs run: the device, its dtype, its attention kernels, its clock and its memory."""

import time
from contextlib import ExitStack
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


class PlaceError(Exception):
    """A device or dtype that can't be used, as a sentence."""


class Place:
    def __init__(self, device: str | None, dtype: str | None):
        """@throws PlaceError where this torch or this machine does not have the device."""
        self.device = choose_device(device)
        name = dtype or ("float32" if self.device.type == "cpu" else "bfloat16")
        self.dtype = DTYPES[name]
        self.dtype_name = name
        self.attention = attention_kernels(self.device)

    @property
    def device_name(self) -> str:
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return self.device.type

    @property
    def queued(self) -> int:
        """Programs that may wait on the device behind the one that runs; without a queue of its own there is none."""
        return 1 if self.device.type == "cuda" else 0

    @property
    def wide(self) -> torch.dtype:
        """For sums of many numbers."""
        return torch.float32 if self.device.type == "mps" else torch.float64

    def memory(self) -> dict[str, int]:
        if self.device.type != "cuda":
            return {"device_bytes": 0, "device_peak_bytes": 0}
        return {
            "device_bytes": torch.cuda.memory_allocated(self.device),
            "device_peak_bytes": torch.cuda.max_memory_allocated(self.device),
        }

    def clear(self) -> None:
        """Gives back what the allocator keeps."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def stopwatch(self) -> "Stopwatch":
        return Stopwatch(self.device)


class Stopwatch:
    """The time between two points of the device's queue; the device is not waited for until `milliseconds`."""

    def __init__(self, device: torch.device):
        self._events = None
        if device.type == "cuda":
            with torch.cuda.device(device):
                self._events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
                self._events[0].record()
        self._device = device
        self._started = time.perf_counter()
        self._duration = 0.0

    def stop(self) -> "Stopwatch":
        if self._events:
            with torch.cuda.device(self._device):
                self._events[1].record()
        else:
            if self._device.type == "mps":
                torch.mps.synchronize()
            self._duration = (time.perf_counter() - self._started) * 1000
        return self

    def milliseconds(self) -> float:
        """Waits until the device is there; what failed on the device before shows here."""
        if self._events:
            self._events[1].synchronize()
            return self._events[0].elapsed_time(self._events[1])
        return self._duration


def choose_device(wanted: str | None) -> torch.device:
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(wanted or best)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PlaceError(
            f"This torch ({torch.__version__}) can't use the device {wanted}: {reason}. Set TORCH_DEVICE to another one, "
            f"such as {best}."
        ) from None
    return device


#: Entered once for the life of the process.
_KERNELS = ExitStack()


def attention_kernels(device: torch.device) -> list[str]:
    """The kernels that torch may use for attention, the preferred first; it takes the first that can do a call.

    From Hopper on cuDNN's kernel comes before torch's own flash attention, which is made for older chips.
    """
    if device.type != "cuda":
        return ["flash", "math"] if device.type == "cpu" else ["math"]
    order = [SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    if torch.cuda.get_device_capability(device) >= (9, 0):
        order[0], order[1] = order[1], order[0]
    _KERNELS.enter_context(sdpa_kernel(order, set_priority=True))
    return [kernel.name.removesuffix("_ATTENTION").lower() for kernel in order]


def resident_bytes() -> int:
    """Memory of this process that is in RAM; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * 4096
