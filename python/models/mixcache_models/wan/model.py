"""Wan as a Model: which folders are ones, their programs and their manifest."""

from diffusers import AutoencoderKLWan, WanTransformer3DModel

from ..folder import Folder
from ..program import About, ModelError, Options, Program, parse_cuts
from ..text import t5_program
from .manifest import manifest
from .programs import decoder_programs, dit_programs

#: Of Wan's pipeline.
TEXT_TOKENS = 512


class Wan:
    """Wan 2.1, text to video."""

    family = "wan"
    tokenizers = {"tokenizer.json": "tokenizer"}

    def __init__(self, folder: Folder, options: Options):
        self.folder = folder
        self.transformer: WanTransformer3DModel = folder.component("transformer")
        self.vae: AutoencoderKLWan = folder.component("vae")
        self.text_encoder = folder.component("text_encoder")
        self.cuts = parse_cuts(options.cuts, self.transformer.config.num_layers)
        self.modules = options.modules
        self.text_tokens = options.text_tokens or TEXT_TOKENS
        self.programs: list[Program] = [
            t5_program(self.text_tokens, masked=True),
            *dit_programs(self.transformer, self.cuts, self.text_tokens, modules=options.modules),
            *decoder_programs(self.vae),
        ]

    def manifest(self, about: About) -> dict:
        return manifest(self, about)


def open_model(folder: Folder, options: Options) -> Wan:
    """@throws ModelError where the folder's model has parts that the programs do not have."""
    for component, kind in (("transformer", WanTransformer3DModel), ("vae", AutoencoderKLWan)):
        if folder.class_of(component) is not kind:
            raise ModelError(f"The {component} of {folder.path} is no {kind.__name__}.")
    if folder.has("transformer_2") or folder.index.get("expand_timesteps"):
        raise ModelError("Only Wan 2.1 can be used so far: this folder has two experts or expanded timesteps.")
    vae, transformer = folder.component("vae").config, folder.component("transformer").config
    if vae.is_residual or vae.patch_size is not None:
        raise ModelError("Only the autoencoder of Wan 2.1 can be used so far: this one is of another form.")
    if transformer.image_dim is not None or transformer.added_kv_proj_dim is not None:
        raise ModelError("Only text to video can be used: this transformer also reads an image.")
    return Wan(folder, options)
