"""Writes test/fixtures/models/hunyuan-video: a tiny random HunyuanVideo, and what diffusers' pipeline makes of it.

    python python/parity/hunyuan_video.py
"""

from cached import fbcache, magcache
from diffusers import HunyuanVideoPipeline
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video import DEFAULT_PROMPT_TEMPLATE
from golden import Captured, Parity, Run, main
from mixcache_models.program import About, Options
from tiny.hunyuan_video import tiny_hunyuan_video
from torch import Tensor

#: One not square; 9 frames are an odd number of latent frames, 5 an even one; a single picture.
RUNS = (Run("wide", 48, 32, 9, 7), Run("square", 32, 32, 5, 11), Run("picture", 16, 48, 1, 5))
#: Size and stride of the decoder's tiles in frames, rows and columns of video: the wide run needs several of columns
#: and of frames, the square run one.
TILES = ((8, 4), (32, 24), (32, 24))


def tile(pipe: HunyuanVideoPipeline) -> None:
    (frames, frame_stride), (height, row_stride), (width, column_stride) = TILES
    pipe.vae.enable_tiling(height, width, frames, row_stride, column_stride, frame_stride)


def ids(pipe: HunyuanVideoPipeline, text: str) -> dict[str, list[int]]:
    """Without padding: the language model reads the template, CLIP the text alone."""
    template, start = DEFAULT_PROMPT_TEMPLATE["template"], DEFAULT_PROMPT_TEMPLATE["crop_start"]
    told = pipe.tokenizer([template.format(text)], max_length=256 + start, truncation=True)
    return {"text": told.input_ids[0], "text_2": pipe.tokenizer_2([text], max_length=77, truncation=True).input_ids[0]}


def values(pipe: HunyuanVideoPipeline, calls: list[Captured], _branch: str) -> dict[str, Tensor]:
    """From the one call of `HunyuanVideoTransformer3DModel`; of its padded text what the mask leaves."""
    call = calls[0].inputs
    kept = int(call["encoder_attention_mask"].sum())
    make_features = pipe.transformer.time_text_embed.time_proj
    # diffusers' tables without their repetition.
    cos, sin = (table[None, :, None, 0::2] for table in pipe.transformer.rope(call["hidden_states"]))
    return {
        "latents": call["hidden_states"], "prompt_embeds": call["encoder_hidden_states"][:, :kept],
        "pooled": call["pooled_projections"], "time_features": make_features(call["timestep"]),
        "guidance_features": make_features(call["guidance"]), "rope_cos": cos, "rope_sin": sin,
        "velocity": calls[0].output,
    }


#: The square run again, with cache hooks.
CACHED = {
    "width": 32, "height": 32, "frames": 5, "seed": 11, "guidance": 6.0,
    "watch": {"transformer_blocks.1.attn.to_q": "blocks_1_2", "single_transformer_blocks.0.attn.to_q": "blocks_2_4"},
}

PARITY = Parity(
    name="hunyuan-video",
    pipeline=tiny_hunyuan_video,
    options=Options(cuts=(0, 1, 2, 4), tiles=TILES),
    about=About(
        "tiny-hunyuan-video", "Tiny HunyuanVideo", "Apache-2.0", RUNS[0].width, RUNS[0].height, RUNS[0].frames, 16
    ),
    prompt="A Red circle moves left on a blue background; 2 caf\u00e9 cats aren't asleep!",
    negative_prompt=None,
    guidance=6.0,
    runs=RUNS,
    values=values,
    ids=ids,
    calls_per_step=1,
    prepare=tile,
    cached=(fbcache(0.6, **CACHED), magcache(**CACHED)),
)

if __name__ == "__main__":
    main(PARITY)
