"""The comparer of fixtures: same bytes, last bits, and what must be refused."""

import base64
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python/parity"))

from compare import compare  # noqa: E402

WAN = ROOT / "test/fixtures/models/wan"


@pytest.fixture
def rebuilt(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WAN, tmp_path / "wan"))


def nudge(path: Path, offset: int, by: float) -> None:
    data = np.frombuffer(path.read_bytes(), "<f4").copy()
    data[offset] += np.float32(by)
    path.write_bytes(data.tobytes())


def test_the_same_bytes(rebuilt: Path):
    found = compare(WAN, rebuilt)
    assert found["identical"] and not found["failures"] and found["files"] > 10


def test_last_bits_are_told_but_pass(rebuilt: Path):
    nudge(rebuilt / "golden.bin", 5, 1e-6)
    found = compare(WAN, rebuilt)
    assert not found["identical"] and not found["failures"]
    assert [entry["file"] for entry in found["differences"]] == ["golden.bin"]


def nudged_schedulers(tmp_path: Path, by: float) -> dict:
    """The comparison with a copy of the schedulers' fixture whose first latent moved."""
    committed = ROOT / "test/fixtures/schedulers.json"
    told = json.loads(committed.read_text())
    latents = np.frombuffer(base64.b64decode(told["runs"][5]["latents"]), "<f4").copy()
    latents[0] += np.float32(by)
    told["runs"][5]["latents"] = base64.b64encode(latents.tobytes()).decode()
    copy = tmp_path / "schedulers.json"
    copy.write_text(json.dumps(told))
    return compare(committed, copy)


def test_last_bits_of_encoded_latents_pass(tmp_path: Path):
    found = nudged_schedulers(tmp_path, 2e-7)
    assert not found["failures"]
    assert [entry["what"] for entry in found["differences"]] == ["runs[5].latents"]


def test_other_encoded_latents_fail(tmp_path: Path):
    assert "runs[5].latents" in nudged_schedulers(tmp_path, 1e-3)["failures"][0]


def test_another_tensor_fails(rebuilt: Path):
    nudge(rebuilt / "golden.bin", 5, 1e-2)
    assert "golden.bin" in compare(WAN, rebuilt)["failures"][0]


def test_not_a_number_fails(rebuilt: Path):
    nudge(rebuilt / "golden.bin", 5, float("nan"))
    assert compare(WAN, rebuilt)["failures"]


def test_another_weight_fails(rebuilt: Path):
    data = next((rebuilt / "bundle").glob("blocks_*.data"))
    nudge(data, 3, 1e-3)
    assert data.name.removesuffix(".data") in compare(WAN, rebuilt)["failures"][0]


def test_weights_with_other_last_bits_pass_with_their_digests(rebuilt: Path):
    nudge(next((rebuilt / "bundle").glob("blocks_*.data")), 3, 1e-8)
    manifest = rebuilt / "bundle/model.json"
    told = json.loads(manifest.read_text())
    for entry in told["files"].values():
        entry["sha256"] = "0" * 64
    manifest.write_text(json.dumps(told))
    found = compare(WAN, rebuilt)
    assert not found["failures"] and not found["identical"]


def test_a_manifest_that_says_something_else_fails(rebuilt: Path):
    manifest = rebuilt / "bundle/model.json"
    told = json.loads(manifest.read_text())
    told["default_steps"] = 49
    manifest.write_text(json.dumps(told))
    assert "default_steps is 50, rebuilt 49" in compare(WAN, rebuilt)["failures"][0]


def test_missing_and_extra_files_fail(rebuilt: Path):
    (rebuilt / "golden.json").rename(rebuilt / "other.json")
    assert len(compare(WAN, rebuilt)["failures"]) == 2


def test_one_file(tmp_path: Path):
    noise = ROOT / "test/fixtures/noise.json"
    other = tmp_path / "made.json"
    other.write_bytes(noise.read_bytes().replace(b'"seed": "0"', b'"seed": "1"', 1))
    assert compare(noise, noise)["identical"]
    assert compare(noise, other)["failures"]
