"""Tokenizers: loading them from a folder, building a unigram one, turning texts into ids, saving without traces."""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import sentencepiece
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast, T5Tokenizer

# Written by from_pretrained about where it read, not about the tokenizer.
TRACES = ("is_local", "local_files_only", "name_or_path")

HEAD = 0.25  # of a text cut in its middle; the rest is its end, where people sum up (Sun et al. 2019, arXiv:1905.05583)


def load(folder: str | Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)


def save(tokenizer: PreTrainedTokenizerBase, folder: str | Path) -> None:
    """Save it so that equal tokenizers give equal bytes, whatever folder they came from."""
    tokenizer.save_pretrained(str(folder))
    config = Path(folder) / "tokenizer_config.json"
    kept = {key: value for key, value in json.loads(config.read_text("utf-8")).items() if key not in TRACES}
    config.write_text(json.dumps(kept, ensure_ascii=False, indent=2, sort_keys=True) + "\n", "utf-8")


def neutral(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """The text with the tokenizer's control tokens spelt apart, so that a review cannot end or mask the input.

    `split_special_tokens` does not stop `</s>`, hence this. "a</s>b" → "a‹/s›b".
    """
    for token in tokenizer.all_special_tokens:
        if token in text:
            text = text.replace(token, token.translate(str.maketrans("<>[]", "‹›()")))
    return text


def encode(
    tokenizer: PreTrainedTokenizerBase, texts: list[str], limit: int, cut: str = "end"
) -> tuple[list[list[int]], int]:
    """The ids of each text, at most `limit`, and how many texts were cut.

    cut: what is left out of a text too long, its "end", the closing token excepted, or its "middle"; then a HEAD of the
    limit is of its beginning, and the first token stays from a limit of 2 on.
    """
    ids = tokenizer([neutral(text, tokenizer) for text in texts], truncation=False, verbose=False)["input_ids"]
    head = limit - 1 if cut == "end" else min(limit - 1, max(1, int(limit * HEAD)))
    short = [one if len(one) <= limit else [*one[:head], *one[len(one) - limit + head :]] for one in ids]
    return short, sum(len(one) > limit for one in ids)


def framed(prompt: list[int], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """A prompt's ids with the closing token behind them, once: what a decoder goes on from."""
    end = tokenizer.eos_token_id
    return prompt if prompt[-1:] == [end] else [*prompt, end]


def batches(lengths: Sequence[int | tuple[int, ...]], size: int, tokens: int | None = None) -> Iterator[list[int]]:
    """The places of texts, longest first, `size` at a time, so that little of a batch is padding.

    tokens: that a batch holds at most, padded to its longest; a text longer than that is a batch of its own.

    >>> list(batches([2, 7, 7, 3], 3)), list(batches([2, 7, 7, 3], 3, 14))
    ([[1, 2, 3], [0]], [[1, 2], [3, 0]])
    """
    batch: list[int] = []
    longest: tuple[int, ...] = ()
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i], reverse=True):
        length = lengths[i] if isinstance(lengths[i], tuple) else (lengths[i],)
        wider = tuple(map(max, length, longest or length))
        if batch and (len(batch) == size or (tokens and (len(batch) + 1) * sum(wider) > tokens)):
            yield batch
            batch, wider = [], length
        batch.append(i)
        longest = wider
    if batch:
        yield batch


def unigram(family: str, texts: Iterable[str], size: int, symbols: tuple[str, ...]) -> PreTrainedTokenizerBase:
    """Train a SentencePiece unigram vocabulary of `size` pieces (Kudo 2018, arXiv:1804.10959) for a family.

    `symbols` stay whole. Pad is 0, end 1, unknown 2. A seq2seq gets T5's form and its 100 mask sentinels on top; a
    causal one gets `text </s>`; an encoder gets BERT's, `[CLS] text [SEP]`, and `[MASK]`. SentencePiece makes fewer
    pieces from a small corpus.
    """
    model = io.BytesIO()
    pad, end, unknown = ("<pad>", "</s>", "<unk>") if family != "encoder" else ("[PAD]", "[SEP]", "[UNK]")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        model_type="unigram",
        vocab_size=size,
        hard_vocab_limit=False,
        character_coverage=0.9999,
        normalization_rule_name="identity",  # clean has normalised already
        user_defined_symbols=list(symbols),
        required_chars="0123456789.,;:!?-()%",
        **{"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
        **{"pad_piece": pad, "eos_piece": end, "unk_piece": unknown},
        num_threads=1,  # the trainer's sums depend on how threads split the work
        minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    vocabulary = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())]
    if family == "seq2seq":
        return T5Tokenizer(vocab=[*vocabulary, *((f"<extra_id_{i}>", 0.0) for i in reversed(range(100)))])
    marks = ("[CLS]", "[MASK]") if family == "encoder" else ()
    backend = Tokenizer(Unigram([*vocabulary, *((mark, 0.0) for mark in marks)], unk_id=2))
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    backend.decoder = decoders.Metaspace()
    if family == "causal":
        backend.post_processor = processors.TemplateProcessing(single=f"$A {end}", special_tokens=[(end, 1)])
        return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token=pad, eos_token=end, unk_token=unknown)
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", len(vocabulary)), ("[SEP]", 1)],
    )
    names = {"pad_token": pad, "sep_token": end, "unk_token": unknown, "cls_token": "[CLS]", "mask_token": "[MASK]"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, **names)
