"""What is measured: the published architectures, as diffusers folders that hold configs and no weights."""

import json
from dataclasses import dataclass, field
from pathlib import Path

#: The scheduler is only read for the manifest.
UNIPC = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}
UMT5_XXL = {
    "vocab_size": 256384, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64,
    "feed_forward_proj": "gated-gelu", "is_encoder_decoder": False,
}
LLAMA_3_8B = {
    "vocab_size": 128320, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8,
}
CLIP_L = {
    "vocab_size": 49408, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
    "num_attention_heads": 12, "projection_dim": 768,
}
HUNYUAN_VAE = {
    "down_block_types": ["HunyuanVideoDownBlock3D"] * 4, "up_block_types": ["HunyuanVideoUpBlock3D"] * 4,
    "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "latent_channels": 16,
}


@dataclass(frozen=True)
class Component:
    library: str
    kind: str
    config: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A model at a size of video."""

    name: str
    title: str
    pipeline: str
    components: dict[str, Component]
    cuts: tuple[int, ...]
    width: int
    height: int
    frames: int
    #: Tokens of the text where the model does not pad to a fixed number.
    text: int
    #: The best published time of a step on an H100, in seconds, and whose it is.
    published: tuple[float, str] | None = None


def wan(name: str, title: str, heads: int, layers: int, ffn: int, cuts: tuple[int, ...], **more) -> Case:
    transformer = {
        "patch_size": [1, 2, 2], "num_attention_heads": heads, "attention_head_dim": 128, "in_channels": 16,
        "out_channels": 16, "text_dim": 4096, "freq_dim": 256, "ffn_dim": ffn, "num_layers": layers,
        "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads", "rope_max_seq_len": 1024,
    }
    components = {
        "transformer": Component("diffusers", "WanTransformer3DModel", transformer),
        "vae": Component("diffusers", "AutoencoderKLWan"),
        "text_encoder": Component("transformers", "UMT5EncoderModel", {"model_type": "umt5"} | UMT5_XXL),
        "scheduler": Component("diffusers", "UniPCMultistepScheduler", UNIPC),
    }
    size = {"width": 832, "height": 480, "frames": 81, "text": 512} | more
    return Case(name, title, "WanPipeline", components, cuts, **size)


def hunyuan(name: str, title: str, layers: tuple[int, int], heads: int, cuts: tuple[int, ...], **more) -> Case:
    double, single = layers
    transformer = {
        "in_channels": 16, "out_channels": 16, "num_attention_heads": heads, "attention_head_dim": 128,
        "num_layers": double, "num_single_layers": single, "num_refiner_layers": 2, "mlp_ratio": 4.0, "patch_size": 2,
        "patch_size_t": 1, "qk_norm": "rms_norm", "guidance_embeds": True, "text_embed_dim": 4096,
        "pooled_projection_dim": 768, "rope_theta": 256.0, "rope_axes_dim": [16, 56, 56],
    }
    components = {
        "transformer": Component("diffusers", "HunyuanVideoTransformer3DModel", transformer),
        "vae": Component("diffusers", "AutoencoderKLHunyuanVideo", HUNYUAN_VAE),
        "text_encoder": Component("transformers", "LlamaModel", {"model_type": "llama"} | LLAMA_3_8B),
        "text_encoder_2": Component("transformers", "CLIPTextModel", {"model_type": "clip_text_model"} | CLIP_L),
        "scheduler": Component("diffusers", "FlowMatchEulerDiscreteScheduler", {"shift": 7.0}),
    }
    size = {"width": 960, "height": 544, "frames": 129, "text": 128} | more
    return Case(name, title, "HunyuanVideoPipeline", components, cuts, **size)


CASES = (
    wan("wan-1.3b", "Wan 2.1 T2V 1.3B", 12, 30, 8960, (0, 2, 26, 30)),
    wan("wan-14b", "Wan 2.1 T2V 14B", 40, 40, 13824, (0, 2, 36, 40), published=(5.18, "LightX2V, I2V 14B 480p, H100")),
    hunyuan("hunyuan-video", "HunyuanVideo 544p", (20, 40), 24, (0, 2, 20, 56, 60)),
)
#: The same architectures so small that a CPU runs them: to see that the script works.
TINY = (
    wan("wan-tiny", "tiny Wan", 1, 3, 128, (0, 1, 3), width=64, height=48, frames=9),
    hunyuan("hunyuan-video-tiny", "tiny HunyuanVideo", (1, 1), 1, (0, 1, 2), width=64, height=48, frames=9, text=8),
)


def write_folder(case: Case, folder: Path) -> None:
    """What `save_pretrained` would have written, less weights and tokenizers."""
    index = {"_class_name": case.pipeline}
    for name, component in case.components.items():
        index[name] = [component.library, component.kind]
        path = folder / name / ("scheduler_config.json" if name == "scheduler" else "config.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"_class_name": component.kind} | component.config))
    (folder / "model_index.json").write_text(json.dumps(index))
