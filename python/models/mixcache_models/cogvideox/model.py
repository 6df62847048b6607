"""CogVideoX as a Model: which folders are ones."""

from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel

from ..folder import Folder
from ..program import About, ModelError, Options
from .manifest import manifest
from .parts import CogVideoXParts


class CogVideoX(CogVideoXParts):
    """CogVideoX 2B and 5B, text to video."""

    def manifest(self, about: About) -> dict:
        return manifest(self, about)


def open_model(folder: Folder, options: Options) -> CogVideoX:
    """@throws ModelError where the folder's model has parts that the programs do not have."""
    for component, kind in (("transformer", CogVideoXTransformer3DModel), ("vae", AutoencoderKLCogVideoX)):
        if folder.class_of(component) is not kind:
            raise ModelError(f"The {component} of {folder.path} is no {kind.__name__}.")
    transformer, vae = folder.component("transformer").config, folder.component("vae").config
    if transformer.patch_size_t is not None:
        raise ModelError(f"{folder.path} is a CogVideoX 1.5: only the versions 2B and 5B can be used.")
    if transformer.in_channels != transformer.out_channels or transformer.in_channels != vae.latent_channels:
        raise ModelError("Only text to video can be used: this transformer also reads an image.")
    if transformer.use_learned_positional_embeddings or transformer.ofs_embed_dim:
        raise ModelError("Only text to video can be used: this transformer is one of image to video.")
    if transformer.freq_shift != 0 or transformer.timestep_activation_fn != "silu":
        raise ModelError("The transformer's time embedding is another one: only freq_shift 0 and silu can be used.")
    if vae.temporal_compression_ratio != 4:
        raise ModelError("Only an autoencoder that makes four frames of one can be used: this one does not.")
    return CogVideoX(folder, options)
