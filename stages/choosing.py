"""Of several ways to go on with a text, the one to keep: by the request itself, never by the judge's ear.

It says what was asked for, it is likelier after its own request than after rivals (another rating, other rubrics), and
the model itself finds it likely: the noisy channel of machine translation (Yee et al. 2019, D19-1571), without a
second model.
"""

from collections.abc import Sequence

import numpy as np

SAID, LIKELY = 6.0, 2.0  # nats that all the keywords are worth, and that a nat per token is worth
SHORTLIST = 2  # candidates that are weighed against rivals: each rival costs a pass of the model


def starts(keywords: list[str], said: set[str], heads: dict[str, list[str]], most: int) -> list[str]:
    """With what each of `most` sentences is to begin: forms of the keywords still unsaid, in turn; then "", freely.

    A third of them, one at least, is free in any case.

    >>> starts(["a", "b"], {"b"}, {"a": ["A", "As"], "b": ["B"]}, 5), starts([], set(), {}, 2)
    (['A', 'As', '', '', ''], ['', ''])
    """
    open_ = [heads[word] for word in keywords if word in heads and word not in said]
    forms = [forms[turn] for turn in range(max(map(len, open_), default=0)) for forms in open_ if turn < len(forms)]
    forced = forms[: most - max(1, most // 3)]
    return forced + [""] * (most - len(forced))


def said(keywords: list[str], lemmas: set[str]) -> float:
    """Share of the asked keywords that are said, 1 where none is asked."""
    return sum(word in lemmas for word in keywords) / len(keywords) if keywords else 1.0


def promise(shares: Sequence[float], nats_per_token: Sequence[float]) -> np.ndarray:
    """What each candidate is worth before rivals are asked."""
    return SAID * np.array(shares) + LIKELY * np.array(nats_per_token)


def shortlist(worth: np.ndarray) -> list[int]:
    """The places of the candidates that promise most, best first."""
    return np.argsort(-worth, kind="stable")[:SHORTLIST].tolist()


def best(worth: np.ndarray, own: list[float], rivals: list[list[float]]) -> int:
    """The place of the candidate to keep. own, rivals: log probabilities of a text after its request and rivals."""
    fit = [one - np.logaddexp.reduce([one, *others]) for one, others in zip(own, rivals, strict=True)]
    return int(np.argmax(worth + np.array(fit)))
