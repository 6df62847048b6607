"""HunyuanVideo 1.5 as a Model: which folders are ones, their programs and their manifest."""

from diffusers import AutoencoderKLHunyuanVideo15, ClassifierFreeGuidance, HunyuanVideo15Transformer3DModel
from transformers import ByT5Tokenizer, Qwen2_5_VLTextModel, T5EncoderModel

from ..folder import Folder
from ..program import About, ModelError, Options, Program, parse_cuts
from .manifest import manifest
from .programs import decoder_program, dit_programs, text_programs
from .prompt import pipeline_default

CLASSES = {
    "transformer": HunyuanVideo15Transformer3DModel, "vae": AutoencoderKLHunyuanVideo15,
    "text_encoder": Qwen2_5_VLTextModel, "text_encoder_2": T5EncoderModel, "tokenizer_2": ByT5Tokenizer,
    "guider": ClassifierFreeGuidance,
}


class HunyuanVideo15:
    """HunyuanVideo 1.5, text to video, with guidance by two runs or distilled into one."""

    family = "hunyuan-video-1.5"
    tokenizers = {"tokenizer.json": "tokenizer"}

    def __init__(self, folder: Folder, options: Options):
        self.folder = folder
        self.transformer: HunyuanVideo15Transformer3DModel = folder.component("transformer")
        self.vae: AutoencoderKLHunyuanVideo15 = folder.component("vae")
        self.text_encoder: Qwen2_5_VLTextModel = folder.component("text_encoder")
        self.text_encoder_2: T5EncoderModel = folder.component("text_encoder_2")
        self.cuts = parse_cuts(options.cuts, self.transformer.config.num_layers)
        self.modules = options.modules
        language, glyphs = "_get_mllm_prompt_embeds", "_get_byt5_prompt_embeds"
        self.text_tokens: int = options.text_tokens or pipeline_default(language, "tokenizer_max_length")
        self.crop_start: int = pipeline_default(language, "crop_start")
        self.glyph_tokens: int = pipeline_default(glyphs, "tokenizer_max_length")
        #: None where one run holds the guidance.
        self.guidance_scale = guidance_scale(folder)
        self.tiles = tiles(self.vae, options)
        self.programs: list[Program] = [
            *text_programs(
                self.text_encoder, self.text_tokens + self.crop_start, self.text_encoder_2, self.glyph_tokens
            ),
            *dit_programs(self.transformer, self.cuts, self.text_tokens + self.glyph_tokens, options.modules),
            decoder_program(self.vae),
        ]

    def manifest(self, about: About) -> dict:
        return manifest(self, about)


def tiles(vae: AutoencoderKLHunyuanVideo15, options: Options) -> tuple[tuple[int, int], tuple[int, int]]:
    """Size and stride of the decoder's tiles in latent rows and columns."""
    if options.tiles is not None:
        _, *sides = options.tiles
        space = vae.spatial_compression_ratio
        return tuple((size // space, stride // space) for size, stride in sides)
    shrink = 1 - vae.tile_overlap_factor
    return tuple((size, int(size * shrink)) for size in (vae.tile_latent_min_height, vae.tile_latent_min_width))


def guidance_scale(folder: Folder) -> float | None:
    """Of the folder's guider; None where it is switched off or 1, as guidance-distilled models have it.

    @throws ModelError where the guider does more than classifier-free guidance in every step.
    """
    config = folder.class_of("guider").from_pretrained(folder.path / "guider").config
    if not config.enabled or config.guidance_scale == 1:
        return None
    if config.guidance_rescale or config.use_original_formulation or config.start > 0 or config.stop < 1:
        raise ModelError(
            f"The guider of {folder.path} rescales its guidance, uses the original formulation or leaves out some "
            "steps. Only plain classifier-free guidance in every step can be used: change guider/guider_config.json."
        )
    return config.guidance_scale


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
