"""Which transformers of a Wan folder serve which noise levels (diffusers `WanPipeline`), and what each was made for."""

from dataclasses import dataclass

from diffusers import WanTransformer3DModel

from ..folder import Folder
from ..program import ModelError


@dataclass(frozen=True)
class Expert:
    """One transformer of the folder."""

    #: Of the denoiser in the manifest.
    id: str
    component: str
    model: WanTransformer3DModel
    #: It serves timesteps from the first up to the second, in thousands.
    noise_levels: tuple[float, float]
    #: Of the published model.
    guidance: float
    #: Of its programs' names.
    prefix: str = ""


@dataclass(frozen=True)
class Published:
    """What the published models are made for."""

    width: int
    height: int
    frames: int
    fps: int
    steps: int


WAN_21 = Published(832, 480, 81, 16, 50)
WAN_22_EXPERTS = Published(832, 480, 81, 16, 40)
WAN_22_SMALL = Published(1280, 704, 121, 24, 50)


def published(folder: Folder) -> Published:
    """diffusers' folders tell them apart by the pipeline's settings."""
    if folder.has("transformer_2"):
        return WAN_22_EXPERTS
    return WAN_22_SMALL if folder.index.get("expand_timesteps") else WAN_21


def experts_of(folder: Folder) -> list[Expert]:
    """In the order in which they serve: from high noise to low.

    @throws ModelError where the folder's settings and transformers do not fit together.
    """
    ratio = folder.index.get("boundary_ratio")
    names = [name for name in ("transformer", "transformer_2") if folder.has(name)]
    models = [transformer(folder, name) for name in names]
    if ratio is None and names == ["transformer"]:
        # With one timestep for every token, as expand_timesteps has it, all tokens of a text to video have the same.
        return [Expert("main", "transformer", models[0], (0, 1), 5)]
    if ratio is None or len(names) != 2:
        raise ModelError(
            f"{folder.path} has {' and '.join(names) or 'no transformer'} and the boundary_ratio {ratio}: two experts "
            "and the boundary between them belong together. Download the folder again."
        )
    if not isinstance(ratio, int | float) or not 0 < ratio < 1:
        index = folder.path / "model_index.json"
        raise ModelError(f"The boundary_ratio in {index} is {ratio}; it must be between 0 and 1.")
    high, low = models
    for name in ("in_channels", "out_channels", "patch_size", "text_dim"):
        if high.config[name] != low.config[name]:
            raise ModelError(
                f"The two transformers of {folder.path} differ in {name}: they are not experts of one model."
            )
    return [
        Expert("high_noise", "transformer", high, (ratio, 1), 4, "high_noise_"),
        Expert("low_noise", "transformer_2", low, (0, ratio), 3, "low_noise_"),
    ]


def transformer(folder: Folder, name: str) -> WanTransformer3DModel:
    if folder.class_of(name) is not WanTransformer3DModel:
        raise ModelError(f"The {name} of {folder.path} is no WanTransformer3DModel.")
    model = folder.component(name)
    if model.config.image_dim is not None or model.config.added_kv_proj_dim is not None:
        raise ModelError("Only text to video can be used: this transformer also reads an image.")
    return model
