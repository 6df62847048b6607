"""CogVideoX's programs against diffusers at the corners that the fixtures do not have, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest
import sentencepiece
import torch
from mixcache_models.attention import attention_kind
from mixcache_models.cogvideox.decoder import FIRST, NEXT
from mixcache_models.cogvideox.model import CogVideoX
from mixcache_models.counting import count_flops
from mixcache_models.folder import Folder
from mixcache_models.program import About, ModelError, Options, Size, outputs_of
from mixcache_models.registry import open_model
from tiny.cogvideox import tiny_cogvideox
from tokenizers import Tokenizer
from torch import Tensor

KINDS = ("sincos", "rotary")
#: An even number of frames; one row of tokens; the size that the models were made for, whose positions are kept.
SIZES = (Size(4, 2, 8), Size(5, 6, 10))


@pytest.fixture(scope="module", params=KINDS)
def source(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / request.param
    tiny_cogvideox(request.param == "rotary").save_pretrained(folder)
    return folder


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(source, tmp_path / source.name))


def opened(path: Path, **options) -> CogVideoX:
    return open_model(Folder(path), Options(**options))


def spoil(path: Path, **entries) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def close(found: tuple[Tensor, ...], wanted: tuple[Tensor, ...], tolerance: float = 1e-5) -> None:
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs.float(), atol=tolerance * max(1, theirs.abs().max().item()), rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["torch", "portable"])
def test_every_program_gives_what_diffusers_gives(source: Path, kind: str):
    model = opened(source, modules=True)
    for program in model.programs:
        with model.folder.loaded(program.component, program.weights) as component, attention_kind(kind):
            for size in SIZES:
                inputs = program.example(size, torch.Generator().manual_seed(1))
                found = outputs_of(program.build(component)(*inputs.values()))
                close(found, program.reference(component, inputs))


@torch.no_grad()
@pytest.mark.parametrize("calls", [0, 1, 3])
def test_calls_that_hand_on_their_caches_decode_as_the_autoencoder_does(source: Path, calls: int):
    model = opened(source)
    first, following = model.programs[-2:]
    latents = torch.randn(1, 4, FIRST + calls * NEXT, 4, 6, generator=torch.Generator().manual_seed(2))
    with model.folder.loaded("vae") as vae:
        frames, *caches = first.build(vae)(latents[:, :, :FIRST])
        parts = [frames]
        for start in range(FIRST, latents.shape[2], NEXT):
            frames, *caches = following.build(vae)(latents[:, :, start : start + NEXT], *caches)
            parts.append(frames)
        close((torch.cat(parts, dim=2),), (vae.decode(latents).sample,))


@torch.no_grad()
def test_half_precision_keeps_close_to_float32(source: Path):
    for program in opened(source).programs:
        made = []
        for dtype in (torch.float32, torch.bfloat16):
            model = opened(source)
            component = model.folder.load(program.component, program.weights, dtype)
            inputs = program.example(SIZES[0], torch.Generator().manual_seed(1))
            outputs = outputs_of(program.build(component)(*inputs.values()))
            assert all(output.dtype == torch.float32 for output in outputs), program.name
            made.append(torch.cat([output.flatten() for output in outputs]))
        assert torch.cosine_similarity(*made, dim=0) > 0.999, program.name


def test_the_manifest_says_what_the_folder_is(source: Path):
    model = opened(source, tiles=((8, 8), (32, 24), (48, 32)))
    made, about = model.manifest(About("tiny", "Tiny")), model.transformer.config
    rotary = about.use_rotary_positional_embeddings
    ratio = 4 if rotary else 8
    assert made["schedulers"] == [
        {"kind": "ddim", "beta_start": 0.00085, "beta_end": 0.012, "snr_shift": 1.0 if rotary else 3.0}
    ]
    assert made["video"]["default"] == {"width": 10 * ratio, "height": 6 * ratio, "frames": 17, "fps": 8}
    assert made["video"]["frames"] == {"min": 9, "max": 65, "multiple": 8, "offset": 1}
    assert made["latents"]["std"] == [pytest.approx(1 / (0.7 if rotary else 1.15258426), rel=1e-7)] * 4
    values = made["denoisers"][0]["values"]
    assert ("rope_cos" in values, "positions_rows" in values) == (rotary, not rotary)
    assert made["decoder"]["tiles"] == {
        "rows": {"size": 32 // ratio, "stride": 24 // ratio}, "columns": {"size": 48 // ratio, "stride": 32 // ratio},
    }
    assert "tiles" not in opened(source).manifest(About("tiny", "Tiny"))["decoder"]


def test_the_decoders_flops_hold_at_any_size(source: Path):
    model = opened(source)
    calls = model.manifest(About("tiny", "Tiny"))["decoder"]
    for program, call in zip(model.programs[-2:], (calls["first"], calls["next"]), strict=True):
        inputs = program.example(Size(1, 3, 7), torch.Generator().manual_seed(0))
        assert call["flops"] == {"plane": count_flops(model.vae, program, inputs) / 21}


@pytest.mark.parametrize(
    ("component", "entries", "sentence"),
    [
        ("transformer", {"patch_size_t": 2}, "is a CogVideoX 1.5"),
        ("transformer", {"in_channels": 8}, "reads an image"),
        ("transformer", {"ofs_embed_dim": 12}, "image to video"),
        ("transformer", {"freq_shift": 1}, "time embedding"),
        ("vae", {"temporal_compression_ratio": 2}, "four frames of one"),
    ],
)
def test_other_models_are_refused(folder: Path, component: str, entries: dict, sentence: str):
    spoil(folder / component / "config.json", **entries)
    with pytest.raises(ModelError, match=sentence):
        opened(folder)


def test_a_wrong_class_is_refused(folder: Path):
    spoil(folder / "model_index.json", vae=["diffusers", "AutoencoderKLWan"])
    with pytest.raises(ModelError, match="vae of .* is no AutoencoderKLCogVideoX"):
        opened(folder)


@pytest.mark.parametrize(
    "entries",
    [
        {"rescale_betas_zero_snr": False}, {"timestep_spacing": "leading"}, {"prediction_type": "epsilon"},
        {"num_train_timesteps": 500}, {"set_alpha_to_one": False},
    ],
)
def test_other_schedules_are_refused(folder: Path, entries: dict):
    spoil(folder / "scheduler/scheduler_config.json", **entries)
    with pytest.raises(ModelError, match="CogVideoXDDIMScheduler with v_prediction"):
        opened(folder).manifest(About("tiny", "Tiny"))


def test_a_tokenizer_of_sentencepiece_becomes_a_tokenizer_json(folder: Path, tmp_path: Path):
    """As the published folders have it: `spiece.model` and no `tokenizer.json`."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(["a red circle moves left on a blue background", "the green square sleeps"] * 50))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(tmp_path / "pieces"), vocab_size=30, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
    )
    tokenizer = folder / "tokenizer"
    shutil.rmtree(tokenizer)
    tokenizer.mkdir()
    (tokenizer / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "T5Tokenizer"}))
    with pytest.raises(ModelError, match="tokenizer.json is missing"):
        Folder(folder).tokenizer_file()
    shutil.copyfile(tmp_path / "pieces.model", tokenizer / "spiece.model")
    opened_folder = Folder(folder)
    made = Tokenizer.from_file(str(opened_folder.tokenizer_file()))
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer / "spiece.model"))
    for text in ("a red square", "", "  Two  spaces\tﬁne "):
        assert made.encode(text).ids == [*pieces.encode(text), 1]
