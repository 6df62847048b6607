"""HunyuanVideo 1.5's programs against diffusers at corners that the fixture does not have, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mixcache_export.flops import check_flops
from mixcache_models.attention import attention_kind
from mixcache_models.counting import clip_decoder_flops, count_flops
from mixcache_models.folder import Folder
from mixcache_models.program import About, ModelError, Options, Size, outputs_of
from mixcache_models.registry import open_model
from tiny.hunyuan_video_15 import CHAT, tiny_hunyuan_video_15


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hunyuan-video-1.5")
    tiny_hunyuan_video_15().save_pretrained(path)
    return path


@pytest.fixture
def change(folder: Path):
    """Changes settings of a file; afterwards it is as it was."""
    kept: dict[Path, str] = {}

    def changed(name: str, **settings) -> None:
        path = folder / name
        kept.setdefault(path, path.read_text())
        path.write_text(json.dumps(json.loads(kept[path]) | settings))

    yield changed
    for path, text in kept.items():
        path.write_text(text)


def manifest(folder: Path) -> dict:
    return open_model(Folder(folder), Options()).manifest(About("tiny", "Tiny"))


@pytest.mark.parametrize("kind", ["torch", "portable"])
@pytest.mark.parametrize("size", [Size(1, 3, 3), Size(2, 3, 5), Size(5, 2, 8)])
@torch.no_grad()
def test_every_program_gives_what_diffusers_gives(folder: Path, size: Size, kind: str):
    """One frame; a prompt that quotes nothing; sizes that are not square."""
    opened = Folder(folder)
    for program in open_model(opened, Options(modules=True)).programs:
        component = opened.load(program.component, program.weights)
        inputs = program.example(size, torch.Generator().manual_seed(1))
        with attention_kind(kind):
            found = outputs_of(program.build(component)(*inputs.values()))
        for mine, theirs in zip(found, program.reference(component, inputs), strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)


def test_the_flops_of_blocks_and_modules_count_both_texts(folder: Path):
    opened = Folder(folder)
    model = open_model(opened, Options(modules=True))
    assert check_flops(model.manifest(About("tiny", "Tiny")), model, opened) < 1e-9


def test_the_decoders_flops_hold_at_any_size(folder: Path):
    model = open_model(Folder(folder), Options())
    program = model.programs[-1]
    flops, frames, plane = clip_decoder_flops(model.vae, program), 5, 3 * 7
    counted = count_flops(model.vae, program, program.example(Size(frames, 3, 7), torch.Generator().manual_seed(0)))
    pixels = frames * plane
    assert flops["plane"] * plane + flops["pixels"] * pixels + flops["pixels_squared"] * pixels**2 == counted


@pytest.mark.parametrize(
    ("file", "settings", "said"),
    [
        ("transformer/config.json", {"use_meanflow": True}, "MeanFlow"),
        ("transformer/config.json", {"in_channels": 13}, "input channels"),
        ("guider/guider_config.json", {"guidance_rescale": 0.7}, "guider"),
        ("guider/guider_config.json", {"stop": 0.5}, "guider"),
        ("model_index.json", {"guider": ["diffusers", "AdaptiveProjectedGuidance"]}, "no ClassifierFreeGuidance"),
        ("model_index.json", {"_class_name": "HunyuanVideo15ImageToVideoPipeline"}, "not supported"),
    ],
)
def test_what_cannot_be_used_is_refused(folder: Path, change: Callable, file: str, settings: dict, said: str):
    change(file, **settings)
    with pytest.raises(ModelError, match=said):
        open_model(Folder(folder), Options())


def test_the_guiders_scale_is_the_default(folder: Path):
    assert manifest(folder)["denoisers"][0]["guidance"] == {"kind": "cfg", "default_scale": 6.0}


@pytest.mark.parametrize("settings", [{"guidance_scale": 1.0}, {"enabled": False}])
def test_a_distilled_model_has_no_guidance(folder: Path, change: Callable, settings: dict):
    change("guider/guider_config.json", **settings)
    assert manifest(folder)["denoisers"][0]["guidance"] == {"kind": "none"}


def test_tiles_are_diffusers_own(folder: Path):
    # 256 pixels and a quarter of overlap, at 4 pixels a latent.
    assert manifest(folder)["decoder"]["tiles"]["rows"] == {"size": 64, "stride": 48}


def test_a_tokenizer_without_its_parts_or_with_another_template_is_refused(folder: Path):
    path = folder / "tokenizer/chat_template.jinja"
    kept = path.read_text()
    assert kept == CHAT
    path.write_text(CHAT.replace("message['content']", "message['content'] | trim"))
    try:
        with pytest.raises(ModelError, match="changes the prompt"):
            manifest(folder)
        path.unlink()
        with pytest.raises(ModelError, match="no chat template"):
            manifest(folder)
        (folder / "tokenizer").rename(folder / "kept")
        with pytest.raises(ModelError, match="holds no tokenizer"):
            manifest(folder)
    finally:
        (folder / "kept").rename(folder / "tokenizer")
        path.write_text(kept)
