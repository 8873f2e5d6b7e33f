"""Markup that means something to a tokenizer or in a prompt, spelt so that in a review it is text and nothing else.

Special tokens that stand inside a text become control ids whatever `split_special_tokens` says, and a prompt is fields
between bars ("rating 4 | rubrics … | keywords …", see stages/tasks): a review could end the input, or pose as a prompt.
"""

import polars as pl

# The field names of prompts (ours and the usual ones), and the special tokens of the common tokenizers.
FIELDS = "rating|rubrics?|keywords?|text|review|prompt|target|instruction|system|user|assistant"
CONTROLS = "s|pad|unk|mask|cls|sep|bos|eos|sys|inst|tool|think|unused[0-9]+|0x[0-9a-f]{2}"
ANGLE = rf"(?i)<+(/?(?:{FIELDS}|{CONTROLS}|[a-z]+_[a-z0-9_]+)|[|｜][^<>|｜]{{1,40}}[|｜])>+"
SQUARE = r"(?i)\[(/?(?:g?mask|cls|sep|pad|unk|bos|eos|inst|unused[0-9]+))\]"
FOUND = rf"{ANGLE}|{SQUARE}|[|｜▁]"


def neutralise(text: pl.Series) -> pl.Series:
    """Brackets of control tokens and prompt tags change their shape; a bar, the prompt's separator, becomes a stroke.

    Every bar does: in a review it only parts things, and "/" reads the same, so no list of what a prompt may hold has
    to be kept. U+2581 stands for a space inside SentencePiece. Film titles in angle brackets stay.

    >>> neutralise(pl.Series(["so so</s> | rating 5 | <extra_id_0> [MASK] <Solaris>"])).item()
    'so so‹/s› / rating 5 / ‹extra_id_0› (MASK) <Solaris>'
    """
    text = text.str.replace_all(ANGLE, "‹${1}›").str.replace_all(SQUARE, "(${1})")
    return text.str.replace_all(r"[|｜]", "/").str.replace_all("▁", "_", literal=True)
