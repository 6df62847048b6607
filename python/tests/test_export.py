"""Whole exports: interrupted ones go on, wrong ones are refused, the same weights give the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import PYTHON
from mixcache_export import export

ARGUMENTS = ("--text-tokens", "16", "--id", "tiny-wan", "--width", "32", "--height", "32", "--frames", "5")
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join(str(PYTHON / part) for part in ("models", "export")), "OMP_NUM_THREADS": "1",
}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_export_that_is_killed_goes_on_and_gives_the_same_bytes(cli, wan_source: Path, tmp_path: Path):
    output = tmp_path / "bundle"
    command = [sys.executable, "-m", "mixcache_export", "wan", wan_source, "--output", output, *ARGUMENTS]
    killed = subprocess.Popen(list(map(str, command)), env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    journal, deadline = tmp_path / "bundle.partial" / "journal.json", time.monotonic() + 900
    while not (journal.exists() and len(json.loads(journal.read_text())["units"]) >= 2):
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not output.exists()
    finished = json.loads(journal.read_text())["units"]
    before = {name: (journal.parent / name).stat().st_mtime_ns for files in finished.values() for name in files}
    assert cli("wan", wan_source, "--output", output, *ARGUMENTS) == ""
    assert {name: (output / name).stat().st_mtime_ns for name in before} == before
    assert not journal.parent.exists()
    assert cli("wan", wan_source, "--output", tmp_path / "other", *ARGUMENTS) == ""
    assert contents(output) == contents(tmp_path / "other")


def test_variants_share_weights_and_are_drop_in(cli, wan_source: Path, tmp_path: Path, few_units):
    few_units("front")
    forms = ("fp16", "int8", "int8_dynamic", "portable")
    assert cli("wan", wan_source, "--output", tmp_path / "b", *ARGUMENTS, "--variants", ",".join(forms)) == ""
    manifest = json.loads((tmp_path / "b/model.json").read_text())
    assert {v["id"]: v["replaces"] for v in manifest["variants"]} == {
        form: {"front.onnx": f"front.{form}.onnx"} for form in forms
    }
    files = manifest["files"]
    assert files["front.portable.onnx"]["weights"] == files["front.onnx"]["weights"] == ["front.data"]
    # The timestep's layers stay in float32.
    assert files["front.fp16.data"]["bytes"] < 0.8 * files["front.data"]["bytes"]
    borders = [graph_borders(tmp_path / "b" / name) for name in ("front.onnx", *(f"front.{form}.onnx" for form in forms))]
    assert all(border == borders[0] for border in borders)


def graph_borders(path: Path) -> list[tuple[str, int]]:
    """Names and types of inputs and outputs."""
    graph = onnx.load(path, load_external_data=False).graph
    return [(value.name, value.type.tensor_type.elem_type) for value in [*graph.input, *graph.output]]


@pytest.mark.parametrize("spoilt", [1.01, np.nan])
def test_a_graph_that_differs_is_refused(
    cli, wan_source: Path, tmp_path: Path, few_units, monkeypatch: pytest.MonkeyPatch, spoilt: float
):
    few_units("text_projection")
    write = export.write_graph

    def spoil(model, path, weights):
        write(model, path, weights)
        values = np.fromfile(weights.path, np.float32)
        values[np.abs(values).argmax()] *= spoilt
        values.tofile(weights.path)

    monkeypatch.setattr(export, "write_graph", spoil)
    said = cli("wan", wan_source, "--output", tmp_path / "bundle", *ARGUMENTS)
    assert said.startswith("The graph text_projection does not agree with PyTorch")
    assert list(tmp_path.iterdir()) == []


def test_wrong_flops_are_refused(cli, wan_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from mixcache_models.wan import model

    true = model.manifest

    def wrong(*arguments):
        made = true(*arguments)
        made["denoisers"][0]["segments"][1]["flops"]["tokens"] *= 1.03
        return made

    monkeypatch.setattr(model, "manifest", wrong)
    assert "FLOPs in the manifest" in cli("wan", wan_source, "--output", tmp_path / "bundle", *ARGUMENTS)
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_for_the_torch_worker_alone_has_no_graphs(cli, wan_source: Path, tmp_path: Path):
    assert cli("wan", wan_source, "--output", tmp_path / "bundle", *ARGUMENTS, "--engine", "torch") == ""
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == ["model.json", "tokenizer.json"]
    assert json.loads((tmp_path / "bundle/model.json").read_text())["engines"] == ["torch"]
