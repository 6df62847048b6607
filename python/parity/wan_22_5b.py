"""Writes test/fixtures/models/wan-2.2-5b: a timestep for every token, 16 x 16 x 4 compression, a residual decoder, modules.

    python python/parity/wan_22_5b.py
"""

from cached import fastercache, pab, taylorseer
from golden import Parity, Run, main
from mixcache_models.program import About, Options
from tiny.wan import MAX_TOKENS
from tiny.wan_22 import tiny_wan_22_5b
from wan import ids, values

#: Frames are large here: two latent pixels a token, 16 pixels each.
RUNS = (Run("wide", 64, 32, 5, 7), Run("square", 32, 32, 9, 11))

#: The wide run again, with cache hooks inside the blocks.
CACHED = {
    "width": 64, "height": 32, "frames": 5, "seed": 7,
    "watch": {
        "blocks.1.attn1.to_q": "self_attn_1", "blocks.1.attn2.to_q": "cross_attn_1", "blocks.1.ffn.net.0.proj": "ff_1",
    },
}

PARITY = Parity(
    name="wan-2.2-5b",
    pipeline=tiny_wan_22_5b,
    options=Options(cuts=(0, 1, 2), text_tokens=MAX_TOKENS, modules=True),
    about=About("tiny-wan-2.2-5b", "Tiny Wan 2.2 5B", "Apache-2.0", 64, 32, 5, 24),
    prompt="a red circle moves left on a blue background",
    negative_prompt="cat",
    guidance=5.0,
    runs=RUNS,
    values=values,
    ids=ids,
    arguments={"max_sequence_length": MAX_TOKENS},
    # The hooks of PAB and FasterCache can't tell the two calls of a step apart, so these have one.
    cached=(
        taylorseer(r"blocks\.\d+\.(attn1|attn2|ffn)", **CACHED, guidance=5.0),
        pab((100, 980), 4, **CACHED, guidance=1.0),
        fastercache(True, "BCFHW", **CACHED, guidance=1.0),
    ),
)

if __name__ == "__main__":
    main(PARITY)
