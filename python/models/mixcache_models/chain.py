"""The order in which a manifest's graphs run, and the values that pass between them."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Call:
    """One graph in its place: its tensors, each with the name of the value."""

    graph: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    #: What values pass between: the id of a text encoder or of a denoiser, or "decoder".
    group: str


def calls(manifest: dict) -> Iterator[Call]:
    """All graphs in the order of use; the decoder's second graph twice, so that its state passes on."""
    for encoder in manifest["text_encoders"]:
        inputs = {name: name for name in encoder["inputs"].values()}
        outputs = {name: output["value"] for name, output in encoder["outputs"].items()}
        yield Call(program_of(encoder["graph"]), inputs, outputs, encoder["id"])
    for denoiser in manifest["denoisers"]:
        for part in [*denoiser.get("prompt_graphs", []), *denoiser["segments"]]:
            yield Call(program_of(part["graph"]), part["inputs"], part["outputs"], denoiser["id"])
    for name in ("first", "next", "next"):
        if part := manifest["decoder"].get(name):
            yield Call(program_of(part["graph"]), part["inputs"], part["outputs"], "decoder")


def program_of(graph: str) -> str:
    return graph.removesuffix(".onnx")


def take(call: Call, example: dict[str, Tensor], state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A call's inputs in the graph's order: from the state, else from the example, which the state then keeps."""
    if call.group == "decoder":
        # Every call of the decoder has latents of its own.
        state.pop("latents", None)
    for name, value in example.items():
        state.setdefault(call.inputs[name], value)
    return {name: state[call.inputs[name]] for name in example}


def give(call: Call, names: tuple[str, ...], outputs: tuple[Tensor, ...], state: dict[str, Tensor]) -> None:
    """A call's outputs become values."""
    state |= {call.outputs[name]: output for name, output in zip(names, outputs, strict=True) if name in call.outputs}
