"""Writes test/fixtures/models/cogvideox-sincos: a tiny random CogVideoX with added sinusoids, as in 2B.

    python python/parity/cogvideox_sincos.py
"""

from cached import fastercache, pab, taylorseer
from cogvideox import parity
from golden import Run, main

#: 17 frames are five latent frames, which the decoder takes three and two at a time; 9 are three.
#: Frames so large that there are low frequencies beside the mean. Both branches are one call here.
CACHED = {
    "width": 80, "height": 48, "frames": 9, "seed": 7, "guidance": 6.0,
    "watch": {"transformer_blocks.1.attn1.to_q": "self_attn_1", "transformer_blocks.1.ff.net.0.proj": "ff_1"},
}

PARITY = parity(
    "cogvideox-sincos",
    rotary=False,
    runs=(Run("tall", 16, 32, 9, 5), Run("wide", 32, 16, 17, 23)),
    cached=(
        taylorseer(r"transformer_blocks\.\d+\.(attn1|ff)", **CACHED),
        pab((100, 850), None, **CACHED),
        fastercache(False, "BFCHW", **CACHED),
    ),
)

if __name__ == "__main__":
    main(PARITY)
