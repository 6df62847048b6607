"""The machine's own peak: the best of some large matrix products, FLOP/s. Prints JSON."""

import json
import sys
import time

import torch


def matmul_peak(device: torch.device, size: int, dtype: torch.dtype, seconds: float = 2.0) -> float:
    """FLOP/s of the best product; two per multiply-accumulate."""
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    out, best, until = torch.empty_like(a), 0.0, time.perf_counter() + seconds

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    while time.perf_counter() < until:
        wait()
        started = time.perf_counter()
        for _ in range(10):
            torch.mm(a, b, out=out)
        wait()
        best = max(best, 10 * 2 * size**3 / (time.perf_counter() - started))
    return best


def main() -> None:
    device = torch.device(sys.argv[1])
    cuda = device.type == "cuda"
    dtype, size = (torch.bfloat16, 8192) if cuda else (torch.float32, 512)
    name = torch.cuda.get_device_name(device) if cuda else device.type
    memory = torch.cuda.get_device_properties(device).total_memory if cuda else 0
    print(json.dumps({
        "device": name, "memory_bytes": memory, "torch": torch.__version__, "cuda": torch.version.cuda,
        "dtype": str(dtype).removeprefix("torch."), "size": size, "flops": matmul_peak(device, size, dtype),
    }))


if __name__ == "__main__":
    main()
