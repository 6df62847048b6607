"""Arithmetic on the torch worker's tensors."""

import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python/worker"), str(ROOT / "python/models")]

from mixcache_worker.place import Place  # noqa: E402
from mixcache_worker.tensors import TensorTable, combine, readable, reduce  # noqa: E402

CPU = Place("cpu", "float32")


class TestArithmetic:
    a, b = torch.randn(1, 70, 8, generator=torch.Generator().manual_seed(1)), torch.randn(
        1, 70, 8, generator=torch.Generator().manual_seed(2)
    )

    @pytest.mark.parametrize("chunk", [2**24, 24])
    def test_reductions_are_their_formulas_whatever_the_chunk(self, chunk: int, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("mixcache_worker.tensors.CHUNK", chunk)
        a, b = self.a.double(), self.b.double()
        wanted = {
            "l1": (a - b).abs().mean(), "relative_l1": (a - b).abs().mean() / b.abs().mean(),
            "l2": (a - b).square().sum().sqrt(), "dot": (a * b).sum(),
            "token_norm_ratio": (a.norm(dim=-1) / b.norm(dim=-1)).mean(),
        }
        for kind, value in wanted.items():
            assert reduce(kind, self.a, self.b, torch.float64) == pytest.approx(value.item(), rel=1e-6), kind

    def test_reductions_refuse_what_they_do_not_know(self):
        with pytest.raises(ValueError, match="not of one shape"):
            reduce("l1", self.a, self.b[:, 1:], torch.float64)
        with pytest.raises(ValueError, match="no reduction"):
            reduce("l3", self.a, self.b, torch.float64)

    def test_combinations_are_float32_inside_and_rounded_once(self):
        a, b = self.a.bfloat16(), self.b.bfloat16()
        made = combine([3, -2, 0.5], [a, b, a])
        assert made.dtype == torch.bfloat16
        assert torch.equal(made, (3 * a.float() - 2 * b.float() + 0.5 * a.float()).bfloat16())
        with pytest.raises(ValueError, match="can't be combined"):
            combine([1, 1], [a, b[:, 1:]])

    def test_bfloat16_crosses_as_float32(self):
        table = TensorTable(CPU)
        state = table.keep({"x": self.a.bfloat16()})
        assert (state["x"]["dtype"], state["x"]["bytes"]) == ("float32", 70 * 8 * 2)
        described, data = readable(table.get(state["x"]["id"]))
        assert described == {"dtype": "float32", "dims": [1, 70, 8]}
        assert bytes(data) == self.a.bfloat16().float().numpy().tobytes()

    def test_a_part_of_a_tensor_does_not_keep_the_whole_alive(self):
        table = TensorTable(CPU)
        state = table.keep({"x": torch.zeros(1000)[:2]})
        assert table.get(state["x"]["id"]).untyped_storage().nbytes() == 8
        assert table.bytes == 8
