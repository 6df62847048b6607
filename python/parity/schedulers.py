"""Writes test/fixtures/schedulers.json: what diffusers' schedulers do with a toy model.

    python3 -m venv VENV && VENV/bin/pip install torch==2.13.0 diffusers==0.42.1
    VENV/bin/python python/parity/schedulers.py

The toy model is elementwise and made of float32 products and sums only, each of which every language
rounds alike, so that a difference in the latents is a difference of the schedulers.
"""

import argparse
import base64
import json
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers import CogVideoXDDIMScheduler, FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler

STEPS = (1, 2, 3, 8, 20, 50)
SHIFTS = (1, 3, 5, 7)
#: DDIM: of the 2B and the 5B model of CogVideoX. 7 steps end above zero noise, 3 steps do not divide 1000.
SNR_SHIFTS, DDIM_STEPS = (3.0, 1.0), (1, 2, 3, 7, 20, 50)
SHAPE = (1, 4, 1, 2, 3)
SIZE = 24

# Binary fractions, so that JSON carries them exactly.
START = [((i * 37) % SIZE - 11.5) / 8 for i in range(SIZE)]
RATE = [(i - 10) / 16 for i in range(SIZE)]
BEND, SLOPE = 0.75, -1.25


def velocity(x: torch.Tensor, sigma: torch.Tensor, rate: torch.Tensor) -> torch.Tensor:
    """rate x + (bend sigma + slope) sigma."""
    return rate * x + (BEND * sigma + SLOPE) * sigma


def euler(shift: int, steps: int):
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    # HunyuanVideo's pipeline gives these; the scheduler's own spacing ends at the shifted 1/1000.
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 0.0, steps + 1)[:-1])
    return scheduler


def unipc(shift: int, steps: int, order: int):
    scheduler = UniPCMultistepScheduler(
        num_train_timesteps=1000,
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        flow_shift=shift,
        solver_order=order,
        solver_type="bh2",
        predict_x0=True,
        lower_order_final=True,
        final_sigmas_type="zero",
    )
    scheduler.set_timesteps(steps)
    return scheduler


def ddim(snr_shift: float, steps: int):
    """As in the checkpoints' folders; with `sigmas`, which the class lacks: the standard deviation of the noise."""
    scheduler = CogVideoXDDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=True,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        snr_shift_scale=snr_shift,
        timestep_spacing="trailing",
    )
    scheduler.set_timesteps(steps)
    end = scheduler.timesteps[-1].item() - 1000 // steps
    last = scheduler.final_alpha_cumprod.double() if end < 0 else scheduler.alphas_cumprod[end]
    alphas = torch.cat([scheduler.alphas_cumprod[scheduler.timesteps], last[None]])
    scheduler.sigmas = (1 - alphas).sqrt().float()
    return scheduler


def run(scheduler) -> dict:
    x = torch.tensor(START, dtype=torch.float32).reshape(SHAPE)
    rate = torch.tensor(RATE, dtype=torch.float32).reshape(SHAPE)
    # As pipelines may: UniPC's integer timesteps can repeat, and looking one up then starts at the second.
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)
    latents = []
    for sigma, timestep in zip(scheduler.sigmas, scheduler.timesteps):
        x = scheduler.step(velocity(x, sigma, rate), timestep, x, return_dict=False)[0]
        assert x.dtype == torch.float32
        latents.append(x.numpy().ravel())
    return {
        # The shortest decimals that round to these float32 values.
        "sigmas": [float(str(v)) for v in scheduler.sigmas.numpy()],
        "timesteps": [float(str(v)) for v in scheduler.timesteps.numpy()],
        "latents": base64.b64encode(np.stack(latents).astype("<f4").tobytes()).decode(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[2] / "test/fixtures/schedulers.json")
    output = parser.parse_args().output
    torch.set_num_threads(1)
    runs = []
    for shift in SHIFTS:
        for steps in STEPS:
            manifest = {"kind": "flow_match_euler", "shift": shift}
            runs.append({"manifest": manifest, "steps": steps, **run(euler(shift, steps))})
            # Order 1 is the same code with less history: two lengths of run are enough.
            for order in (1, 2) if steps in (3, 20) else (2,):
                manifest = {"kind": "unipc", "shift": shift, "order": order}
                runs.append({"manifest": manifest, "steps": steps, **run(unipc(shift, steps, order))})
    for snr_shift in SNR_SHIFTS:
        for steps in DDIM_STEPS:
            manifest = {"kind": "ddim", "beta_start": 0.00085, "beta_end": 0.012, "snr_shift": snr_shift}
            runs.append({"manifest": manifest, "steps": steps, **run(ddim(snr_shift, steps))})
    fixture = {
        "made_by": "python/parity/schedulers.py",
        "versions": {"diffusers": diffusers.__version__, "torch": torch.__version__, "numpy": np.__version__},
        "encoding": "latents: base64 of little-endian float32, [steps, 24], after each step",
        "toy": {"start": START, "rate": RATE, "bend": BEND, "slope": SLOPE},
        "runs": runs,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n  ".join(json.dumps(entry, separators=(",", ":")) for entry in runs)
    head = json.dumps({**fixture, "runs": []}, indent=1)
    output.write_text(head.replace('"runs": []', f'"runs": [\n  {lines}\n ]') + "\n")
    print(f"{output}: {len(runs)} runs, {output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
