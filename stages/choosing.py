"""Of several ways to go on with a text, the one to keep: by the request itself, never by the judge's ear.

It says what was asked for, it is likelier after its own request than after rivals (another tone, other rubrics), and
the model itself finds it likely: the noisy channel of machine translation (Yee et al. 2019, D19-1571), without a
second model.
"""

from collections.abc import Collection, Sequence

import numpy as np

# nats that all the keywords are worth, a nat per token, and a nat of being likelier after the own request than rivals
SAID, LIKELY, FIT = 12.0, 3.0, 3.0
SHORTLIST = 3  # candidates that are weighed against rivals: each rival costs a pass of the model


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


def said(keywords: list[str], lemmas: set[str], sayable: Collection[str] = ()) -> float:
    """Share of the asked keywords that are said, 1 where none is asked.

    sayable: of a text that has ended, what it could still have said had it gone on; that counts against it, down to -1.

    >>> said(["a", "b"], {"a"}), said(["a", "b"], {"a"}, {"b"})
    (0.5, 0.0)
    """
    if not keywords:
        return 1.0
    return sum((word in lemmas) - (word in sayable and word not in lemmas) for word in keywords) / len(keywords)


def promise(shares: Sequence[float], nats_per_token: Sequence[float]) -> np.ndarray:
    """What each candidate is worth before rivals are asked: (candidates,), in nats."""
    return SAID * np.array(shares) + LIKELY * np.array(nats_per_token)


def shortlist(worth: np.ndarray) -> list[int]:
    """The places of the candidates that promise most, best first."""
    return np.argsort(-worth, kind="stable")[:SHORTLIST].tolist()


def best(worth: np.ndarray, own: list[float], rivals: list[list[float]]) -> int:
    """The place of the candidate to keep.

    worth: (candidates,). own, rivals: log probabilities of each text after its own request and after each rival, nats.
    """
    fit = [one - np.logaddexp.reduce([one, *others]) for one, others in zip(own, rivals, strict=True)]
    return int(np.argmax(worth + FIT * np.array(fit)))
