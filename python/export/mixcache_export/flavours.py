"""The forms of a bundle's graphs: the plain ones, and variants that can stand in for them."""

from dataclasses import dataclass, replace

import torch
from mixcache_models.attention import Kind
from mixcache_models.program import ModelError


@dataclass(frozen=True)
class Flavour:
    """One form. What it gives is compared with float32's: by difference where `cosine` is None."""

    id: str
    description: str
    attention: Kind
    dtype: torch.dtype = torch.float32
    #: "weight_only" or "dynamic".
    quantised: str | None = None
    #: The least cosine with the float32 reference.
    cosine: float | None = None
    #: What the names of its graphs and of its weights end with, before ".onnx" and after the unit's name.
    suffix: str = ""
    weights: str = ".data"


#: Below this a quantised graph is broken; how good it is, is measured and said.
NONSENSE = 0.9

ATTENTION = {"fused": "one operator for attention", "portable": "attention as products and a softmax"}
PRECISIONS = {
    "fp32": {"description": "float32"},
    "fp16": {
        "description": "half-precision weights and products; norms, modulation and sums in float32",
        "dtype": torch.float16, "cosine": 0.9999,
    },
    "int8": {
        "description": "8-bit weights, a scale for every 32 (MatMulNBits); activations stay float32",
        "quantised": "weight_only", "cosine": NONSENSE,
    },
    "int8_dynamic": {
        "description": "products of 8-bit integers; activations are rounded with one scale per tensor",
        "quantised": "dynamic", "cosine": NONSENSE,
    },
}


def flavours(attention: Kind, variants: tuple[str, ...], dtype: str = "fp32") -> list[Flavour]:
    """The plain form first.

    @throws ModelError where a variant is unknown, or is the plain form itself.
    """
    base = Flavour("", attention=attention, **PRECISIONS[dtype])
    made = [base]
    for name in dict.fromkeys(variants):
        suffix = f".{name}"
        if name in PRECISIONS and name != dtype:
            made.append(Flavour(name, attention=attention, suffix=suffix, weights=f"{suffix}.data", **PRECISIONS[name]))
        elif name in ATTENTION and name != attention:
            made.append(replace(base, id=name, description=ATTENTION[name], attention=name, suffix=suffix))
        elif name in PRECISIONS or name in ATTENTION:
            raise ModelError(f"{name} is what the plain graphs are: leave it out of --variants.")
        else:
            raise ModelError(f"There is no variant {name}; there are {', '.join([*PRECISIONS, *ATTENTION])}.")
    return made
