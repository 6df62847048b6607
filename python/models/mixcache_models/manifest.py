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
    raise ModelError(
        f"The folder's scheduler is {name} with settings that the engine does not have. Use UniPCMultistepScheduler "
        "with flow_prediction, use_flow_sigmas and bh2, or FlowMatchEulerDiscreteScheduler without dynamic shifting."
    )
