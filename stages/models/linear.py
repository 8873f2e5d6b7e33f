"""A linear classifier of texts over TF-IDF, or over an encoder's frozen features. Kept as JSON and safetensors.

scikit-learn does the learning; what it learnt is written as plain numbers, for a pickle would run code when opened. It
takes most of a second to import, so that is left to the functions here and wherever else it is needed.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

# Words serve English best, pieces of words serve languages that inflect; whoever fits tries both.
TFIDF = {
    "tfidf_words": {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\w+|[^\w\s]"},
    "tfidf_characters": {"analyzer": "char_wb", "ngram_range": (2, 4)},
}
ENCODER = "encoder"
MOST_TERMS = 60_000

Features = Callable[[list[str]], np.ndarray]  # texts → (rows, width) float32


@dataclass(frozen=True)
class Linear:
    """kind: a key of TFIDF, or "encoder". terms and idf: of the TF-IDF (empty for an encoder)."""

    kind: str
    labels: tuple[str, ...]
    terms: tuple[str, ...]
    idf: np.ndarray  # (terms,)
    weights: np.ndarray  # (labels, terms or width)
    bias: np.ndarray  # (labels,)

    def predict(self, texts: list[str], features: Features | None = None) -> list[str]:
        """The likeliest label of each text. `features` is needed when kind is "encoder"."""
        return [self.labels[i] for i in self._sums(texts, features).argmax(1)]

    def scores(self, texts: list[str], features: Features | None = None) -> np.ndarray:
        """(texts, labels) log probabilities, nats: the softmax that logistic regression was fitted with."""
        from scipy.special import log_softmax

        return log_softmax(self._sums(texts, features), axis=1)

    def _sums(self, texts: list[str], features: Features | None) -> np.ndarray:
        if self.kind == ENCODER:
            inputs = features(texts)
        else:
            from sklearn.feature_extraction.text import TfidfVectorizer

            vectorizer = TfidfVectorizer(**TFIDF[self.kind], sublinear_tf=True, vocabulary=list(self.terms))
            vectorizer.idf_ = self.idf
            inputs = vectorizer.transform(texts)
        return np.asarray(inputs @ self.weights.T + self.bias)


def fit(
    kind: str, texts: list[str], labels: list[str], features: Features | None = None, balanced: bool = False
) -> Linear:
    """Logistic regression over the features of `kind`; `balanced`: labels weigh the same whatever their share."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    terms, idf = (), np.zeros(0)
    if kind == ENCODER:
        inputs = features(texts)
    else:
        vectorizer = TfidfVectorizer(**TFIDF[kind], sublinear_tf=True, min_df=2, max_features=MOST_TERMS)
        inputs = vectorizer.fit_transform(texts)
        terms, idf = tuple(vectorizer.get_feature_names_out()), vectorizer.idf_
    model = LogisticRegression(C=4.0, max_iter=400, class_weight="balanced" if balanced else None).fit(inputs, labels)
    weights, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one row for two labels
        weights, bias = np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return Linear(kind, tuple(model.classes_), terms, idf, weights, bias)


def save(model: Linear, folder: Path) -> None:
    about = {"kind": model.kind, "labels": model.labels, "terms": model.terms}
    (folder / "linear.json").write_text(json.dumps(about, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    arrays = {"idf": model.idf, "weights": model.weights, "bias": model.bias}
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / "linear.safetensors")


def load(folder: Path) -> Linear:
    about = json.loads((Path(folder) / "linear.json").read_text("utf-8"))
    arrays = load_file(Path(folder) / "linear.safetensors")
    return Linear(about["kind"], tuple(about["labels"]), tuple(about["terms"]), **arrays)
