"""HunyuanVideo's programs against diffusers at the corners that the fixture does not have, and what is refused."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python/parity"), str(ROOT / "python/models")]

from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video import DEFAULT_PROMPT_TEMPLATE  # noqa: E402
from mixcache_models.attention import attention_kind  # noqa: E402
from mixcache_models.counting import clip_decoder_flops, count_flops  # noqa: E402
from mixcache_models.folder import Folder  # noqa: E402
from mixcache_models.hunyuan_video.programs import TEXT_TOKENS  # noqa: E402
from mixcache_models.program import ModelError, Options, Program, Size, outputs_of  # noqa: E402
from mixcache_models.registry import open_model  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from tiny.hunyuan_video import tiny_hunyuan_video  # noqa: E402

PROMPT = "A Red circle, café  aren't 2 cats <|eot_id|>"
#: One frame; an odd number, not square.
SIZES = (Size(1, 2, 2), Size(5, 2, 8))


@pytest.fixture(scope="module")
def pipe():
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    return tiny_hunyuan_video()


@pytest.fixture(scope="module")
def saved(pipe, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "hunyuan-video"
    pipe.save_pretrained(folder)
    return folder


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def run(pipe, program: Program, inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
    return outputs_of(program.build(getattr(pipe, program.component))(*inputs.values()))


def one_text_token(name: str, value: Tensor) -> Tensor:
    if name in ("prompt_embeds", "text_hidden"):
        return value[:, :1]
    return value[:, : 1 - TEXT_TOKENS] if name == "module_output" else value


def programs(folder: Path, **options) -> dict[str, Program]:
    return {program.name: program for program in open_model(Folder(folder), Options(**options)).programs}


@pytest.mark.parametrize("kind", ["torch", "portable"])
@pytest.mark.parametrize("size", SIZES)
def test_every_program_gives_what_diffusers_gives(pipe, saved: Path, size: Size, kind: str):
    for program in programs(saved, modules=True).values():
        inputs = program.example(size, torch.Generator().manual_seed(1))
        # One token is what an empty prompt leaves.
        if size.frames == 1:
            inputs = {name: one_text_token(name, value) for name, value in inputs.items()}
        with attention_kind(kind):
            found = run(pipe, program, inputs)
        for mine, theirs in zip(found, program.reference(getattr(pipe, program.component), inputs), strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)


def test_the_modules_of_a_block_one_after_the_other_are_the_block(pipe, saved: Path):
    made = programs(saved, cuts=(0, 1, 2, 3, 4), modules=True)
    for block, modules in (("0_1", ["0_attn", "0_ff"]), ("3_4", ["3_attn_ff"])):
        state = made[f"blocks_{block}"].example(SIZES[1], torch.Generator().manual_seed(2))
        wanted = run(pipe, made[f"blocks_{block}"], state)
        for module in modules:
            compute, apply = made[f"block_{module}"], made[f"block_{module}_apply"]
            names = compute.example(SIZES[1], torch.Generator())
            state |= {"module_output": run(pipe, compute, {name: state[name] for name in names})[0]}
            names = apply.example(SIZES[1], torch.Generator())
            state |= dict(zip(("hidden", "text_hidden"), run(pipe, apply, {name: state[name] for name in names})))
        torch.testing.assert_close((state["hidden"], state["text_hidden"]), wanted, atol=1e-6, rtol=0)


def test_texts_without_padding_are_the_pipelines_padded_ones(pipe, saved: Path):
    template, start = DEFAULT_PROMPT_TEMPLATE["template"], DEFAULT_PROMPT_TEMPLATE["crop_start"]
    embeds, pooled, mask = pipe.encode_prompt(PROMPT)
    made = programs(saved)
    ids = pipe.tokenizer([template.format(PROMPT)], return_tensors="pt").input_ids
    (found,) = run(pipe, made["text"], {"input_ids": ids})
    torch.testing.assert_close(found[:, start:], embeds[:, : int(mask.sum())], atol=1e-5, rtol=0)
    ids = pipe.tokenizer_2([PROMPT], return_tensors="pt").input_ids
    torch.testing.assert_close(run(pipe, made["text_2"], {"input_ids": ids})[0], pooled, atol=1e-5, rtol=0)


def test_a_language_model_of_two_layers_gives_its_embeddings(pipe, saved: Path):
    program, model = programs(saved)["text"], pipe.text_encoder
    ids = torch.tensor([[1, 2, 3]])
    layers, model.config.num_hidden_layers = model.config.num_hidden_layers, 2
    try:
        (found,) = run(pipe, program, {"input_ids": ids})
        (wanted,) = program.reference(model, {"input_ids": ids})
    finally:
        model.config.num_hidden_layers = layers
    torch.testing.assert_close(found, model.embed_tokens(ids))
    torch.testing.assert_close(wanted, found)


def test_clip_pools_at_the_first_end_also_where_the_config_knows_it(pipe, saved: Path):
    end = pipe.tokenizer_2.eos_token_id
    ids = torch.tensor([[558, 320, end, 64, end]])
    program, config = programs(saved)["text_2"], pipe.text_encoder_2.config
    (old,) = run(pipe, program, {"input_ids": ids})
    kept, config.eos_token_id = config.eos_token_id, end
    try:
        torch.testing.assert_close(run(pipe, program, {"input_ids": ids})[0], old)
    finally:
        config.eos_token_id = kept


def test_the_template_is_as_long_as_the_pipeline_crops(pipe):
    start = DEFAULT_PROMPT_TEMPLATE["crop_start"]
    lengths = [len(pipe.tokenizer(DEFAULT_PROMPT_TEMPLATE["template"].format(text)).input_ids) for text in ("", " red")]
    assert lengths == [start + 1, start + 2]


def test_weights_that_transformers_4_saved_are_found(pipe, saved: Path, copy: Path):
    file = copy / "text_encoder_2/model.safetensors"
    save_file({f"text_model.{name}": tensor for name, tensor in load_file(file).items()}, file)
    folder, program = Folder(copy), programs(saved)["text_2"]
    inputs = program.example(SIZES[0], torch.Generator().manual_seed(3))
    with folder.loaded("text_encoder_2") as encoder:
        (found,) = outputs_of(program.build(encoder)(*inputs.values()))
    torch.testing.assert_close(found, run(pipe, program, inputs)[0])


def test_a_tokenizer_of_older_files_becomes_a_json(pipe, copy: Path):
    path = copy / "tokenizer_2/tokenizer.json"
    model = json.loads(path.read_text())["model"]
    (path.parent / "vocab.json").write_text(json.dumps(model["vocab"]))
    (path.parent / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in model["merges"]))
    path.unlink()
    folder = Folder(copy)
    made = Tokenizer.from_file(str(folder.tokenizer_file("tokenizer_2")))
    assert made.encode(PROMPT).ids == pipe.tokenizer_2(PROMPT).input_ids
    shutil.rmtree(path.parent)
    with pytest.raises(ModelError, match="AutoTokenizer"):
        Folder(copy).tokenizer_file("tokenizer_2")


def test_the_decoders_flops_hold_at_any_size(saved: Path):
    model = open_model(Folder(saved), Options())
    flops, program = clip_decoder_flops(model.vae, model.programs[-1]), model.programs[-1]
    frames, plane = 5, 3 * 7
    inputs = program.example(Size(frames, 3, 7), torch.Generator().manual_seed(0))
    pixels = frames * plane
    claimed = flops["plane"] * plane + flops["pixels"] * pixels + flops["pixels_squared"] * pixels**2
    assert claimed == count_flops(model.vae, program, inputs)


def test_the_blocks_are_cut_where_dual_ones_end(saved: Path):
    assert [name for name in programs(saved) if name.startswith("blocks")] == ["blocks_0_2", "blocks_2_4"]


def test_the_guidance_scale_is_rounded_as_the_weights_are(pipe, saved: Path, tmp_path: Path):
    def precision(folder: Path) -> str:
        return open_model(Folder(folder), Options()).guidance_precision

    assert precision(saved) == "float32"
    half = Path(shutil.copytree(saved, tmp_path / "half"))
    type(pipe.transformer).from_pretrained(saved / "transformer", torch_dtype=torch.bfloat16).save_pretrained(
        half / "transformer"
    )
    assert precision(half) == "bfloat16"


@pytest.mark.parametrize(
    ("entry", "value", "sentence"),
    [("guidance_embeds", False, "no guidance_embeds"), ("image_condition_type", "latent_concat", "reads an image")],
)
def test_other_transformers_are_refused(copy: Path, entry: str, value, sentence: str):
    path = copy / "transformer/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {entry: value}))
    with pytest.raises(ModelError, match=sentence):
        open_model(Folder(copy), Options())


def test_a_wrong_class_is_refused(copy: Path):
    path = copy / "model_index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps(index | {"vae": ["diffusers", "AutoencoderKLWan"]}))
    with pytest.raises(ModelError, match="vae of .* is no AutoencoderKLHunyuanVideo"):
        open_model(Folder(copy), Options())
