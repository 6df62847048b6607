"""The architectures of published models, as diffusers folders that hold configs and no weights."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from .empty import state_of
from .folder import Folder
from .stored import Stored

UMT5_XXL = {
    "vocab_size": 256384, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64,
    "feed_forward_proj": "gated-gelu", "is_encoder_decoder": False,
}
T5_XXL = UMT5_XXL | {"vocab_size": 32128}
BYT5_SMALL = T5_XXL | {"vocab_size": 1510, "d_model": 1472, "d_ff": 3584, "num_layers": 12, "num_heads": 6}
LLAMA_3_8B = {
    "vocab_size": 128320, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8,
}
QWEN_7B = {
    "vocab_size": 152064, "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
    "num_attention_heads": 28, "num_key_value_heads": 4,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
}
CLIP_L = {
    "vocab_size": 49408, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
    "num_attention_heads": 12, "projection_dim": 768,
}


@dataclass(frozen=True)
class Component:
    library: str
    kind: str
    config: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """A model at the size of video that it was made for."""

    name: str
    title: str
    pipeline: str
    components: dict[str, Component]
    #: Where its blocks are cut when nothing else is said.
    cuts: tuple[int, ...]
    width: int
    height: int
    frames: int
    #: Tokens of the text where the model does not pad to a fixed number.
    text: int
    #: Entries of model_index.json beside the components.
    index: dict = field(default_factory=dict)


def diffusers_part(kind: str, **config) -> Component:
    return Component("diffusers", kind, config)


def text_part(kind: str, model_type: str, config: dict) -> Component:
    return Component("transformers", kind, {"model_type": model_type} | config)


def wan(name: str, title: str, heads: int, layers: int, ffn: int, cuts: tuple[int, ...], **more) -> Published:
    transformer = diffusers_part(
        "WanTransformer3DModel", patch_size=[1, 2, 2], num_attention_heads=heads, attention_head_dim=128,
        in_channels=16, out_channels=16, text_dim=4096, freq_dim=256, ffn_dim=ffn, num_layers=layers,
        cross_attn_norm=True, qk_norm="rms_norm_across_heads", rope_max_seq_len=1024,
    )
    components = {
        "transformer": transformer,
        "vae": diffusers_part("AutoencoderKLWan"),
        "text_encoder": text_part("UMT5EncoderModel", "umt5", UMT5_XXL),
        "scheduler": diffusers_part(
            "UniPCMultistepScheduler", prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    }
    size = {"width": 832, "height": 480, "frames": 81, "text": 512} | more
    return Published(name, title, "WanPipeline", components, cuts, **size)


def wan_22_experts() -> Published:
    one = wan("wan-2.2-a14b", "Wan 2.2 T2V A14B", 40, 40, 13824, (0, 2, 36, 40))
    both = one.components | {"transformer_2": one.components["transformer"]}
    return replace(one, components=both, index={"boundary_ratio": 0.875, "expand_timesteps": False})


def wan_22_small() -> Published:
    one = wan("wan-2.2-5b", "Wan 2.2 TI2V 5B", 24, 30, 14336, (0, 2, 26, 30), width=1280, height=704, frames=121)
    transformer = one.components["transformer"].config | {"in_channels": 48, "out_channels": 48}
    vae = diffusers_part(
        "AutoencoderKLWan", base_dim=160, decoder_base_dim=256, z_dim=48, dim_mult=[1, 2, 4, 4], num_res_blocks=2,
        temperal_downsample=[False, True, True], is_residual=True, patch_size=2, in_channels=12, out_channels=12,
        scale_factor_spatial=16, scale_factor_temporal=4, latents_mean=[0.0] * 48, latents_std=[1.0] * 48,
    )
    parts = one.components | {"transformer": diffusers_part("WanTransformer3DModel", **transformer), "vae": vae}
    return replace(one, components=parts, index={"expand_timesteps": True})


def hunyuan(name: str, title: str, layers: tuple[int, int], heads: int, cuts: tuple[int, ...], **more) -> Published:
    double, single = layers
    transformer = diffusers_part(
        "HunyuanVideoTransformer3DModel", in_channels=16, out_channels=16, num_attention_heads=heads,
        attention_head_dim=128, num_layers=double, num_single_layers=single, num_refiner_layers=2, mlp_ratio=4.0,
        patch_size=2, patch_size_t=1, qk_norm="rms_norm", guidance_embeds=True, text_embed_dim=4096,
        pooled_projection_dim=768, rope_theta=256.0, rope_axes_dim=[16, 56, 56],
    )
    vae = diffusers_part(
        "AutoencoderKLHunyuanVideo", down_block_types=["HunyuanVideoDownBlock3D"] * 4,
        up_block_types=["HunyuanVideoUpBlock3D"] * 4, block_out_channels=[128, 256, 512, 512], layers_per_block=2,
        latent_channels=16,
    )
    components = {
        "transformer": transformer, "vae": vae,
        "text_encoder": text_part("LlamaModel", "llama", LLAMA_3_8B),
        "text_encoder_2": text_part("CLIPTextModel", "clip_text_model", CLIP_L),
        "scheduler": diffusers_part("FlowMatchEulerDiscreteScheduler", shift=7.0),
    }
    size = {"width": 960, "height": 544, "frames": 129, "text": 128} | more
    return Published(name, title, "HunyuanVideoPipeline", components, cuts, **size)


def hunyuan_15() -> Published:
    """diffusers' defaults are the published model's."""
    components = {
        "transformer": diffusers_part("HunyuanVideo15Transformer3DModel"),
        "vae": diffusers_part("AutoencoderKLHunyuanVideo15"),
        "text_encoder": text_part("Qwen2_5_VLTextModel", "qwen2_5_vl_text", QWEN_7B),
        "text_encoder_2": text_part("T5EncoderModel", "t5", BYT5_SMALL),
        "tokenizer_2": Component("transformers", "ByT5Tokenizer"),
        "guider": diffusers_part("ClassifierFreeGuidance", guidance_scale=6.0),
        "scheduler": diffusers_part("FlowMatchEulerDiscreteScheduler", shift=5.0),
    }
    size = {"width": 848, "height": 480, "frames": 121, "text": 128}
    title = "HunyuanVideo 1.5, 480p"
    return Published("hunyuan-video-1.5", title, "HunyuanVideo15Pipeline", components, (0, 3, 50, 54), **size)


def cogvideox(name: str, title: str, heads: int, layers: int, rotary: bool, cuts: tuple[int, ...]) -> Published:
    components = {
        "transformer": diffusers_part(
            "CogVideoXTransformer3DModel", num_attention_heads=heads, num_layers=layers,
            use_rotary_positional_embeddings=rotary,
        ),
        "vae": diffusers_part("AutoencoderKLCogVideoX", scaling_factor=0.7 if rotary else 1.15258426),
        "text_encoder": text_part("T5EncoderModel", "t5", T5_XXL),
        "scheduler": diffusers_part(
            "CogVideoXDDIMScheduler", prediction_type="v_prediction", rescale_betas_zero_snr=True,
            timestep_spacing="trailing", snr_shift_scale=1.0 if rotary else 3.0,
        ),
    }
    return Published(name, title, "CogVideoXPipeline", components, cuts, 720, 480, 49, 226)


PUBLISHED = (
    wan("wan-1.3b", "Wan 2.1 T2V 1.3B", 12, 30, 8960, (0, 2, 26, 30)),
    wan("wan-14b", "Wan 2.1 T2V 14B", 40, 40, 13824, (0, 2, 36, 40)),
    wan_22_experts(),
    wan_22_small(),
    hunyuan("hunyuan-video", "HunyuanVideo, 544p", (20, 40), 24, (0, 2, 20, 56, 60)),
    hunyuan_15(),
    cogvideox("cogvideox-2b", "CogVideoX 2B", 30, 30, False, (0, 2, 27, 30)),
    cogvideox("cogvideox-5b", "CogVideoX 5B", 48, 42, True, (0, 2, 38, 42)),
)


def write_tokenizer(folder: Path) -> None:
    """Of one word, for manifests whose prompt template comes from a tokenizer's chat template."""
    talk = "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}"
    tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=talk).save_pretrained(folder)


def write_folder(model: Published, folder: Path) -> None:
    """What `save_pretrained` would have written, less weights and the model's own tokenizers."""
    if any(component.kind == "ClassifierFreeGuidance" for component in model.components.values()):
        write_tokenizer(folder / "tokenizer")
    index: dict = {"_class_name": model.pipeline} | model.index
    files = {"scheduler": "scheduler_config.json", "guider": "guider_config.json"}
    for name, component in model.components.items():
        index[name] = [component.library, component.kind]
        path = folder / name / files.get(name, "config.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"_class_name": component.kind} | component.config))
    (folder / "model_index.json").write_text(json.dumps(index))


class WeightlessFolder(Folder):
    """A folder of configs, as if each file of a config held every tensor in bfloat16."""

    def stored(self, name: str) -> dict[str, Stored]:
        if name not in self._stored:
            file = self.path / name / "config.json"
            self._stored[name] = {
                parameter: Stored(
                    file=file, name=parameter, dtype="BF16", shape=tuple(tensor.shape), bytes=2 * tensor.numel(), offset=0
                )
                for parameter, tensor in state_of(self.component(name)).items()
            }
        return self._stored[name]
