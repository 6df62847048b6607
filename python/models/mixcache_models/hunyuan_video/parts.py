"""The parts of a model: which cuts, texts, tiles and programs a folder of HunyuanVideo has."""

from diffusers import AutoencoderKLHunyuanVideo, HunyuanVideoTransformer3DModel
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video import DEFAULT_PROMPT_TEMPLATE
from transformers import CLIPTextModel, LlamaModel

from ..folder import Folder
from ..program import Options, Program, parse_cuts
from .programs import decoder_program, dit_programs, text_programs

#: Of the pipeline: tokens of the prompt, and of CLIP's text with its start and end.
TEXT_TOKENS, CLIP_TOKENS = 256, 77


class HunyuanVideoParts:
    """Everything but the manifest, which is made of it."""

    family = "hunyuan-video"
    tokenizers = {"tokenizer.json": "tokenizer", "tokenizer_2.json": "tokenizer_2"}

    def __init__(self, folder: Folder, options: Options):
        self.folder = folder
        self.transformer: HunyuanVideoTransformer3DModel = folder.component("transformer")
        self.vae: AutoencoderKLHunyuanVideo = folder.component("vae")
        self.text_encoder: LlamaModel = folder.component("text_encoder")
        self.text_encoder_2: CLIPTextModel = folder.component("text_encoder_2")
        config = self.transformer.config
        # Without a wish, where dual blocks end: there the model itself changes.
        dual, blocks = config.num_layers, config.num_layers + config.num_single_layers
        self.cuts = parse_cuts(options.cuts or tuple(sorted({0, dual, blocks})), blocks)
        self.modules = options.modules
        self.text_tokens, self.clip_tokens = options.text_tokens or TEXT_TOKENS, CLIP_TOKENS
        self.template = DEFAULT_PROMPT_TEMPLATE["template"].format("{prompt}")
        self.crop_start: int = DEFAULT_PROMPT_TEMPLATE["crop_start"]
        self.tiles = options.tiles or (
            (self.vae.tile_sample_min_num_frames, self.vae.tile_sample_stride_num_frames),
            (self.vae.tile_sample_min_height, self.vae.tile_sample_stride_height),
            (self.vae.tile_sample_min_width, self.vae.tile_sample_stride_width),
        )
        # The pipeline multiplies the guidance scale by 1000 in the transformer's dtype.
        bfloat16 = any(stored.dtype == "BF16" for stored in folder.stored("transformer").values())
        self.guidance_precision = "bfloat16" if bfloat16 else "float32"
        self.programs: list[Program] = [
            *text_programs(self.text_encoder, self.text_tokens + self.crop_start, self.text_encoder_2, CLIP_TOKENS),
            *dit_programs(self.transformer, self.cuts, self.text_tokens, options.modules),
            decoder_program(self.vae),
        ]
