"""The parts of a model: which cuts, texts and programs a folder of CogVideoX has."""

from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel

from ..folder import Folder
from ..program import Options, Program, parse_cuts
from ..text import t5_program
from .programs import decoder_programs, dit_programs


class CogVideoXParts:
    """Everything but the manifest, which is made of it."""

    family = "cogvideox"
    tokenizers = {"tokenizer.json": "tokenizer"}

    def __init__(self, folder: Folder, options: Options):
        self.folder = folder
        self.transformer: CogVideoXTransformer3DModel = folder.component("transformer")
        self.vae: AutoencoderKLCogVideoX = folder.component("vae")
        self.text_encoder = folder.component("text_encoder")
        self.cuts = parse_cuts(options.cuts, self.transformer.config.num_layers)
        self.tiles, self.modules = options.tiles, options.modules
        self.text_tokens = options.text_tokens or self.transformer.config.max_text_seq_length
        self.programs: list[Program] = [
            # The pipeline gives the encoder no mask: padding is attended there and in the transformer.
            t5_program(self.text_tokens, masked=False),
            *dit_programs(self.transformer, self.cuts, self.text_tokens, options.modules),
            *decoder_programs(self.vae),
        ]
