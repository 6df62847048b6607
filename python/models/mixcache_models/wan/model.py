"""Wan as a Model: which folders are ones."""

from diffusers import AutoencoderKLWan

from ..folder import Folder
from ..program import About, ModelError, Options
from .manifest import manifest
from .parts import WanParts


class Wan(WanParts):
    """Wan, text to video: 2.1, and 2.2 with two experts or with one timestep for every token."""

    def manifest(self, about: About) -> dict:
        return manifest(self, about)


def open_model(folder: Folder, options: Options) -> Wan:
    """@throws ModelError where the folder's model has parts that the programs do not have."""
    if folder.class_of("vae") is not AutoencoderKLWan:
        raise ModelError(f"The vae of {folder.path} is no AutoencoderKLWan.")
    return Wan(folder, options)
