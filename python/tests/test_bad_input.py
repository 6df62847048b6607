"""Whatever is wrong with what a person gave is said in one sentence, and nothing is written."""

import json
import shutil
from pathlib import Path

import pytest
from mixcache_export import export, room
from safetensors.torch import load_file, save_file

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


def edit_json(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refused(cli, folder: Path, tmp_path: Path, *more: str, model: str = "wan") -> str:
    """The sentence; nothing may lie where the bundle would."""
    said = cli(model, folder, "--output", tmp_path / "out" / "bundle", "--text-tokens", 16, *more)
    assert said.endswith(".") and "Traceback" not in said and said.count("\n") == 0, said
    assert not (tmp_path / "out" / "bundle").exists()
    assert not (tmp_path / "out" / "bundle.partial").exists()
    return said


def test_what_is_no_folder_of_diffusers(cli, tmp_path: Path):
    assert "no folder, and no name on the Hugging Face hub" in refused(cli, tmp_path / "none", tmp_path)
    (tmp_path / "empty").mkdir()
    assert "has no model_index.json" in refused(cli, tmp_path / "empty", tmp_path)
    (tmp_path / "empty" / "model_index.json").write_text("[1, 2")
    assert "is damaged" in refused(cli, tmp_path / "empty", tmp_path)


def test_a_hub_that_cannot_be_reached(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub.errors import LocalEntryNotFoundError
    from mixcache_models import hub

    def offline(*_args, **_kwargs):
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr(hub, "hf_hub_download", offline)
    assert "could not be reached" in refused(cli, Path("owner/model"), tmp_path)


def test_another_model(cli, wan: Path, tmp_path: Path):
    assert "that is wan, not hunyuan-video" in refused(cli, wan, tmp_path, model="hunyuan-video")
    assert "that is wan, not hunyuan-video" in refused(cli, wan, tmp_path, model="hunyuan")
    edit_json(wan / "model_index.json", _class_name="LTXPipeline")
    assert "LTXPipeline, which is not supported" in refused(cli, wan, tmp_path)


def test_another_class_of_a_component(cli, wan: Path, tmp_path: Path):
    edit_json(wan / "model_index.json", transformer=["diffusers", "MochiTransformer3DModel"])
    assert "transformer" in refused(cli, wan, tmp_path)
    edit_json(wan / "model_index.json", transformer=["diffusers", "NoSuchModel"])
    assert "NoSuchModel, which this version does not know" in refused(cli, wan, tmp_path)


def test_an_unknown_scheduler(cli, wan: Path, tmp_path: Path):
    edit_json(wan / "model_index.json", scheduler=["diffusers", "DDPMScheduler"])
    edit_json(wan / "scheduler/scheduler_config.json", _class_name="DDPMScheduler")
    assert "scheduler is DDPMScheduler" in refused(cli, wan, tmp_path)


def test_missing_and_cut_off_weights(cli, wan: Path, tmp_path: Path):
    path = wan / WEIGHTS
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert "it was cut off" in refused(cli, wan, tmp_path)
    path.write_bytes(whole[:5])
    assert "no safetensors file, or only a part of one" in refused(cli, wan, tmp_path)
    path.unlink()
    assert "has no weights" in refused(cli, wan, tmp_path)


def test_a_missing_shard(cli, wan: Path, tmp_path: Path):
    path = wan / WEIGHTS
    names = {name: "one-of-two.safetensors" for name in load_file(path)}
    path.unlink()
    path.with_suffix(".safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    assert "one-of-two.safetensors is missing" in refused(cli, wan, tmp_path)


def test_a_missing_tensor_and_one_of_another_shape(cli, wan: Path, tmp_path: Path):
    path = wan / WEIGHTS
    tensors = load_file(path)
    table = tensors.pop("scale_shift_table")
    save_file(tensors, path)
    assert "lack scale_shift_table" in refused(cli, wan, tmp_path)
    save_file(tensors | {"scale_shift_table": table[:, :1].contiguous()}, path)
    assert "config and weights are of different models" in refused(cli, wan, tmp_path)


def test_a_missing_tokenizer(cli, wan: Path, tmp_path: Path):
    (wan / "tokenizer/tokenizer.json").unlink()
    assert "tokenizer.json is missing" in refused(cli, wan, tmp_path)


def test_wrong_arguments(cli, wan: Path, tmp_path: Path):
    assert "growing numbers of blocks from 0 to 1" in refused(cli, wan, tmp_path, "--cuts", "0,2")
    assert "There is no variant fp4" in refused(cli, wan, tmp_path, "--variants", "fp4")
    assert "leave it out" in refused(cli, wan, tmp_path, "--variants", "fused")


def test_too_little_disk(cli, wan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: usage)
    assert "GB free. Free some, or give another --output." in refused(cli, wan, tmp_path)


def test_too_little_memory(cli, wan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "available_memory", lambda: 1000)
    assert "More --cuts make smaller segments." in refused(cli, wan, tmp_path)


def test_memory_is_what_the_machine_and_the_group_leave(tmp_path: Path):
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    5 kB\n")
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert room.machine_memory(tmp_path / "meminfo") == 5 * 1024
    assert room.group_memory(tmp_path) == 2000
    (tmp_path / "memory.max").write_text("max\n")
    assert room.group_memory(tmp_path) is None


def test_an_output_that_exists(cli, wan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    output = tmp_path / "bundle"
    output.mkdir()
    assert "no bundle that this exporter made" in cli("wan", wan, "--output", output)
    (output / "model.json").write_text(json.dumps({"torch": {"weights": "0" * 64}}))
    assert "is a bundle of other weights" in cli("wan", wan, "--output", output)
    monkeypatch.setattr(export, "torch_entry", lambda *_: {"weights": "0" * 64})
    assert "is already a bundle of these weights" in cli("wan", wan, "--output", output)
    assert sorted(path.name for path in output.iterdir()) == ["model.json"]
