"""HunyuanVideo 1.5 (diffusers `HunyuanVideo15Pipeline`)."""
