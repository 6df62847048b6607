"""The parts of a model: which cuts, texts, guidance, tiles and programs a folder of HunyuanVideo 1.5 has."""

from diffusers import AutoencoderKLHunyuanVideo15, HunyuanVideo15Transformer3DModel
from transformers import Qwen2_5_VLTextModel, T5EncoderModel

from ..folder import Folder
from ..program import ModelError, Options, Program, parse_cuts
from .programs import decoder_program, dit_programs, text_programs
from .prompt import pipeline_default


class HunyuanVideo15Parts:
    """Everything but the manifest, which is made of it."""

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
