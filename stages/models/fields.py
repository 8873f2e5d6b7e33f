"""Prompts of several fields cut to a length field by field, in an order of the task's own, counted in tokens.

A field loses tokens from its end. The first field in the order gives what it can down to its least, then the next; when
all are at their least and it is still too long, they give the rest in the same order. So a field never loses a token
before the field ahead of it has lost all that it may.
"""

from collections.abc import Callable

from transformers import PreTrainedTokenizerBase

from stages.models.tokenizer import neutral

Join = Callable[[dict[str, str]], tuple[str, ...]]  # the fields of a row → its segments: one prompt, or two as a pair


def encode(
    tokenizer: PreTrainedTokenizerBase, rows: list[dict[str, str]], join: Join, least: dict[str, int], limit: int
) -> tuple[list[list[int]], list[int], list[set[str]]]:
    """Ids of each row, at most `limit`; their number before any cut; and which fields were cut.

    rows: field → text. least: field → tokens that stay at first, in the order in which fields are cut. Raises
    ValueError when `limit` does not even hold the tags.
    """
    rows = [{name: neutral(text or "", tokenizer) for name, text in row.items()} for row in rows]
    ids = [_ids(tokenizer, join(row)) for row in rows]
    lengths, cut = [len(one) for one in ids], [set() for _ in rows]
    for at, row in enumerate(rows):
        left = dict(row)
        while len(ids[at]) > limit:
            shorter = _shorter(tokenizer, left, least, len(ids[at]) - limit)
            if shorter == left:
                raise ValueError(f"the tags alone are {len(ids[at])} tokens; {limit} is too few")
            left, ids[at] = shorter, _ids(tokenizer, join(shorter))
        cut[at] = {name for name in row if left[name] != row[name]}
    return ids, lengths, cut


def _shorter(
    tokenizer: PreTrainedTokenizerBase, row: dict[str, str], least: dict[str, int], excess: int
) -> dict[str, str]:
    """The row with `excess` tokens fewer, or a few less where tokens join over a field's edge."""
    spans = {name: _spans(tokenizer, row[name]) for name in least}
    stay = {name: len(spans[name]) for name in least}
    for floor in (least, dict.fromkeys(least, 0)):
        for name in least:
            given = min(excess, max(0, stay[name] - floor[name]))
            stay[name], excess = stay[name] - given, excess - given
    return row | {name: row[name][: spans[name][n][0]].rstrip() for name, n in stay.items() if n < len(spans[name])}


def _spans(tokenizer: PreTrainedTokenizerBase, text: str) -> list[tuple[int, int]]:
    """Where each token of a text begins and ends, characters."""
    told = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False)
    return told["offset_mapping"]


def _ids(tokenizer: PreTrainedTokenizerBase, segments: tuple[str, ...]) -> list[int]:
    return tokenizer(*segments, truncation=False, verbose=False)["input_ids"]
