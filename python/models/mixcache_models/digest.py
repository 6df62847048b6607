"""Which weights a bundle was made from, in a form that is cheap to check again."""

import hashlib
import json
from contextlib import ExitStack
from pathlib import Path

from .folder import Folder
from .program import Model, Options

#: Bytes of each tensor that are looked at: other weights of the same model differ in nearly all of them.
SAMPLE_BYTES = 256
#: Entries of a config that tell who saved it, not what it is.
HISTORY = ("_name_or_path", "_diffusers_version", "transformers_version", "torch_dtype", "dtype")


def weights_digest(folder: Folder, model: Model) -> str:
    """SHA-256 of configs and of names, types, shapes and first bytes of the tensors that the model's programs use.

    How tensors are spread over files, and which version saved them, makes no difference. A change deep inside of
    tensors that leaves every first byte as it was is not seen.
    """
    digest = hashlib.sha256()
    with ExitStack() as stack:
        streams: dict[Path, object] = {}
        for component in sorted({program.component for program in model.programs}):
            config = json.loads((folder.path / component / "config.json").read_text())
            told = {key: value for key, value in config.items() if key not in HISTORY}
            digest.update(f"{component} {json.dumps(told, sort_keys=True)}\n".encode())
            for name, entry in sorted(folder.stored(component).items()):
                if entry.file not in streams:
                    streams[entry.file] = stack.enter_context(entry.file.open("rb", buffering=0))
                stream = streams[entry.file]
                stream.seek(entry.offset)
                digest.update(f"{name} {entry.dtype} {list(entry.shape)}\n".encode())
                digest.update(stream.read(min(SAMPLE_BYTES, entry.bytes)))
    return digest.hexdigest()


def torch_entry(folder: Folder, model: Model, options: Options) -> dict:
    """The manifest's `torch`: what the torch worker needs to make the same programs of the same folder."""
    entry: dict = {"family": model.family, "weights": weights_digest(folder, model), "modules": options.modules}
    if options.cuts is not None:
        entry["cuts"] = list(options.cuts)
    if options.text_tokens is not None:
        entry["text_tokens"] = options.text_tokens
    return entry
