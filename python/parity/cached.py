"""Runs with diffusers' own cache hooks, and the engine's policies that have to give the same."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers import (
    DiffusionPipeline,
    FasterCacheConfig,
    FirstBlockCacheConfig,
    MagCacheConfig,
    PyramidAttentionBroadcastConfig,
    TaylorSeerCacheConfig,
)
from torch import Tensor


#: Of the stack residual from step to step, made up; the products leave 1 now and then.
MAG_RATIOS = (1, 1.05, 1.02, 0.99, 1.01, 1, 0.99, 1.02, 0.98, 1.01, 0.99, 1, 1.01, 0.98, 0.97, 0.98, 0.95, 0.96, 0.94, 0.9)


@dataclass(frozen=True)
class Cached:
    """One run with a hook."""

    name: str
    width: int
    height: int
    frames: int
    seed: int
    guidance: float
    #: The hook's configuration.
    hook: Callable[[DiffusionPipeline], object]
    #: The `cache` of a request to the engine that means the same.
    policy: dict
    #: Layers of the transformer, each with the engine's graph that holds it: how often it runs shows what was reused.
    watch: dict[str, str]


class Watch:
    """Notes how many rows a layer computes in each step, a digit each; both branches of guidance are a row."""

    def __init__(self, model: torch.nn.Module, layer: str):
        self.rows, self.steps = 0, ""
        self.handle = model.get_submodule(layer).register_forward_hook(self.note)

    def note(self, _layer, inputs: tuple, _output) -> None:
        self.rows += inputs[0].shape[0]

    def step(self) -> None:
        self.steps += str(self.rows)
        self.rows = 0


@torch.no_grad()
def run_cached(pipe: DiffusionPipeline, arguments: dict, steps: int, cached: Cached) -> tuple[Tensor, dict]:
    """The latents after the last step, and what `golden.json` says of the run."""
    watches = {graph: Watch(pipe.transformer, layer) for layer, graph in cached.watch.items()}
    kept: dict[str, Tensor] = {}

    def end(_pipe, _step: int, _t, values: dict) -> dict:
        kept["latents"] = values["latents"]
        for watch in watches.values():
            watch.step()
        return {}

    pipe.transformer.enable_cache(cached.hook(pipe))
    try:
        pipe(
            width=cached.width, height=cached.height, num_frames=cached.frames, num_inference_steps=steps,
            guidance_scale=cached.guidance, generator=torch.Generator().manual_seed(cached.seed),
            output_type="latent", callback_on_step_end=end, **arguments,
        )
    finally:
        pipe.transformer.disable_cache()
        for watch in watches.values():
            watch.handle.remove()
    return kept["latents"], {
        "name": cached.name, "width": cached.width, "height": cached.height, "frames": cached.frames,
        "seed": cached.seed, "guidance": cached.guidance, "policy": cached.policy,
        "computed": {graph: watch.steps for graph, watch in watches.items()},
    }


def fbcache(threshold: float, watch: dict[str, str], **run) -> Cached:
    return Cached(
        name="fbcache", **run, watch=watch, hook=lambda _: FirstBlockCacheConfig(threshold=threshold),
        policy={"policy": "fbcache", "threshold": threshold},
    )


def magcache(watch: dict[str, str], **run) -> Cached:
    """diffusers never forces the last step, which the engine's policy does unless it is told otherwise."""
    settings = {"threshold": 0.12, "max_skip_steps": 3, "retention_ratio": 0.2}
    ratios = [float(ratio) for ratio in MAG_RATIOS]
    return Cached(
        name="magcache", **run, watch=watch,
        hook=lambda _: MagCacheConfig(**settings, num_inference_steps=len(ratios), mag_ratios=ratios),
        policy={"policy": "magcache", **settings, "mag_ratios": {"cond": ratios}, "force_last": False},
    )


def taylorseer(modules: str, watch: dict[str, str], **run) -> Cached:
    """diffusers computes again two steps after the last of the first ones, whatever the interval."""
    return Cached(
        name="taylorseer", **run, watch=watch,
        hook=lambda _: TaylorSeerCacheConfig(
            cache_interval=3, disable_cache_before_step=3, max_order=2, taylor_factors_dtype=torch.float32,
            cache_identifiers=[modules],
        ),
        policy={"policy": "taylorseer", "interval": 3, "first_enhance": 3, "first_interval": 2, "order": 2},
    )


def pab(timesteps: tuple[int, int], cross: int | None, watch: dict[str, str], **run) -> Cached:
    return Cached(
        name="pab", **run, watch=watch,
        hook=lambda pipe: PyramidAttentionBroadcastConfig(
            spatial_attention_block_skip_range=2, spatial_attention_timestep_skip_range=timesteps,
            cross_attention_block_skip_range=cross, cross_attention_timestep_skip_range=timesteps,
            current_timestep_callback=lambda: pipe.current_timestep,
        ),
        policy={
            "policy": "pab", "self_attention_range": 2, "cross_attention_range": cross or 1, "timesteps": timesteps,
        },
    )


def fastercache(distilled: bool, tensor_format: str, watch: dict[str, str], **run) -> Cached:
    """Extrapolates from extrapolated attention, too. Without guidance by two branches only its attention half works."""
    start = 981 if distilled else 941
    return Cached(
        name="fastercache", **run, watch=watch,
        hook=lambda pipe: FasterCacheConfig(
            spatial_attention_timestep_skip_range=(-1, start), unconditional_batch_timestep_skip_range=(-1, start),
            attention_weight_callback=lambda _: 0.3, tensor_format=tensor_format, is_guidance_distilled=distilled,
            current_timestep_callback=lambda: pipe.current_timestep,
        ),
        policy={
            "policy": "fastercache", "below_timestep": start, "attention_weight": 0.3, "history": "outputs",
        },
    )
