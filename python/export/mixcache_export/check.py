"""Compares graphs with PyTorch in ONNX Runtime on the CPU."""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

#: Largest difference, as a share of the largest value of the tensor where that is above 1.
TOLERANCE = 1e-5
#: The same for frames, which many calls of the decoder made one after the other.
FRAMES, FRAMES_TOLERANCE = "decoded frames", 1e-4


class Check:
    """Runs graphs and notes how far they are from their references."""

    def __init__(self, folder: Path):
        self.folder, self.worst, self.sessions = folder, {}, {}

    def run(self, name: str, inputs: dict[str, Tensor]) -> list[Tensor]:
        if name not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.log_severity_level = 1, 3
            # One session at a time: a segment of a real model fills much of the memory.
            self.sessions = {name: onnxruntime.InferenceSession(
                str(self.folder / f"{name}.onnx"), options, providers=["CPUExecutionProvider"]
            )}
        outputs = self.sessions[name].run(None, {key: value.numpy() for key, value in inputs.items()})
        return [torch.from_numpy(np.array(output)) for output in outputs]

    def compare(self, name: str, outputs: list[Tensor], references: list[Tensor]) -> None:
        for output, reference in zip(outputs, references, strict=True):
            if output.shape != reference.shape:
                raise SystemExit(f"{name} gives {list(output.shape)} instead of {list(reference.shape)}.")
            scale = max(1.0, reference.abs().max().item())
            error = (output - reference).abs().max().item() / scale
            self.worst[name] = max(self.worst.get(name, 0.0), error)

    def report(self) -> bool:
        fine = {name: error <= (FRAMES_TOLERANCE if name == FRAMES else TOLERANCE) for name, error in self.worst.items()}
        for name, error in self.worst.items():
            print(f"{name:20} {error:10.2e}{'' if fine[name] else '  FAILED'}")
        return all(fine.values())
