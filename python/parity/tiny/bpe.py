"""Tiny byte-pair tokenizers of the kinds that Llama 3 and CLIP have, learned from a few texts."""

import json
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import CLIPTokenizer, PreTrainedTokenizerFast

#: Every byte as the character that stands for it.
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())
#: How Llama 3 splits a text before its merges.
LLAMA_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA_SPECIALS = (
    "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<pad>",
)
CLIP_START, CLIP_END, CLIP_SUFFIX = "<|startoftext|>", "<|endoftext|>", "</w>"


def learn_merges(texts: Iterable[str], split: pre_tokenizers.PreTokenizer, suffix: str = "") -> list[tuple[str, str]]:
    """Merges that make one token of every word of the texts."""
    ends = {"end_of_word_suffix": suffix} if suffix else {}
    learner = Tokenizer(models.BPE(**ends))
    learner.pre_tokenizer = split
    # Pairs that are equally frequent are merged by their parts' numbers, and those of ends of words are random unless
    # they are given beforehand.
    first = [byte + suffix for byte in BYTES] if suffix else []
    trainer = trainers.BpeTrainer(
        vocab_size=10_000, min_frequency=1, show_progress=False, special_tokens=first, **ends
    )
    learner.train_from_iterator(texts, trainer)
    return [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]


def numbered(tokens: Iterable[str]) -> dict[str, int]:
    return {token: i for i, token in enumerate(dict.fromkeys(tokens))}


def llama_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """As Llama 3's: split by a pattern, bytes, merges; a start token, and padding on the right."""
    split = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    merges = learn_merges(texts, split)
    vocabulary = numbered([*BYTES, *("".join(pair) for pair in merges)])
    made = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=True))
    made.add_special_tokens(list(LLAMA_SPECIALS))
    made.pre_tokenizer, made.decoder = split, decoders.ByteLevel()
    start = LLAMA_SPECIALS[0]
    made.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(single=f"{start} $A", special_tokens=[(start, made.token_to_id(start))]),
    ])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=start, eos_token="<|end_of_text|>", pad_token="<pad>", padding_side="right"
    )


def clip_tokenizer(texts: Iterable[str]) -> CLIPTokenizer:
    """As CLIP's: small letters, split by a pattern, bytes, merges with an end of the word; at most 77 tokens."""
    empty = CLIPTokenizer()
    merges = learn_merges([text.lower() for text in texts], empty.backend_tokenizer.pre_tokenizer, CLIP_SUFFIX)
    ends = [byte + CLIP_SUFFIX for byte in BYTES]
    # The end token has the highest number, as CLIP's own: the older pooling looks for that.
    vocabulary = numbered([*BYTES, *ends, *("".join(pair) for pair in merges), CLIP_START, CLIP_END])
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)
