"""Writes test/fixtures/models/hunyuan-video-1.5: a tiny random HunyuanVideo 1.5, and what diffusers makes of it.

    python python/parity/hunyuan_video_15.py

The prompt quotes two texts, the negative prompt none: that branch has no glyph tokens at all.
"""

import torch
from diffusers import HunyuanVideo15Pipeline
from diffusers.pipelines.hunyuan_video1_5.pipeline_hunyuan_video1_5 import extract_glyph_texts, format_text_input
from golden import Captured, Parity, Run, main
from mixcache_models.program import About, Options
from tiny.hunyuan_video_15 import tiny_hunyuan_video_15
from torch import Tensor

#: One not square; 9 frames are an odd number of latent frames, 7 an even one.
RUNS = (Run("wide", 28, 20, 9, 7), Run("square", 16, 16, 7, 11))
#: Size and stride of the decoder's tiles in frames, which it has none of, rows and columns of video: the wide run needs
#: two of rows and three of columns, the square run one.
TILES = ((0, 0), (16, 12), (16, 12))


def tile(pipe: HunyuanVideo15Pipeline) -> None:
    _, (height, _), (width, _) = TILES
    space = pipe.vae.spatial_compression_ratio
    pipe.vae.enable_tiling(height, width, height // space, width // space)


def ids(pipe: HunyuanVideo15Pipeline, text: str) -> dict[str, list[int]]:
    """Without padding; ByT5's of what is quoted, or none at all."""
    talk = format_text_input([text], pipe.system_message)[0]
    told = pipe.tokenizer.apply_chat_template(
        talk, add_generation_prompt=True, tokenize=True, return_dict=True, max_length=1108, truncation=True
    )
    quoted = extract_glyph_texts(text)
    glyphs = [] if quoted is None else pipe.tokenizer_2(quoted, max_length=256, truncation=True).input_ids
    return {"text": list(told["input_ids"]), "text_2": glyphs}


def values(pipe: HunyuanVideo15Pipeline, calls: list[Captured], branch: str) -> dict[str, Tensor]:
    """From the conditional or the unconditional call of the transformer; of its padded texts what the masks leave."""
    call = calls[("cond", "uncond").index(branch)]
    latents = call.inputs["hidden_states"][:, : pipe.transformer.config.out_channels]

    def kept(name: str) -> Tensor:
        mask = call.inputs[name.replace("hidden_states", "attention_mask")].bool()
        return call.inputs[name][mask].unsqueeze(0)

    # diffusers' tables without their repetition.
    cos, sin = (table[None, :, None, 0::2] for table in pipe.transformer.rope(latents))
    return {
        "latents": latents, "prompt_embeds": kept("encoder_hidden_states"),
        "glyph_embeds": kept("encoder_hidden_states_2"), "rope_cos": cos, "rope_sin": sin,
        "time_features": pipe.transformer.time_embed.time_proj(call.inputs["timestep"]), "velocity": call.output,
    }


@torch.no_grad()
def run(pipe: HunyuanVideo15Pipeline, parity: Parity, about: Run) -> dict[str, Tensor]:
    """This pipeline has its guidance in a guider and calls nobody back: the scheduler tells the latents."""
    if pipe.guider.guidance_scale != parity.guidance:
        raise SystemExit(f"The guider's scale is {pipe.guider.guidance_scale} instead of {parity.guidance}.")
    kept: dict[str, Tensor] = {}
    step = type(pipe.scheduler).step

    def note(*args, **kwargs):
        stepped = step(pipe.scheduler, *args, **kwargs)
        kept["latents"] = stepped[0]
        return stepped

    pipe.scheduler.step = note
    try:
        frames = pipe(
            prompt=parity.prompt, negative_prompt=parity.negative_prompt, width=about.width, height=about.height,
            num_frames=about.frames, num_inference_steps=parity.steps,
            generator=torch.Generator().manual_seed(about.seed), output_type="pt",
        ).frames
    finally:
        del pipe.scheduler.step
    return {f"{about.name}_latents": kept["latents"], f"{about.name}_frames": frames}


PARITY = Parity(
    name="hunyuan-video-1.5",
    pipeline=tiny_hunyuan_video_15,
    options=Options(cuts=(0, 1, 3), tiles=TILES),
    about=About(
        "tiny-hunyuan-video-1.5", "Tiny HunyuanVideo 1.5", "Apache-2.0", RUNS[0].width, RUNS[0].height,
        RUNS[0].frames, 24,
    ),
    prompt='a red sign says "Caf\u00e9 9" on  the left, “neon” on the right and "Caf\u00e9 9" again',
    negative_prompt="the cat",
    guidance=6.0,
    runs=RUNS,
    values=values,
    ids=ids,
    prepare=tile,
    run=run,
)

if __name__ == "__main__":
    main(PARITY)
