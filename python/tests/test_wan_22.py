"""Wan 2.2's programs against diffusers at the corners that the fixtures do not have, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from mixcache_models.attention import attention_kind
from mixcache_models.folder import Folder
from mixcache_models.program import About, ModelError, Options, Program, Size, outputs_of
from mixcache_models.registry import open_model
from tiny.wan_22 import BOUNDARY, tiny_wan_22_5b, tiny_wan_22_a14b

#: One frame; an odd number, not square.
SIZES = (Size(1, 2, 2), Size(3, 2, 6))
ABOUT = About("tiny", "Tiny")
MAKE = {"a14b": tiny_wan_22_a14b, "5b": tiny_wan_22_5b}


@pytest.fixture(scope="module", params=MAKE)
def pipe(request):
    torch.set_grad_enabled(False)
    return MAKE[request.param]()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders that no test may change."""
    folders = {name: tmp_path_factory.mktemp("tiny") / name for name in MAKE}
    for name, folder in folders.items():
        MAKE[name]().save_pretrained(folder)
    return folders


@pytest.fixture
def a14b(saved: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved["a14b"], tmp_path / "a14b"))


def edit(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def programs_of(pipe, tmp_path: Path) -> list[Program]:
    pipe.save_pretrained(tmp_path / "folder")
    return list(open_model(Folder(tmp_path / "folder"), Options(modules=True)).programs)


def test_every_program_is_diffusers_own(pipe, tmp_path: Path):
    worst = {}
    for program in programs_of(pipe, tmp_path):
        component = getattr(pipe, program.component)
        for size in SIZES:
            inputs = program.example(size, seeded())
            wanted = program.reference(component, inputs)
            for kind in ("torch", "portable"):
                with attention_kind(kind):
                    given = outputs_of(program.build(component)(*inputs.values()))
                for mine, theirs in zip(given, wanted, strict=True):
                    assert mine.shape == theirs.shape, program.name
                    error = ((mine - theirs).abs().max() / max(1.0, theirs.abs().max().item())).item()
                    worst[program.name] = max(worst.get(program.name, 0), error)
    assert {name: error for name, error in worst.items() if not error <= 2e-6} == {}


def test_one_latent_frame_a_call_is_the_whole_decode(pipe, tmp_path: Path):
    first, following = programs_of(pipe, tmp_path)[-2:]
    latents = torch.randn(1, pipe.vae.config.z_dim, 4, 2, 3, generator=seeded())
    frames, *caches = first.build(pipe.vae)(latents[:, :, :1])
    made = [frames]
    for index in range(1, 4):
        frames, *caches = following.build(pipe.vae)(latents[:, :, index : index + 1], *caches)
        made.append(frames)
    side = pipe.vae.config.scale_factor_spatial
    whole = torch.cat(made, dim=2)
    assert whole.shape == (1, 3, 13, 2 * side, 3 * side)
    assert (whole.clamp(-1, 1) - pipe.vae.decode(latents).sample).abs().max() <= 1e-5


def test_a_timestep_for_every_token_is_one_timestep():
    model = tiny_wan_22_5b().transformer
    latents = torch.randn(1, model.config.in_channels, 3, 4, 6, generator=seeded())
    text = torch.randn(1, 16, model.config.text_dim, generator=seeded())
    tokens = Size(3, 4, 6).tokens(model.config.patch_size)
    each, one = (model(latents, torch.full(shape, 721), text, return_dict=False)[0] for shape in ((1, tokens), (1,)))
    assert (each - one).abs().max() <= 2e-6 * max(1.0, one.abs().max().item())


def test_experts_serve_from_high_noise_to_low(saved: dict[str, Path]):
    manifest = open_model(Folder(saved["a14b"]), Options()).manifest(ABOUT)
    found = [(d["id"], d["noise_levels"], d["guidance"]["default_scale"]) for d in manifest["denoisers"]]
    assert found == [("high_noise", [BOUNDARY, 1], 4), ("low_noise", [0, BOUNDARY], 3)]
    assert manifest["default_steps"] == 40
    components = {p.name: p.component for p in open_model(Folder(saved["a14b"]), Options()).programs}
    assert components["high_noise_front"] == "transformer" and components["low_noise_front"] == "transformer_2"


def test_the_small_model_has_larger_pixels(saved: dict[str, Path]):
    manifest = open_model(Folder(saved["5b"]), Options()).manifest(ABOUT)
    assert manifest["latents"]["compression"] == [4, 16, 16]
    assert manifest["video"]["default"] == {"width": 1280, "height": 704, "frames": 121, "fps": 24}
    assert manifest["video"]["width"]["multiple"] == 32


def test_a_setting_that_diffusers_has_given_up_is_ignored(saved: dict[str, Path], tmp_path: Path):
    folder = Path(shutil.copytree(saved["5b"], tmp_path / "5b"))
    edit(folder / "vae/config.json", clip_output=False)
    assert open_model(Folder(folder), Options()).manifest(ABOUT)["latents"]["channels"] == 12


@pytest.mark.parametrize(
    ("file", "changes", "sentence"),
    [
        ("model_index.json", {"boundary_ratio": None}, "belong together"),
        ("model_index.json", {"transformer_2": [None, None]}, "belong together"),
        ("model_index.json", {"boundary_ratio": 1.5}, "between 0 and 1"),
        ("transformer_2/config.json", {"text_dim": 48}, "differ in text_dim"),
        ("transformer_2/config.json", {"image_dim": 8}, "Only text to video"),
        ("model_index.json", {"transformer_2": ["diffusers", "MochiTransformer3DModel"]}, "no WanTransformer3DModel"),
    ],
)
def test_experts_that_do_not_fit_are_refused(a14b: Path, file: str, changes: dict, sentence: str):
    edit(a14b / file, **changes)
    with pytest.raises(ModelError, match=sentence):
        open_model(Folder(a14b), Options())
