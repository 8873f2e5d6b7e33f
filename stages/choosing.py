"""Of several texts written for one request, the one to keep: by the request itself, never by the judge's ear.

It says what was asked for, it is likelier after its own request than after rivals (another rating, other rubrics), and
the model itself finds it likely: the noisy channel of machine translation (Yee et al. 2019, D19-1571), without a
second model.
"""

import numpy as np

SAID, LIKELY = 4.0, 2.0  # nats that all the keywords are worth, and that a nat per token is worth
SHORTLIST = 4  # candidates that are weighed against rivals: each rival costs a pass of the model


def said(keywords: list[str], lemmas: set[str]) -> float:
    """Share of the asked keywords that are said, 1 where none is asked."""
    return sum(word in lemmas for word in keywords) / len(keywords) if keywords else 1.0


def shortlist(shares: list[float], nats_per_token: list[float]) -> list[int]:
    """The places of the candidates that promise most, best first."""
    promise = SAID * np.array(shares) + LIKELY * np.array(nats_per_token)
    return np.argsort(-promise, kind="stable")[:SHORTLIST].tolist()


def best(shares: list[float], nats_per_token: list[float], own: list[float], rivals: list[list[float]]) -> int:
    """The place of the candidate to keep. own, rivals: log probabilities of a text after its request and rivals."""
    fit = [one - np.logaddexp.reduce([one, *others]) for one, others in zip(own, rivals, strict=True)]
    return int(np.argmax(SAID * np.array(shares) + LIKELY * np.array(nats_per_token) + np.array(fit)))
