"""Tiny pipelines with random weights: the classes are the real ones, the sizes those of diffusers' own tests."""
