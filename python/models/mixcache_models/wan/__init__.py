"""Wan, text to video (diffusers `WanPipeline`)."""
