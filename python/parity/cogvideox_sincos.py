"""Writes test/fixtures/models/cogvideox-sincos: a tiny random CogVideoX with added sinusoids, as in 2B.

    python python/parity/cogvideox_sincos.py
"""

from cogvideox import parity
from golden import Run, main

#: 17 frames are five latent frames, which the decoder takes three and two at a time; 9 are three.
PARITY = parity("cogvideox-sincos", rotary=False, runs=(Run("tall", 16, 32, 9, 5), Run("wide", 32, 16, 17, 23)))

if __name__ == "__main__":
    main(PARITY)
