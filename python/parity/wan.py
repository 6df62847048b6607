"""Writes test/fixtures/models/wan: the bundle of a tiny random Wan 2.1, and what diffusers' pipeline makes of it.

    python python/parity/wan.py
"""

from cached import fbcache, magcache
from diffusers import WanPipeline
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from golden import Captured, Parity, Run, main
from mixcache_export.export import Settings
from mixcache_models.program import About, Options
from tiny.wan import MAX_TOKENS, tiny_wan
from torch import Tensor

#: None square; 9 frames are an odd number of latent frames, 5 an even one.
RUNS = (Run("wide", 48, 32, 5, 7), Run("tall", 16, 32, 9, 11))


def ids(pipe: WanPipeline, text: str) -> dict[str, list[int]]:
    told = pipe.tokenizer([prompt_clean(text)], padding="max_length", max_length=MAX_TOKENS, truncation=True)
    return {"text": told.input_ids[0]}


def one_timestep(told: Tensor) -> Tensor:
    """Of all tokens: what a pipeline tells each of them is the same in text to video."""
    if not (told == told.flatten()[0]).all():
        raise SystemExit("The pipeline gave tokens different timesteps.")
    return told.flatten()[:1]


def values(pipe: WanPipeline, calls: list[Captured], branch: str) -> dict[str, Tensor]:
    """From the conditional or the unconditional call of `WanTransformer3DModel`."""
    call = calls[("cond", "uncond").index(branch)]
    latents = call.inputs["hidden_states"]
    # diffusers' tables without their repetition.
    cos, sin = pipe.transformer.rope(latents)
    return {
        "latents": latents, "prompt_embeds": call.inputs["encoder_hidden_states"],
        "time_features": pipe.transformer.condition_embedder.timesteps_proj(one_timestep(call.inputs["timestep"])),
        "rope_cos": cos[..., 0::2], "rope_sin": sin[..., 1::2], "velocity": call.output,
    }


#: The wide run again, with cache hooks.
CACHED = {"width": 48, "height": 32, "frames": 5, "seed": 7, "guidance": 5.0, "watch": {"blocks.2.attn1.to_q": "blocks_1_3"}}

PARITY = Parity(
    name="wan",
    pipeline=tiny_wan,
    options=Options(cuts=(0, 1, 3, 4), text_tokens=MAX_TOKENS),
    about=About("tiny-wan", "Tiny Wan", "Apache-2.0", RUNS[0].width, RUNS[0].height, RUNS[0].frames, 16),
    prompt="a “red”  circle moves left &amp; on a ﬁne blue background",
    negative_prompt="cat",
    guidance=5.0,
    runs=RUNS,
    values=values,
    ids=ids,
    settings=Settings(variants=("fp16",)),
    arguments={"max_sequence_length": MAX_TOKENS},
    cached=(fbcache(0.3, **CACHED), magcache(**CACHED)),
)

if __name__ == "__main__":
    main(PARITY)
