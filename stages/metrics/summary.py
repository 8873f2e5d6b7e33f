"""How good a summary by category is: like people's, complete, right in its scores, borne out by the reviews, in form.

ROUGE is Google's rouge-score (Lin 2004, W04-1013), F1, with words of any script in place of its own Latin ones. A
category's text is compared with each reference of that category; a row is the mean over its categories, and a metric
the mean over rows with a bootstrap interval. Categories that nobody speaks of are left out of all but the form.
"""

import re
from functools import cache

import numpy as np

from stages import sentences, summaries
from stages.metrics import intervals

ROUGE = ("rouge1", "rouge2", "rougeL")


class Words:
    """A tokenizer for rouge-score: lower-case words of any script; its own keeps a–z and digits alone."""

    def tokenize(self, text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())


@cache
def _scorer():
    from rouge_score.rouge_scorer import RougeScorer  # imports nltk: opened where a summary is measured, nowhere else

    return RougeScorer(list(ROUGE), tokenizer=Words())


def rouge(text: str, references: list[str]) -> list[dict[str, float]]:
    """F1 of rouge1, rouge2 and rougeL against each reference."""
    told = [_scorer().score(reference, text) for reference in references]
    return [{kind: one[kind].fmeasure for kind in ROUGE} for one in told]


def measure(
    rows: list[dict], texts: list[str], words: dict[str, tuple[str, ...]], language: str, least: float, seed: int
) -> dict[str, dict]:
    """Every metric of `texts`, summaries of gathered rows: {value, low, high, n}; shares and ROUGE 0–1.

    rows: categories, silent, reviews, sentences, references and target of each. words: category → its words. least:
    the similarity from which a claim is borne out. score_error is in points of the ten, lower is better; so are
    malformed and repeated, shares of answers.
    """
    told = by_row(rows, texts, words, language, least)
    return {name: intervals.summary(values, seed) for name, values in told.items()}


def by_row(
    rows: list[dict], texts: list[str], words: dict[str, tuple[str, ...]], language: str, least: float
) -> dict[str, list]:
    """The same of each row, None where a metric asks nothing of it."""
    read = [summaries.read(text, tuple(row["categories"])) for row, text in zip(rows, texts, strict=True)]
    overlap = [_overlap(row, one.parts) if wanted(row) else {} for row, one in zip(rows, read, strict=True)]
    return {
        "rouge_l": [one.get("rougeL") for one in overlap],
        "rouge_1": [one.get("rouge1") for one in overlap],
        "rouge_2": [one.get("rouge2") for one in overlap],
        "rouge_l_best": [one.get("best") for one in overlap],
        "aspect_coverage": _coverage(rows, read, words, language),
        "score_error": [_error(row, one.parts) if _spoken(row) else None for row, one in zip(rows, read, strict=True)],
        "supported": _supported(rows, read, least),
        "malformed": [one.malformed for one in read],
        "repeated": [one.repeated > 0 for one in read],
    }


def wanted(row: dict) -> dict[str, list[str]]:
    """What each category's text is compared with: people's summaries where the row has them, else the rule's."""
    people: dict[str, list[str]] = {}
    for one in row["references"]:
        people.setdefault(one["category"], []).append(one["text"])
    rule = summaries.read(row["target"], tuple(row["categories"])).parts
    return people or {name: [text] for name, (_, text) in rule.items() if text != row["silent"]}


def without_own(row: dict) -> dict:
    """The row without the references that its target repeats: a person is measured against the others alone."""
    own = summaries.read(row["target"], tuple(row["categories"])).parts
    others = [one for one in row["references"] if own.get(one["category"], (0, ""))[1] != one["text"]]
    return row | {"references": others}


def _overlap(row: dict, parts: summaries.Parts) -> dict[str, float]:
    """Mean over the row's categories: ROUGE against all references, and the best rougeL among them."""
    told = [rouge(parts.get(name, (0, ""))[1], texts) for name, texts in wanted(row).items()]
    means = {kind: float(np.mean([np.mean([one[kind] for one in of]) for of in told])) for kind in ROUGE}
    return means | {"best": float(np.mean([max(one["rougeL"] for one in of) for of in told]))}


def _spoken(row: dict) -> list[str]:
    return [name for name, own in summaries.spoken(row["sentences"], tuple(row["categories"])).items() if own]


def _coverage(rows: list[dict], read: list[summaries.Reading], words: dict, language: str) -> list[float | None]:
    """Of the categories that a row's reviews speak of, the share whose text speaks of it too (by the same words)."""
    asked = [(at, name, read[at].parts.get(name, (0, ""))[1]) for at, row in enumerate(rows) for name in _spoken(row)]
    hits = {}
    for name in words:
        texts = [text for _, other, text in asked if other == name]
        told = sentences.tag(sentences.series(texts), {name: words[name]}, language)
        hits[name] = iter((told == name).to_list())
    found = [(at, next(hits[name])) for at, name, _ in asked]
    of = {at: [hit for other, hit in found if other == at] for at, _ in found}
    return [float(np.mean(of[at])) if at in of else None for at in range(len(rows))]


def _error(row: dict, parts: summaries.Parts) -> float:
    """Mean over the row's spoken categories of the distance from the rule's score; one left out counts as ten."""
    ratings = [one["rating"] for one in row["reviews"]]
    rule = summaries.by_rule(row["sentences"], tuple(row["categories"]), row["silent"], ratings)
    return float(np.mean([abs(parts[n][0] - rule[n][0]) if n in parts else 10 for n in _spoken(row)]))


# --- whether a claim is borne out by a sentence of the reviews -------------------------------------------------------


def _closest(claims: list[str], sources: list[str]) -> np.ndarray:
    """The highest cosine of each claim with a source, by TF-IDF over parts of words (any language), (claims,)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    rows = vectorizer.fit_transform([*sources, *claims])  # claims too: a word of theirs that no source has must count
    return (rows[len(sources) :] @ rows[: len(sources)].T).max(axis=1).toarray()[:, 0]


def threshold(rows: list[dict], least: int = 20) -> dict:
    """From which similarity a claim counts as borne out, set on held-out rows: {value, accepted, mistaken, n}.

    Each sentence, with every third word left out, is a claim that its own group's reviews bear out, and one that the
    next group's do not. The threshold parts the two best (Youden 1950: hits minus false alarms); `accepted` and
    `mistaken` are the shares of both that pass it. With fewer than `least` sentences 0.5, and n says so.
    """
    held = [[one["text"] for one in row["sentences"]] for row in rows]
    held = [texts for texts in held if len(texts) > 1]
    if len(held) < 2 or sum(map(len, held)) < least:
        return {"value": 0.5, "accepted": None, "mistaken": None, "n": sum(map(len, held))}
    claims = [[" ".join(w for at, w in enumerate(text.split()) if at % 3 != 2) for text in texts] for texts in held]
    true = np.concatenate([_closest(said, texts) for said, texts in zip(claims, held, strict=True)])
    false = np.concatenate([_closest(said, texts) for said, texts in zip(claims, [*held[1:], held[0]], strict=True)])
    tried = np.unique(np.floor(true * 1000) / 1000)
    gain = [(true >= at).mean() - (false >= at).mean() for at in tried]
    best = float(tried[int(np.argmax(gain))])
    return {
        "value": best,
        "accepted": round(float((true >= best).mean()), 3),
        "mistaken": round(float((false >= best).mean()), 3),
        "n": len(true),
    }


def _supported(rows: list[dict], read: list[summaries.Reading], least: float) -> list[float | None]:
    """Of each row's claims, the sentences of its texts, the share that a sentence of its reviews bears out."""
    shares = []
    for row, one in zip(rows, read, strict=True):
        texts = sentences.series([text for _, text in one.parts.values() if text != row["silent"]])
        claims = sentences.split(texts).explode().drop_nulls().to_list()
        sources = [other["text"] for other in row["sentences"]]
        asked = claims and sources
        shares.append(float((_closest(claims, sources) >= least).mean()) if asked else None)
    return shares
