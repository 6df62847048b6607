"""What the pipeline does to a prompt, as rules of the manifest."""

import inspect

from diffusers import HunyuanVideo15Pipeline
from transformers import AutoTokenizer

from ..folder import Folder
from ..program import ModelError

PROMPT = "{prompt}"
#: What the pipeline writes for every quoted part of a prompt.
QUOTED = 'Text "{text}". '


def pipeline_default(method: str, parameter: str):
    """A number or text that the pipeline's code holds."""
    return inspect.signature(getattr(HunyuanVideo15Pipeline, method)).parameters[parameter].default


def template(folder: Folder) -> str:
    """The tokenizer's chat template around the pipeline's instructions, with `{prompt}` in the prompt's place.

    @throws ModelError where there is none, or it does more than put the prompt in its place.
    """
    place = folder.path / "tokenizer"
    try:
        tokenizer = AutoTokenizer.from_pretrained(place)
    except (OSError, ValueError) as error:
        raise ModelError(f"{place} holds no tokenizer that can be read. Download the folder again.") from error
    if not tokenizer.chat_template:
        raise ModelError(f"The tokenizer in {place} has no chat template. Download the folder again.")
    system = pipeline_default("_get_mllm_prompt_embeds", "system_message")

    def render(prompt: str) -> str:
        talk = [{"role": "system", "content": system}, {"role": "user", "content": prompt}]
        return tokenizer.apply_chat_template(talk, add_generation_prompt=True, tokenize=False)

    made, probe = render(PROMPT), "  a\n b "
    if made.count(PROMPT) != 1 or made.replace(PROMPT, probe) != render(probe):
        raise ModelError(
            "The tokenizer's chat template changes the prompt, which a bundle cannot say. Use the template that "
            "Qwen2.5-VL comes with."
        )
    return made
