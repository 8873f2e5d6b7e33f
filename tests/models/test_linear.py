"""The linear classifier is scikit-learn's own, kept as plain numbers."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from stages.models import linear

WORDS = {"1": "awful cold rude slow dirty", "3": "plain usual average quiet simple", "5": "lovely warm tasty kind"}
KINDS = pytest.mark.parametrize("kind", [*linear.TFIDF])
SETS = pytest.mark.parametrize("ratings", [("1", "3", "5"), ("1", "5")])


def reviews(ratings: tuple[str, ...], seed: int, rows: int = 90) -> tuple[list[str], list[str]]:
    """Texts that mostly use their rating's words; some are hard."""
    draw = np.random.default_rng(seed)
    labels = [ratings[i % len(ratings)] for i in range(rows)]
    texts = []
    for label in labels:
        others = " ".join(WORDS.values()).split()
        words = [*draw.choice(WORDS[label].split(), 3), *draw.choice(others, 4)]
        texts.append(f"{' '.join(draw.permutation(words))}!")
    return texts, labels


def lengths(texts: list[str]) -> np.ndarray:
    """Stands in for an encoder: how often each rating's words occur."""
    return np.array([[sum(w in t for w in words.split()) for words in WORDS.values()] for t in texts], np.float32)


@KINDS
@SETS
@pytest.mark.parametrize("balanced", [False, True])
def test_predictions_are_those_of_scikit_learns_pipeline(kind, ratings, balanced):
    texts, labels = reviews(ratings, seed=1)
    own = make_pipeline(
        TfidfVectorizer(**linear.TFIDF[kind], sublinear_tf=True, min_df=2),
        LogisticRegression(C=4.0, max_iter=400, class_weight="balanced" if balanced else None),
    ).fit(texts, labels)
    unseen, true = reviews(ratings, seed=2)
    model = linear.fit(kind, texts, labels, balanced=balanced)
    said = model.predict(unseen)
    assert said == own.predict(unseen).tolist()
    assert np.allclose(model.scores(unseen), own.predict_log_proba(unseen))
    assert 0.6 < np.mean(np.array(said) == np.array(true)) < 1


@SETS
@pytest.mark.parametrize("kind", [*linear.TFIDF, linear.ENCODER])
def test_what_is_saved_predicts_the_same_and_is_no_pickle(kind, ratings, tmp_path):
    texts, labels = reviews(ratings, seed=3)
    model = linear.fit(kind, texts, labels, lengths)
    linear.save(model, tmp_path)
    loaded = linear.load(tmp_path)
    unseen, _ = reviews(ratings, seed=4)
    assert loaded.predict(unseen, lengths) == model.predict(unseen, lengths)
    assert (loaded.kind, loaded.labels, loaded.terms) == (kind, ratings, model.terms)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["linear.json", "linear.safetensors"]


def test_an_encoders_features_are_all_it_sees():
    texts, labels = reviews(("1", "3", "5"), seed=5)
    own = LogisticRegression(C=4.0, max_iter=400).fit(lengths(texts), labels)
    model = linear.fit(linear.ENCODER, texts, labels, lengths)
    assert (model.terms, model.weights.shape) == ((), (3, 3))
    assert model.predict(texts, lengths) == own.predict(lengths(texts)).tolist()


def test_balancing_lets_a_rare_label_be_heard():
    texts, labels = reviews(("1", "5"), seed=6, rows=200)
    kept = [i for i in range(200) if labels[i] == "5" or i < 24]
    few = [texts[i] for i in kept], [labels[i] for i in kept]
    unseen, _ = reviews(("1", "5"), seed=7)
    heard = {balanced: linear.fit("tfidf_words", *few, balanced=balanced).predict(unseen) for balanced in (True, False)}
    assert heard[True].count("1") > heard[False].count("1")
