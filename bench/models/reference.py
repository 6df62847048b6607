"""diffusers' own pipeline as a process that makes a video per line of its input.

    python bench/models/reference.py <diffusers folder> --threads 2

Reads JSON lines {prompt, negative_prompt, width, height, frames, steps, guidance, seed, text_tokens, latents, pixels}
and answers each with {text_ms, denoise_ms, decode_ms, cpu_ms}; `latents` and `pixels` are the files to write, raw
float32, pixels as [frames, 3, height, width] in 0 … 1.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import diffusers
import torch
from diffusers import WanPipeline
from torch import Tensor


class Watch:
    """Wall and CPU time at the moments that part a run: the first call of the transformer, and each step's end."""

    def __init__(self, pipe: WanPipeline):
        self.first: tuple[float, float] | None = None
        self.last = (0.0, 0.0)
        pipe.transformer.register_forward_pre_hook(self.begin)

    def begin(self, *_) -> None:
        if self.first is None:
            self.first = now()

    def end_of_step(self, _pipe, _step, _timestep, values: dict) -> dict:
        self.last, self.latents = now(), values["latents"]
        return {}


def now() -> tuple[float, float]:
    return time.perf_counter() * 1000, time.process_time() * 1000


def embeddings(pipe: WanPipeline, text: str, tokens: int) -> Tensor:
    """[1, tokens, text], zeros beyond the text, as the pipeline makes them (without its cleaning of the prompt)."""
    told = pipe.tokenizer([text], padding="max_length", max_length=tokens, truncation=True, return_tensors="pt")
    found = pipe.text_encoder(told.input_ids, told.attention_mask).last_hidden_state
    return found * told.attention_mask.unsqueeze(-1)


@torch.no_grad()
def video(pipe: WanPipeline, watch: Watch, job: dict) -> dict:
    began, watch.first = now(), None
    cond, uncond = (embeddings(pipe, job[name], job["text_tokens"]) for name in ("prompt", "negative_prompt"))
    encoded = now()
    frames = pipe(
        prompt_embeds=cond, negative_prompt_embeds=uncond, width=job["width"], height=job["height"],
        num_frames=job["frames"], num_inference_steps=job["steps"], guidance_scale=job["guidance"],
        generator=torch.Generator().manual_seed(job["seed"]), output_type="pt",
        callback_on_step_end=watch.end_of_step,
    ).frames
    ended = now()
    for name, tensor in (("latents", watch.latents), ("pixels", frames)):
        Path(job[name]).write_bytes(tensor.float().contiguous().numpy().astype("<f4").tobytes())
    return {
        "text_ms": encoded[0] - began[0], "denoise_ms": watch.last[0] - watch.first[0],
        "decode_ms": ended[0] - watch.last[0], "cpu_ms": watch.last[1] - watch.first[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    diffusers.utils.logging.disable_progress_bar()
    pipe = WanPipeline.from_pretrained(args.folder, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    watch = Watch(pipe)
    # Whatever a library prints must not be taken for an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    about = f"diffusers {diffusers.__version__}, torch {torch.__version__}"
    print(json.dumps({"ready": about}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(video(pipe, watch, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
