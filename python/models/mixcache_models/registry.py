"""From the class of a diffusers pipeline to the family that knows it."""

from importlib import import_module

from .folder import Folder
from .program import Model, ModelError, Options

#: Pipeline class: family, and the module whose `open_model(folder, options)` gives the Model.
PIPELINES = {
    "CogVideoXPipeline": ("cogvideox", "mixcache_models.cogvideox.model"),
    "WanPipeline": ("wan", "mixcache_models.wan.model"),
    "HunyuanVideoPipeline": ("hunyuan-video", "mixcache_models.hunyuan_video.model"),
    "HunyuanVideo15Pipeline": ("hunyuan-video-1.5", "mixcache_models.hunyuan_video_15.model"),
}

FAMILIES = tuple(dict.fromkeys(family for family, _ in PIPELINES.values()))


def open_model(folder: Folder, options: Options, family: str | None = None) -> Model:
    """The folder's model; `family` is what the person expects it to be.

    @throws ModelError where no family knows the folder's pipeline, or another one than expected does.
    """
    known = PIPELINES.get(folder.pipeline)
    if known is None:
        raise ModelError(
            f"{folder.path} holds a {folder.pipeline}, which is not supported. Supported: {', '.join(PIPELINES)}."
        )
    found, module = known
    if family is not None and found != family:
        raise ModelError(f"{folder.path} holds a {folder.pipeline}: that is {found}, not {family}.")
    return import_module(module).open_model(folder, options)
