"""What is measured: published architectures, and the same so small that a CPU runs them."""

from mixcache_models.published import PUBLISHED, Published, hunyuan, wan

#: With the best published time of a step on an H100, in seconds, and whose it is.
BEST_STEP = {"wan-1.3b": None, "wan-14b": (5.18, "LightX2V, I2V 14B 480p, H100"), "hunyuan-video": None}
CASES = tuple(model for model in PUBLISHED if model.name in BEST_STEP)
#: To see that the script works.
TINY: tuple[Published, ...] = (
    wan("wan-tiny", "tiny Wan", 1, 3, 128, (0, 1, 3), width=64, height=48, frames=9),
    hunyuan("hunyuan-video-tiny", "tiny HunyuanVideo", (1, 1), 1, (0, 1, 2), width=64, height=48, frames=9, text=8),
)
