"""Writes test/fixtures/text.json: what Python makes of prompts before they are tokens, and the ids it gives them.

    python python/parity/text.py --output test/fixtures/text.json

The functions are those of diffusers' pipelines (`prompt_clean` of Wan, `extract_glyph_texts` of HunyuanVideo 1.5), which
use ftfy and `html.unescape`. The tokenizer is SentencePiece's unigram model with the normaliser of T5's converter.
"""

import argparse
import html
import json
from pathlib import Path

import ftfy
from diffusers.pipelines.hunyuan_video1_5.pipeline_hunyuan_video1_5 import extract_glyph_texts
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import ByT5Tokenizer

PROMPTS = (
    "a red cat", "  a  red\tcat \n", "a\u00a0red\u3000cat\u2028runs\r\nfast", "“curly” ‘quotes’ it’s ʼn", "ﬁsh ﬂy ﬃ ǆ",
    "ＦＵＬＬ　ｗｉｄｔｈ！ ｶﾞ", "cafe\u0301 e\u0301\u0301", "Fish &amp; Chips", "&amp;amp;lt;b&gt;", "&ldquo;hi&rdquo;",
    "<b>&ldquo;hi&rdquo;</b>\n&ldquo;again&rdquo;", "x &ldquo;a&rdquo;\n<i>&ldquo;b&rdquo;\n&ldquo;c&rdquo;",
    "this&not that &notit; &copy 2020", "P&EACUTE;REZ BUNDESSTRA&SZLIG;E &nTILDE; &FRAC12;", "&#39;&#x27;&#x2019;&#150;",
    "&#0; &#1; &#128; &#129; &#x110000; &#xD800; &#xFFFE; &#11;|", "&#39 &#x41zz &#; &#x; &; &", "&unknown; &AMP &Amp;",
    "&#38;amp;lt;", "&CounterClockwiseContourIntegral; &NotEqualTilde;", "tab\x0bpage\x0cfeed\x1cend\x85next",
    "\x1b[36;44mblue\x1b[0m \x07bell \ufeffmark \ufffcobject", "soft\u00adhyphen zero\u200bwidth joiner\u200d", "C1 \x96 dash",
    "日本語の猫 走る", "🙂 emoji 👩‍🚀", "naïve Ωmega ﷺ ﬆ", "", "   ", "…½①™",
)
#: ftfy guesses that these were decoded with a wrong encoding. The engine does not.
MISDECODED = ("schÃ¶n", "âœ” No problems", "l’humanitÃ©", "â€œquotedâ€\x9d")
QUOTED = (
    'a sign that says "Hello"', "“Welcome” and \"Bye\" and “Welcome”", "no quotes", 'an "" empty one', '"unclosed',
    '"two\nlines" "one"', '“mixed" "x”', "it's 'single'", '"a" "b" "a"', '“curly "inner" text”', '"a\rb"',
)
BYTES = ("", "a red cat", 'Text "Grüße". ', "猫", "x" * 20)


def tokenizer() -> Tokenizer:
    words = ["a", "red", "cat", "runs", "the", "fish"]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -4.0)]
    pieces += [(f"▁{word}", -3.0 - 0.01 * i) for i, word in enumerate(words)]
    pieces += [(chr(c), -8.0 - 0.01 * c) for c in range(ord("a"), ord("z") + 1)]
    made = Tokenizer(models.Unigram(pieces, unk_id=2))
    strip = normalizers.Strip(left=False, right=True)
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), strip, normalizers.Replace(Regex(" {2,}"), "▁")])
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    made.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return made


SPACED = ("a red cat", "a  red   cat", "  a red", "a red  ", "a \n red", "a\tred", "a\u3000red", "a ▁red", "ﬁsh", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    spaced, by_bytes = tokenizer(), ByT5Tokenizer()
    made = {
        "reference": f"ftfy {ftfy.__version__}",
        "fix_text": {text: ftfy.fix_text(text) for text in PROMPTS},
        "unescape_html": {text: html.unescape(text) for text in PROMPTS},
        "prompt_clean": {text: prompt_clean(text) for text in PROMPTS},
        "misdecoded": {text: ftfy.fix_text(text) for text in MISDECODED},
        "quoted": {text: extract_glyph_texts(text) for text in QUOTED},
        "bytes": {text: by_bytes(text, max_length=12, truncation=True).input_ids for text in BYTES},
        "tokenizer": json.loads(spaced.to_str()),
        "ids": {text: spaced.encode(text).ids for text in SPACED},
    }
    args.output.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
