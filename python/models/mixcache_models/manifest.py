"""Parts of the manifest that several families share (docs/bundle-format.md)."""

import diffusers

from .program import ModelError


def binding(*names: str, **renamed: str) -> dict[str, str]:
    """Graph tensors and the values they are: equal names, and pairs of other ones."""
    return {name: name for name in names} | renamed


def times(flops: dict[str, float], factor: float) -> dict[str, float]:
    return {term: factor * number for term, number in flops.items()}


def scheduler(made: diffusers.SchedulerMixin) -> dict:
    """The scheduler of the folder, where the engine has it."""
    config = made.config
    name = type(made).__name__
    flow = config.get("prediction_type") == "flow_prediction" and config.get("use_flow_sigmas")
    if name == "UniPCMultistepScheduler" and flow and config.solver_type == "bh2" and config.solver_order in (1, 2):
        return {"kind": "unipc", "shift": config.flow_shift, "order": config.solver_order}
    if name == "FlowMatchEulerDiscreteScheduler" and not config.use_dynamic_shifting:
        return {"kind": "flow_match_euler", "shift": config.shift}
    if name == "CogVideoXDDIMScheduler" and is_v_prediction(config):
        return {
            "kind": "ddim", "beta_start": config.beta_start, "beta_end": config.beta_end,
            "snr_shift": config.snr_shift_scale,
        }
    raise ModelError(
        f"The folder's scheduler is {name} with settings that the engine does not have. Use UniPCMultistepScheduler "
        "with flow_prediction, use_flow_sigmas and bh2, FlowMatchEulerDiscreteScheduler without dynamic shifting, or "
        "CogVideoXDDIMScheduler with v_prediction, scaled_linear, rescale_betas_zero_snr and trailing."
    )


def is_v_prediction(config) -> bool:
    """The schedule that CogVideoX was trained with, and no other."""
    return (
        config.prediction_type == "v_prediction" and config.beta_schedule == "scaled_linear"
        and config.trained_betas is None and config.num_train_timesteps == 1000 and config.rescale_betas_zero_snr
        and config.timestep_spacing == "trailing" and config.set_alpha_to_one
    )
