"""Writes test/fixtures/models/wan: the bundle of a tiny random Wan 2.1, and what diffusers' pipeline makes of it.

    PYTHONPATH=python/export python python/parity/wan.py --output test/fixtures/models/wan

`golden.bin` holds little-endian float32 tensors one after the other; `golden.json` says where each lies and what it
is. Everything is float32 on the CPU. The pipeline gets the prompt's embeddings, which the folder's own tokenizer and
text encoder made, with zeros beyond the text as the pipeline itself would have put them.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import diffusers
import torch
from diffusers import WanPipeline
from mixcache_export.__main__ import About, export_wan
from mixcache_export.wan_check import rope_tables
from tiny_wan import MAX_TOKENS, tiny_wan

STEPS, GUIDANCE, CUTS = 20, 5.0, (0, 1, 3, 4)
PROMPT, NEGATIVE = "a red circle moves left on a blue background", "cat"
#: Sizes of the runs: one not square; 9 frames are an odd number of latent frames, 5 an even one.
RUNS = (
    {"name": "wide", "width": 48, "height": 32, "frames": 9, "seed": 7},
    {"name": "square", "width": 32, "height": 32, "frames": 5, "seed": 11},
)
#: The step whose inner values are written, of the first run's conditional branch.
DETAILED = 10


def tokens(pipe: WanPipeline, text: str) -> dict[str, torch.Tensor]:
    return pipe.tokenizer(
        [text], padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
    )


def embeddings(pipe: WanPipeline, text: str) -> torch.Tensor:
    """[1, MAX_TOKENS, text], zeros beyond the text."""
    told = tokens(pipe, text)
    found = pipe.text_encoder(told.input_ids, told.attention_mask).last_hidden_state
    return found * told.attention_mask.unsqueeze(-1)


class Inside:
    """Notes what crosses the boundaries between the segments in one call of the transformer."""

    def __init__(self, model, call: int):
        self.calls, self.wanted, self.tensors = -1, call, {}
        model.register_forward_pre_hook(self.begin, with_kwargs=True)
        embed = model.condition_embedder
        self.note(embed.timesteps_proj, "time_features")
        embed.register_forward_hook(self.conditioned)
        model.blocks[0].register_forward_pre_hook(lambda _, args: self.keep("hidden_0", args[0]))
        for cut in CUTS[1:]:
            self.note(model.blocks[cut - 1], f"hidden_{cut}")
        self.note(model, "velocity", lambda output: output[0])

    def note(self, module, name: str, pick=lambda output: output) -> None:
        module.register_forward_hook(lambda _module, _inputs, output: self.keep(name, pick(output)))

    def keep(self, name: str, tensor: torch.Tensor) -> None:
        if self.calls == self.wanted:
            self.tensors[name] = tensor.clone()

    def begin(self, _module, args, kwargs) -> None:
        self.calls += 1
        self.keep("step_latents", kwargs["hidden_states"])

    def conditioned(self, _module, _inputs, outputs) -> None:
        temb, projected, context, _ = outputs
        self.keep("temb", temb)
        self.keep("conditioning", projected.unflatten(1, (6, -1)))
        self.keep("context", context)


@torch.no_grad()
def run(pipe: WanPipeline, about: dict) -> dict[str, torch.Tensor]:
    kept = {}

    def last(_pipe, step: int, _t, values: dict) -> dict:
        kept["latents"] = values["latents"]
        return {}

    frames = pipe(
        prompt_embeds=embeddings(pipe, PROMPT), negative_prompt_embeds=embeddings(pipe, NEGATIVE),
        width=about["width"], height=about["height"], num_frames=about["frames"], num_inference_steps=STEPS,
        guidance_scale=GUIDANCE, generator=torch.Generator().manual_seed(about["seed"]), output_type="pt",
        callback_on_step_end=last,
    ).frames
    return {f"{about['name']}_latents": kept["latents"], f"{about['name']}_frames": frames}


@torch.no_grad()
def reference(folder: Path) -> tuple[WanPipeline, dict[str, torch.Tensor]]:
    pipe = WanPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    tensors = {"prompt_embeds_cond": embeddings(pipe, PROMPT), "prompt_embeds_uncond": embeddings(pipe, NEGATIVE)}
    inside = Inside(pipe.transformer, 2 * DETAILED)
    for about in RUNS:
        tensors |= run(pipe, about)
    tensors |= inside.tensors | rope_tables(pipe.transformer, inside.tensors["step_latents"])
    return pipe, tensors


def write(output: Path, pipe: WanPipeline, tensors: dict[str, torch.Tensor]) -> None:
    data, table = bytearray(), {}
    for name, tensor in tensors.items():
        table[name] = {"offset": len(data), "dims": list(tensor.shape)}
        data += tensor.contiguous().numpy().astype("<f4").tobytes()
    (output / "golden.bin").write_bytes(data)
    about = {
        "prompt": PROMPT, "negative_prompt": NEGATIVE, "steps": STEPS, "guidance": GUIDANCE, "runs": RUNS,
        "ids": {text: tokens(pipe, text).input_ids[0].tolist() for text in (PROMPT, NEGATIVE, "")},
        "bundle_digest": hashlib.sha256((output / "bundle" / "model.json").read_bytes()).hexdigest(),
        "reference": f"diffusers {diffusers.__version__}, torch {torch.__version__}, cpu, float32",
        "step": DETAILED,
        "timestep": int(pipe.scheduler.timesteps[DETAILED]),
        "tensors": table,
    }
    (output / "golden.json").write_text(json.dumps(about, indent=1) + "\n")
    print(f"{output}: {len(table)} tensors, {len(data):,} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.output.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(args.output / "bundle", ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        tiny_wan().save_pretrained(folder)
        first = RUNS[0]
        about = About("tiny-wan", "Tiny Wan", "Apache-2.0", first["width"], first["height"], first["frames"], 16)
        export_wan(Path(folder), args.output / "bundle", about, ",".join(map(str, CUTS)), MAX_TOKENS)
        write(args.output, *reference(Path(folder)))


if __name__ == "__main__":
    main()
