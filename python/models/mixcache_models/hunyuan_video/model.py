"""HunyuanVideo as a Model: which folders are ones."""

from diffusers import AutoencoderKLHunyuanVideo, HunyuanVideoTransformer3DModel
from transformers import CLIPTextModel, LlamaModel

from ..folder import Folder
from ..program import About, ModelError, Options
from .manifest import manifest
from .parts import HunyuanVideoParts

CLASSES = {
    "transformer": HunyuanVideoTransformer3DModel, "vae": AutoencoderKLHunyuanVideo, "text_encoder": LlamaModel,
    "text_encoder_2": CLIPTextModel,
}


class HunyuanVideo(HunyuanVideoParts):
    """HunyuanVideo, text to video, with guidance as an input of the transformer."""

    def manifest(self, about: About) -> dict:
        return manifest(self, about)


def open_model(folder: Folder, options: Options) -> HunyuanVideo:
    """@throws ModelError where the folder's model has parts that the programs do not have."""
    for component, kind in CLASSES.items():
        if folder.class_of(component) is not kind:
            raise ModelError(f"The {component} of {folder.path} is no {kind.__name__}.")
    config = folder.component("transformer").config
    if config.image_condition_type is not None:
        raise ModelError("Only text to video can be used: this transformer also reads an image.")
    if not config.guidance_embeds:
        raise ModelError("Only transformers that read the guidance scale can be used: this one has no guidance_embeds.")
    return HunyuanVideo(folder, options)
