"""Widths that diffusers fixes in code, narrowed: at their own a tiny model would weigh megabytes.

Whatever builds a tiny model from its folder imports this first.
"""

from diffusers.models.transformers import transformer_hunyuan_video15 as hunyuan_video_15

#: In place of 2048.
GLYPH_WIDTH = 24


class NarrowGlyphProjection(hunyuan_video_15.HunyuanVideo15ByT5TextProjection):
    """The projection of quoted texts with narrow layers."""

    def __init__(self, in_features: int, hidden_size: int, out_features: int):
        super().__init__(in_features, min(hidden_size, GLYPH_WIDTH), out_features)


hunyuan_video_15.HunyuanVideo15ByT5TextProjection = NarrowGlyphProjection
