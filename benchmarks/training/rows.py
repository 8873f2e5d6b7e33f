"""The rows that are learnt from: real texts with a tokenizer of their own, or random ids as long as reviews are."""

from pathlib import Path

import datasets
import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast, T5Tokenizer

from benchmarks.training.shapes import NAMES, SHAPES, minilm
from stages.models import tokenizer as tokenizers
from stages.refusal import Refusal

LIMIT = 512  # tokens of an input and of a target, at most
MEDIAN, SIGMA = 60, 0.7  # of the log-normal lengths of random rows
HELD_OUT = 128  # rows that a validation loss is taken of, at most
READ = 20_000  # texts that a tokenizer is learnt from, at most


def prepare(folder: str, shape: str, data: str, rows: int, seed: int, lengths: tuple[int, int] | None = None) -> dict:
    """Write `folder`: train, validation, tokenizer. Returns how many rows there are and their mean tokens.

    data: a parquet file with a column `text`, "sample" (the project's synthetic places) or "random". A text is the
    target, every third of its words the input: what a request for a review names. An encoder reads the text. lengths:
    of each random input and target, in place of drawn ones.
    """
    of, place, held = SHAPES[shape], Path(folder), min(HELD_OUT, 8 + rows // 4)
    if data == "random":
        tokenizer, told = random(of.family, of.vocabulary, rows + held, seed, lengths)
    else:
        tokenizer, told = read(of.family, of.vocabulary, texts(data, rows + held, seed))
    table = datasets.Dataset.from_list(told)
    table.select(range(held)).save_to_disk(str(place / "validation"))
    train = table.select(range(held, len(table)))
    train.save_to_disk(str(place / "train"))
    tokenizers.save(tokenizer, place / "tokenizer")
    return {"rows": len(train), "tokens_per_row": sum(train["length"]) / len(train), "vocabulary": len(tokenizer)}


def texts(data: str, count: int, seed: int) -> list[str]:
    """So many texts, drawn from the file. Random rows go without what this imports."""
    import polars as pl

    from stages.sources import sample

    if data == "sample":
        table = sample.generate("places", count, seed)
    elif "text" not in (found := pl.read_parquet_schema(data)):
        raise Refusal("a column text", ", ".join(found), data, "name a parquet file that has one")
    else:
        table = pl.read_parquet(data, columns=["text"])
    known = table["text"].drop_nulls()
    known = known.filter(known.str.len_chars() > 3)
    return known.sample(min(count, known.len()), seed=seed).to_list()


def read(family: str, vocabulary: int, told: list[str]) -> tuple[PreTrainedTokenizerBase, list[dict]]:
    """The texts as rows of ids, by a tokenizer learnt from them; an encoder's by MiniLM's own."""
    if family == "encoder":
        tokenizer = tokenizers.load(minilm())
        ids, _ = tokenizers.encode(tokenizer, told, LIMIT)
        return tokenizer, [classed(one, i) for i, one in enumerate(ids)]
    asked = [" ".join(text.split()[::3]) for text in told]
    tokenizer = tokenizers.unigram(family, told[:READ], vocabulary, ())
    (inputs, _), (targets, _) = (tokenizers.encode(tokenizer, each, LIMIT) for each in (asked, told))
    return tokenizer, [row(one, target) for one, target in zip(inputs, targets, strict=True)]


def random(
    family: str, vocabulary: int, count: int, seed: int, lengths: tuple[int, int] | None
) -> tuple[PreTrainedTokenizerBase, list[dict]]:
    """Rows of random ids, each closed by 1, with lengths of their own for input and target."""
    draw = np.random.default_rng(seed)
    marks = ["<pad>", "</s>", "<unk>"]
    words = [*marks, *(f"w{i}" for i in range(len(marks), vocabulary))]
    if family == "encoder":
        tokenizer = tokenizers.load(minilm())
    elif family == "seq2seq":
        tokenizer = T5Tokenizer(vocab=[(word, 0.0) for word in words], extra_ids=0)
    else:
        known = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=known, pad_token="<pad>", eos_token="</s>")

    def one(length: int | None) -> list[int]:
        length = length or int(np.clip(draw.lognormal(np.log(MEDIAN), SIGMA), 3, LIMIT))
        return [*draw.integers(1000, vocabulary, length - 1).tolist(), 1]

    inputs, targets = ([one(lengths and lengths[side]) for _ in range(count)] for side in (0, 1))
    if family == "encoder":
        return tokenizer, [classed(ids, i) for i, ids in enumerate(inputs)]
    return tokenizer, [row(ids, target) for ids, target in zip(inputs, targets, strict=True)]


def row(ids: list[int], target: list[int]) -> dict:
    return {"input_ids": ids, "labels": target, "length": len(ids) + len(target)}


def classed(ids: list[int], number: int) -> dict:
    """A row with a class that means nothing: an encoder is measured for speed alone."""
    return {"input_ids": ids, "labels": number % len(NAMES), "length": len(ids)}
