"""Writes test/fixtures/models/wan-2.2-a14b: two experts, each with a guidance scale, that take turns in each run.

    python python/parity/wan_22_a14b.py
"""

from golden import Detail, Parity, Run, main
from mixcache_models.program import About, Options
from tiny.wan import MAX_TOKENS
from tiny.wan_22 import tiny_wan_22_a14b
from wan import ids, values

RUNS = (Run("tall", 16, 32, 9, 7), Run("square", 32, 32, 5, 11))
#: The step that the second expert is the first to serve, with 20 steps and a shift of 5.
SWITCH = 8

PARITY = Parity(
    name="wan-2.2-a14b",
    pipeline=tiny_wan_22_a14b,
    options=Options(cuts=(0, 1, 2), text_tokens=MAX_TOKENS),
    about=About("tiny-wan-2.2-a14b", "Tiny Wan 2.2 A14B", "Apache-2.0", 16, 32, 9, 16),
    prompt="a red circle moves left on a blue background",
    negative_prompt="cat",
    guidance=4.0,
    guidance_2=3.0,
    runs=RUNS,
    values=values,
    ids=ids,
    arguments={"max_sequence_length": MAX_TOKENS, "guidance_scale_2": 3.0},
    details=(Detail(3, "high_noise"), Detail(14, "low_noise", "transformer_2", since=SWITCH)),
)

if __name__ == "__main__":
    main(PARITY)
