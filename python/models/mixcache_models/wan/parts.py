"""The parts of a model: which experts, cuts and programs a folder of Wan has."""

from diffusers import AutoencoderKLWan

from ..folder import Folder
from ..program import Options, Program, parse_cuts
from ..text import t5_program
from .experts import experts_of, published
from .programs import decoder_programs, dit_programs

#: Of Wan's pipeline.
TEXT_TOKENS = 512


class WanParts:
    """Everything but the manifest, which is made of it."""

    family = "wan"
    tokenizers = {"tokenizer.json": "tokenizer"}

    def __init__(self, folder: Folder, options: Options):
        self.folder = folder
        self.experts = experts_of(folder)
        self.published = published(folder)
        self.vae: AutoencoderKLWan = folder.component("vae")
        self.text_encoder = folder.component("text_encoder")
        #: Of each expert.
        self.cuts = [parse_cuts(options.cuts, expert.model.config.num_layers) for expert in self.experts]
        self.modules = options.modules
        self.text_tokens = options.text_tokens or TEXT_TOKENS
        self.programs: list[Program] = [t5_program(self.text_tokens, masked=True)]
        for expert, cuts in zip(self.experts, self.cuts, strict=True):
            self.programs += dit_programs(
                expert.model, cuts, self.text_tokens, expert.component, expert.prefix, options.modules
            )
        self.programs += decoder_programs(self.vae)
