"""HunyuanVideo, text to video (diffusers `HunyuanVideoPipeline`)."""
