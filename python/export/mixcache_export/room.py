"""Whether disk and memory suffice, asked before an export begins."""

import shutil
from pathlib import Path

from mixcache_models.program import ModelError

#: Copies of the largest unit's float32 weights that are alive at once: PyTorch's, the graph's, ONNX Runtime's.
COPIES = 3
#: Besides the weights: libraries, graphs, activations of the small sizes that are checked.
BASE_BYTES = 1 << 30
GB = 1e9


def check_disk(parent: Path, needed: int) -> None:
    """@throws ModelError where the file system of the output has too little room."""
    while not parent.exists():
        parent = parent.parent
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise ModelError(
            f"The bundle needs {needed / GB:.1f} GB, but {parent} has {free / GB:.1f} GB free. Free some, or give "
            "another --output."
        )


def check_memory(largest: int, what: str) -> None:
    """@throws ModelError where the largest unit will not fit."""
    needed, free = COPIES * largest + BASE_BYTES, available_memory()
    if free is not None and free < needed:
        raise ModelError(
            f"Exporting {what} needs about {needed / GB:.1f} GB of memory, but {free / GB:.1f} GB are available. More "
            "--cuts make smaller segments."
        )


def available_memory() -> int | None:
    """The least of what the machine and this process's control group have left; None where neither says."""
    found = [size for size in (machine_memory(), group_memory()) if size is not None]
    return min(found, default=None)


def machine_memory(path: Path = Path("/proc/meminfo")) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def group_memory(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    for most, used in (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")):
        try:
            return int((root / most).read_text()) - int((root / used).read_text())
        except (OSError, ValueError):
            continue
    return None
