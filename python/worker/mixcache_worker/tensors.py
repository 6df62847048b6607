"""The worker's tensors by number, what crosses to the engine, and the arithmetic on them."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .place import Place

#: What the engine calls a dtype: bfloat16 does not exist there, so it is read as float32.
NAMES = {torch.float32: "float32", torch.bfloat16: "float32", torch.float16: "float16", torch.int64: "int64"}
DTYPES = {"float32": torch.float32, "float16": torch.float16, "int64": torch.int64}
#: Elements that are widened to float32 at a time.
CHUNK = 2**24


class TensorTable:
    """Numbers are never used twice, so that a number that was freed is never another tensor."""

    def __init__(self, place: Place):
        self._place = place
        self._tensors: dict[int, Tensor] = {}
        self._next = 1

    def __len__(self) -> int:
        return len(self._tensors)

    @property
    def bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self._tensors.values())

    def get(self, number: int) -> Tensor:
        if number not in self._tensors:
            raise KeyError(f"There is no tensor {number}.")
        return self._tensors[number]

    def free(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._tensors.pop(number, None)

    def keep(self, made: Mapping[str, Tensor]) -> dict[str, dict]:
        """Numbers for tensors, as the engine is told of them."""
        state = {}
        for name, tensor in made.items():
            if tensor.dtype not in NAMES:
                raise TypeError(f"{name} is {tensor.dtype}, which the engine does not know.")
            # A view would keep all of a larger tensor alive.
            whole = tensor.untyped_storage().nbytes() == tensor.nbytes
            kept = tensor.detach() if whole else tensor.detach().clone()
            number, self._next = self._next, self._next + 1
            self._tensors[number] = kept
            state[name] = {
                "id": number, "dtype": NAMES[kept.dtype], "dims": list(kept.shape), "bytes": kept.nbytes,
            }
        return state

    def upload(self, described: dict, payload: bytearray) -> Tensor:
        dtype, dims = DTYPES[described["dtype"]], described["dims"]
        host = torch.frombuffer(payload, dtype=dtype) if payload else torch.empty(0, dtype=dtype)
        return host.reshape(dims).to(self._place.device)


def readable(tensor: Tensor) -> tuple[dict, memoryview | bytes]:
    """A tensor as it crosses to the engine: description and bytes."""
    name = NAMES[tensor.dtype]
    host = tensor.to(DTYPES[name]).cpu().contiguous()
    described = {"dtype": name, "dims": list(host.shape)}
    return described, memoryview(host.numpy()).cast("B") if host.numel() else b""


def combine(coefficients: Sequence[float], tensors: Sequence[Tensor]) -> Tensor:
    """The sum of coefficients[i] * tensors[i], in float32 and rounded once to the first one's dtype."""
    first = tensors[0]
    for tensor in tensors:
        if tensor.shape != first.shape or not tensor.is_floating_point():
            raise ValueError(f"{list(tensor.shape)} {tensor.dtype} can't be combined with {list(first.shape)}.")
    total = first.float() * coefficients[0]
    for coefficient, tensor in zip(coefficients[1:], tensors[1:], strict=True):
        total.add_(tensor.float(), alpha=coefficient)
    return total.to(first.dtype)


def reduce(kind: str, a: Tensor, b: Tensor, wide: torch.dtype) -> float:
    """One number of two tensors of one shape (docs/segment-backend.md); waits for the device once, at the end.

    Elements are float32, sums `wide`; memory is that of a chunk.
    """
    if a.shape != b.shape:
        raise ValueError(f"{list(a.shape)} and {list(b.shape)} are not of one shape.")
    width = a.shape[-1] if kind == "token_norm_ratio" and a.dim() else 1
    rows_a, rows_b = a.reshape(-1, width), b.reshape(-1, width)
    step = max(1, CHUNK // width)
    total = torch.zeros((), dtype=wide, device=a.device)
    reference = torch.zeros((), dtype=wide, device=a.device)
    for start in range(0, len(rows_a), step):
        x, y = rows_a[start : start + step].float(), rows_b[start : start + step].float()
        if kind == "token_norm_ratio":
            total += (x.norm(dim=-1) / y.norm(dim=-1)).sum(dtype=wide)
        elif kind == "dot":
            total += (x * y).sum(dtype=wide)
        elif kind == "l2":
            total += (x - y).square().sum(dtype=wide)
        elif kind in ("l1", "relative_l1"):
            total += (x - y).abs().sum(dtype=wide)
            reference += y.abs().sum(dtype=wide)
        else:
            raise ValueError(f"There is no reduction {kind}.")
    if kind == "l2":
        total = total.sqrt()
    elif kind == "relative_l1":
        total = total / reference
    elif kind in ("l1", "token_norm_ratio"):
        total = total / len(rows_a)
    return total.item()
