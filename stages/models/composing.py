"""Reviews written sentence by sentence by an encoder-decoder: of several drawn each time, the task's rule keeps one.

A row's text does not follow from the rows beside it: each candidate of each of its sentences has draws of its own, and
its rivals borrow from rows that were learnt from. Rounding can still tell two candidates that are as good as equal
apart in one batch and not in another (stages.models.draws).
"""

from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stages import choosing
from stages.lemmas import said_in
from stages.models import draws
from stages.models import tokenizer as tokenizers
from stages.models.continuing import Reader, extend, likelihood
from stages.params import Recipe

MOST_SENTENCES, SENTENCE = 7, 24  # of a text; tokens of a sentence at most: 0.15% of the sample's have more


def compose(
    prompt: Callable[[dict], str], rivals: Callable[[dict, dict], list[dict]], model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase, rows: list[dict], language: str, recipe: Recipe, heads: dict[str, list[str]],
    learnt: Sequence[dict] = (), turns: list[int] | None = None,
) -> list[str]:  # fmt: skip
    """A text for each row, written sentence by sentence: of several drawn each time, the best goes on.

    prompt, rivals: the task's. heads: keyword → forms that a sentence may begin with (stages.openers): all drawn
    sentences but some free ones begin with a form of a keyword that is still to be said. learnt: rows that rivals may
    borrow from; where there are none, a row is its own. turns: of each row, how often it was asked before
    (stages.models.draws); 0 unless given.
    """
    limit, many = recipe.model.target_tokens, recipe.predict.candidates
    read = Reader(model, tokenizer)

    def ids_of(asked: list[dict]) -> list[list[int]]:
        return tokenizers.encode(
            tokenizer, [prompt(row) for row in asked], recipe.model.prompt_tokens, recipe.model.cut
        )[0]

    def likely(asked: list[list[int]], texts: list[list[int]], rows: list[int]) -> list[float]:
        """Of the texts of these rows after what is asked: the nats of what they have more than is written."""
        return likelihood(read, asked, texts, recipe.predict, [len(written[row]) for row in rows])

    own, written, live = ids_of(rows), [[] for _ in rows], list(range(len(rows)))
    keys = draws.keys(own, turns)
    others_of = [
        ids_of(rivals(row, learnt[key % len(learnt)] if learnt else row))
        for row, key in zip(rows, keys.tolist(), strict=True)
    ]
    # nats of what is written, after the own prompt and after each rival's: no token is weighed twice
    known, known_against = [0.0] * len(rows), [[0.0] * len(others) for others in others_of]
    said: list[set[str]] = [set() for _ in rows]
    spelt = {form: tokenizer(form, add_special_tokens=False)["input_ids"] for forms in heads.values() for form in forms}
    for sentence in range(MOST_SENTENCES):
        forms = {row: choosing.starts(rows[row]["keywords"], said[row], heads, many) for row in live}
        starts = [(row, written[row] + spelt.get(form, [])) for row in live for form in forms[row]]
        asked, texts = [own[row] for row, _ in starts], [text for _, text in starts]
        each = draws.number(draws.number(keys[live], sentence).unsqueeze(1), torch.arange(many)).flatten()
        drawn = extend(read, asked, texts, SENTENCE, recipe.predict, each)
        words = said_in(tokenizer.batch_decode(drawn, skip_special_tokens=True), language)
        of = [row for row, _ in starts]
        nats = [known[row] + more for row, more in zip(of, likely(asked, drawn, of), strict=True)]
        shares = [
            choosing.said(rows[row]["keywords"], found, heads if text[-1:] == [tokenizer.eos_token_id] else {})
            for row, text, found in zip(of, drawn, words, strict=True)
        ]
        worth = choosing.promise(shares, [total / max(1, len(text)) for total, text in zip(nats, drawn, strict=True)])
        short = [[at + one for one in choosing.shortlist(worth[at : at + many])] for at in range(0, len(starts), many)]
        pairs = [(rival, i) for some in short for i in some for rival in others_of[of[i]]]
        more = iter(likely([rival for rival, _ in pairs], [drawn[i] for _, i in pairs], [of[i] for _, i in pairs]))
        for row, some in zip(live, short, strict=True):
            others = [[before + next(more) for before in known_against[row]] for _ in some]
            kept = choosing.best(worth[some], [nats[i] for i in some], others)
            at, known_against[row] = some[kept], others[kept]
            known[row], written[row], said[row] = nats[at], drawn[at][:limit], words[at]
        live = [row for row in live if tokenizer.eos_token_id not in written[row][-1:] and len(written[row]) < limit]
        if not live:
            break
    return [text.strip() for text in tokenizer.batch_decode(written, skip_special_tokens=True)]
