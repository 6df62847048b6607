"""Denoising steps as the engine makes them: the same calls with tensors of the same sizes, and Euler's step."""

import statistics
import time
from dataclasses import dataclass

import numpy as np
from client import Answer, Client
from mixcache_models.published import Published


@dataclass(frozen=True)
class Shape:
    """Sizes of a video in latents and tokens."""

    frames: int
    rows: int
    columns: int
    tokens: int
    text: int

    def dims(self, given: list[int | str]) -> list[int]:
        """A manifest's dims as numbers; names that are not of the video are the text's."""
        return [size if isinstance(size, int) else getattr(self, size, self.text) for size in given]


def shape_of(case: Published, manifest: dict) -> Shape:
    latents = manifest["latents"]
    frames_per, rows_per, columns_per = latents["compression"]
    frames, rows, columns = 1 + (case.frames - 1) // frames_per, case.height // rows_per, case.width // columns_per
    p_t, p_h, p_w = latents["patch"]
    return Shape(frames, rows, columns, (frames // p_t) * (rows // p_h) * (columns // p_w), case.text)


def flops_of(part: dict, shape: Shape) -> float:
    """By the manifest's polynomial."""
    sizes = {
        "constant": 1, "tokens": shape.tokens, "tokens_squared": shape.tokens**2, "text": shape.text,
        "tokens_text": shape.tokens * shape.text, "text_squared": shape.text**2,
    }
    return sum(factor * sizes[term] for term, factor in part["flops"].items())


def step_flops(denoiser: dict, shape: Shape) -> float:
    """Of one step, all branches."""
    return branches(denoiser) * sum(flops_of(segment, shape) for segment in denoiser["segments"])


def branches(denoiser: dict) -> int:
    return 2 if denoiser["guidance"]["kind"] == "cfg" else 1


class Drive:
    """Random values stand in for texts and tables: a product's time does not depend on the numbers."""

    def __init__(self, client: Client, manifest: dict, case: Published):
        self.client, self.denoiser = client, manifest["denoisers"][0]
        self.values, self.shape = self.denoiser["values"], shape_of(case, manifest)
        self.random = np.random.default_rng(0)
        self.crossed_bytes = 0
        self.unneeded: list[int] = []

    def call(self, header: dict, payload: bytes = b"") -> Answer:
        """As the engine does, it tells with the next call which tensors are no longer needed."""
        free, self.unneeded = self.unneeded, []
        return self.client.call(header, payload, free)

    def upload(self, name: str, array: np.ndarray) -> dict[str, int]:
        data = np.ascontiguousarray(array, dtype="<f4").tobytes()
        self.crossed_bytes += len(data)
        described = {"type": "upload", "tensors": [{"dtype": "float32", "dims": list(array.shape)}]}
        return {name: self.call(described, data).header["state"]["tensor"]["id"]}

    def upload_random(self, *kinds: str) -> dict[str, int]:
        """Every value of these kinds that no graph makes: bounded, as sines and cosines are."""
        made = {name for part in self.parts() for name in part["outputs"].values()}
        ids: dict[str, int] = {}
        for name, value in self.values.items():
            if value["kind"] in kinds and name not in made:
                ids |= self.upload(name, self.random.uniform(-1, 1, self.shape.dims(value["dims"])))
        return ids

    def parts(self) -> list[dict]:
        return [*self.denoiser.get("prompt_graphs", []), *self.denoiser["segments"]]

    def run(self, parts: list[dict], inputs: dict[str, int]) -> tuple[dict[str, int], float]:
        """What the graphs made, and the time that the device took for them."""
        steps = [
            {"id": part["graph"], "program": part["graph"].removesuffix(".onnx"), "inputs": part["inputs"],
             "outputs": part["outputs"]}
            for part in parts
        ]
        answer = self.call({"type": "run", "steps": steps, "inputs": inputs})
        return {name: held["id"] for name, held in answer.header["state"].items()}, sum(answer.device_ms)

    def read(self, number: int) -> np.ndarray:
        answer = self.call({"type": "read", "id": number})
        self.crossed_bytes += len(answer.payload)
        return np.frombuffer(answer.payload, "<f4").reshape(answer.header["tensors"][0]["dims"])

    def steps(self, count: int, warm_up: int) -> dict:
        """Times of `count` steps after some that are not counted."""
        programs = [part["graph"].removesuffix(".onnx") for part in self.parts()]
        started = time.perf_counter()
        self.call({"type": "load", "programs": programs})
        load_seconds = time.perf_counter() - started
        fixed = self.upload_random("shape", "prompt")
        if prompt_graphs := self.denoiser.get("prompt_graphs"):
            fixed |= self.run(prompt_graphs, fixed)[0]
        latents_name = next(name for name, value in self.values.items() if value["kind"] == "latents")
        output_name = next(name for name, value in self.values.items() if value["kind"] == "output")
        latents = self.random.standard_normal(self.shape.dims(self.values[latents_name]["dims"])).astype("<f4")
        walls, devices = [], []
        for index in range(warm_up + count):
            self.crossed_bytes, began, device = 0, time.perf_counter(), 0.0
            step = self.upload_random("step") | self.upload(latents_name, latents)
            velocity = np.zeros_like(latents)
            for _ in range(branches(self.denoiser)):
                made, device_ms = self.run(self.denoiser["segments"], fixed | step)
                device += device_ms / 1000
                velocity = velocity + self.read(made[output_name])
                self.unneeded += made.values()
            latents = latents - velocity / (count + warm_up)
            self.unneeded += step.values()
            if index >= warm_up:
                walls.append(time.perf_counter() - began)
                devices.append(device)
        stats = self.call({"type": "stats"}).header["stats"]
        return {
            "load_seconds": load_seconds, "step_seconds": walls, "device_seconds": devices,
            "median_seconds": statistics.median(walls),
            "outside_share": 1 - statistics.median(d / w for d, w in zip(devices, walls)),
            "crossed_bytes": self.crossed_bytes, "device_peak_bytes": stats["device_peak_bytes"],
            "resident_bytes": stats["resident_bytes"], "tensors_left": stats["tensors"],
            "finite": bool(np.isfinite(latents).all()), "tokens": self.shape.tokens,
            "tflop": step_flops(self.denoiser, self.shape) / 1e12,
        }
