"""Summaries by category from any family that writes: the form that holds them, and the same model chunk by chunk."""

from collections.abc import Callable

from transformers import PreTrainedTokenizerBase

from stages import summaries
from stages.models.constrained import Form, Vocabulary, room

Prompt = Callable[[dict], str]


def forms(tokenizer: PreTrainedTokenizerBase, rows: list[dict], limit: int, how: str) -> list[Form] | None:
    """The form of each row's answer of at most `limit` tokens; None where `how` is "none".

    quoted: a category's text is one of the sentences that speak of it, word for word, short ones where there are any.
    """
    if how == "none":
        return None
    vocabulary = Vocabulary(tokenizer)
    made = []
    for row in rows:
        names = tuple(row["categories"])
        quotes = None
        if how == "quoted":
            spoken = summaries.spoken(row["sentences"], names)
            quotes = tuple(
                tuple(one["text"] for one in summaries.short(spoken[name])) or (row["silent"],) for name in names
            )
        made.append(Form(vocabulary, names, room(vocabulary, names, limit), quotes))
    return made


def held(texts: list[str], rows: list[dict], forms: list[Form] | None) -> list[str]:
    """The texts, once each was read: an answer written under a form that is not in it is a fault of the form's."""
    for text, row in zip(texts, rows if forms else [], strict=bool(forms)):
        assert not summaries.read(text, tuple(row["categories"])).malformed, f"out of form: {text!r}"
    return texts


def chunks(row: dict, prompt: Prompt, length: Callable[[str], int], most: int) -> list[dict]:
    """The row's reviews as several rows, in order, each with a prompt of at most `most` tokens (or of one review)."""
    alone = length(prompt(row | {"reviews": []}))
    sizes = [length(prompt(row | {"reviews": [one]})) - alone for one in row["reviews"]]
    starts, filled = [0], alone
    for at, size in enumerate(sizes):
        if at > starts[-1] and filled + size > most:
            starts.append(at)
            filled = alone
        filled += size
    made = []
    for start, end in zip(starts, [*starts[1:], len(sizes)], strict=True):
        own = [one | {"review": one["review"] - start} for one in row["sentences"] if start <= one["review"] < end]
        made.append(row | {"reviews": row["reviews"][start:end], "sentences": own})
    return made


def map_reduce(rows: list[dict], prompt: Prompt, length: Callable[[str], int], most: int, tell: Callable) -> list[str]:
    """Each row summed up chunk by chunk, and its chunks' summaries joined by `summaries.merged`.

    tell: rows → an answer to each, by the model that is measured. What a chunk's answer does not say is left out.
    """
    parts = [chunks(row, prompt, length, most) for row in rows]
    told = iter(tell([chunk for of_row in parts for chunk in of_row]))
    answers = []
    for row, of_row in zip(rows, parts, strict=True):
        names = tuple(row["categories"])
        read = [summaries.read(next(told), names).parts for _ in of_row]
        answers.append(summaries.write(summaries.merged(read, names, row["silent"])))
    return answers
