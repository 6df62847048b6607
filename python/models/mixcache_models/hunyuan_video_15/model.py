"""HunyuanVideo 1.5 as a Model: which folders are ones."""

from diffusers import AutoencoderKLHunyuanVideo15, ClassifierFreeGuidance, HunyuanVideo15Transformer3DModel
from transformers import ByT5Tokenizer, Qwen2_5_VLTextModel, T5EncoderModel

from ..folder import Folder
from ..program import About, ModelError, Options
from .manifest import manifest
from .parts import HunyuanVideo15Parts

CLASSES = {
    "transformer": HunyuanVideo15Transformer3DModel, "vae": AutoencoderKLHunyuanVideo15,
    "text_encoder": Qwen2_5_VLTextModel, "text_encoder_2": T5EncoderModel, "tokenizer_2": ByT5Tokenizer,
    "guider": ClassifierFreeGuidance,
}


class HunyuanVideo15(HunyuanVideo15Parts):
    """HunyuanVideo 1.5, text to video, with guidance by two runs or distilled into one."""

    def manifest(self, about: About) -> dict:
        return manifest(self, about)


def open_model(folder: Folder, options: Options) -> HunyuanVideo15:
    """@throws ModelError where the folder's model has parts that the programs do not have."""
    for component, kind in CLASSES.items():
        if folder.class_of(component) is not kind:
            raise ModelError(f"The {component} of {folder.path} is no {kind.__name__}.")
    config, latents = folder.component("transformer").config, folder.component("vae").config.latent_channels
    if config.use_meanflow:
        raise ModelError(
            "MeanFlow models, which also read the timestep that a step ends at (use_meanflow), cannot be used. "
            "Use a text-to-video model without step distillation."
        )
    if config.out_channels != latents or config.in_channels != 2 * latents + 1:
        raise ModelError(
            f"The transformer of {folder.path} has {config.in_channels} input channels; latents, an image and its mask "
            f"have {2 * latents + 1}. Only the text-to-video models can be used, not those that enlarge videos."
        )
    return HunyuanVideo15(folder, options)
