"""Which HunyuanVideo 1.5 folders are taken, and what their guider becomes."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python/parity"), str(ROOT / "python/models"), str(ROOT / "python/export")]

from mixcache_models.folder import Folder  # noqa: E402
from mixcache_models.program import About, ModelError, Options  # noqa: E402
from mixcache_models.registry import open_model  # noqa: E402
from tiny.hunyuan_video_15 import CHAT, tiny_hunyuan_video_15  # noqa: E402

pytestmark = pytest.mark.slow


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


def test_a_chat_template_that_changes_the_prompt_is_refused(folder: Path):
    path = folder / "tokenizer/chat_template.jinja"
    kept = path.read_text()
    assert kept == CHAT
    path.write_text(CHAT.replace("message['content']", "message['content'] | trim"))
    try:
        with pytest.raises(ModelError, match="chat template"):
            manifest(folder)
    finally:
        path.write_text(kept)
