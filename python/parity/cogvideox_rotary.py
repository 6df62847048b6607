"""Writes test/fixtures/models/cogvideox-rotary: a tiny random CogVideoX with rotary positions, as in 5B.

    python python/parity/cogvideox_rotary.py
"""

from cogvideox import parity
from golden import Run, main

#: 17 frames are five latent frames, which the decoder takes three and two at a time; 9 are three.
PARITY = parity("cogvideox-rotary", rotary=True, runs=(Run("wide", 48, 16, 17, 3), Run("square", 24, 24, 9, 29)))

if __name__ == "__main__":
    main(PARITY)
