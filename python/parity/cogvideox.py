"""What the two tiny CogVideoX fixtures share (python/parity/cogvideox_sincos.py and cogvideox_rotary.py)."""

from functools import partial

from cached import Cached
from diffusers import CogVideoXPipeline
from golden import Captured, Parity, Run
from mixcache_models.cogvideox.programs import rotates
from mixcache_models.cogvideox.reference import position_tables
from mixcache_models.program import About, Options, Size
from tiny.cogvideox import MAX_TOKENS, tiny_cogvideox
from torch import Tensor


def ids(pipe: CogVideoXPipeline, text: str) -> dict[str, list[int]]:
    told = pipe.tokenizer([text], padding="max_length", max_length=MAX_TOKENS, truncation=True)
    return {"text": told.input_ids[0]}


def values(pipe: CogVideoXPipeline, calls: list[Captured], branch: str) -> dict[str, Tensor]:
    """From the one call of a step, whose batch is the unconditional branch and the conditional one."""
    inputs, at = calls[0].inputs, slice(1, 2) if branch == "cond" else slice(0, 1)
    latents, model = inputs["hidden_states"][at], pipe.transformer
    _, frames, _, rows, columns = latents.shape
    if rotates(model):
        # diffusers' tables without their repetition.
        cos, sin = inputs["image_rotary_emb"]
        positions = {"rope_cos": cos[None, :, None, 0::2], "rope_sin": sin[None, :, None, 1::2]}
    else:
        positions = position_tables(model, Size(frames, rows, columns))
    return {
        "latents": latents, "prompt_embeds": inputs["encoder_hidden_states"][at],
        "time_features": model.time_proj(inputs["timestep"][at]), **positions, "velocity": calls[0].output[at],
    }


def noise_level(pipe: CogVideoXPipeline, step: int) -> float:
    return (1 - pipe.scheduler.alphas_cumprod[pipe.scheduler.timesteps[step]]).sqrt().item()


def parity(name: str, rotary: bool, runs: tuple[Run, Run], cached: tuple[Cached, ...] = ()) -> Parity:
    """The fixture of that name; its default size is the first run's. It has modules where cached runs need them."""
    first = runs[0]
    return Parity(
        name=name,
        pipeline=partial(tiny_cogvideox, rotary),
        options=Options(cuts=(0, 1, 2), modules=bool(cached)),
        about=About(f"tiny-{name}", f"Tiny {name}", "Apache-2.0", first.width, first.height, first.frames),
        prompt="a green square moves up on a red background",
        negative_prompt="dog sleeps",
        guidance=6.0,
        runs=runs,
        values=values,
        ids=ids,
        calls_per_step=1,
        arguments={"max_sequence_length": MAX_TOKENS},
        sigma=noise_level,
        cached=cached,
    )
