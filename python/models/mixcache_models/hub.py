"""A model's folder, on this disk or fetched from the Hugging Face hub."""

import json
import re
from pathlib import Path

from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from .program import ModelError


def find_folder(name: str, revision: str | None = None) -> Path:
    """The folder itself where it exists; else `owner/name` on the hub, of which only the needed files are fetched.

    @throws ModelError where there is neither, or the hub can't be reached.
    """
    path = Path(name)
    if path.exists():
        return path
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ModelError(f"{name} is no folder, and no name on the Hugging Face hub such as owner/model.")
    try:
        index = json.loads(Path(hf_hub_download(name, "model_index.json", revision=revision)).read_text())
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns(index)))
    except LocalEntryNotFoundError:
        raise ModelError(
            f"{name} is no folder here, and the Hugging Face hub could not be reached. Check the network, or give the "
            "path of a folder."
        ) from None
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{name} could not be fetched from the Hugging Face hub: {reason}") from None


def patterns(index: dict) -> list[str]:
    """Configs, tokenizers and safetensors of the components; not the same weights in other formats or precisions."""
    found = ["model_index.json"]
    for name, entry in index.items():
        if not isinstance(entry, list) or entry[0] is None:
            continue
        found += [f"{name}/*.json", f"{name}/model*.safetensors", f"{name}/diffusion_pytorch_model*.safetensors"]
        if "tokenizer" in name:
            found += [f"{name}/*.model", f"{name}/*.txt"]
    return found
