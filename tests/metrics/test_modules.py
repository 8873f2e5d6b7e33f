"""The `evaluate` modules against the libraries they wrap, and against what the stages count."""

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu import sentence_chrf
from sklearn.metrics import accuracy_score, f1_score

from stages.metrics import labels, overlap
from stages.metrics.modules import MODULES, load

LABELS = ("negative", "neutral", "positive")
SAID = ["The pizza was cold.", "Lovely ending, lovely cast!", "", "A slow start."]
MEANT = ["We waited an hour for a cold pizza.", "Lovely ending.", "So so.", "A slow start."]


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory):
    """No net, and a cache of its own: evaluate copies a module there before it opens it."""
    with pytest.MonkeyPatch.context() as patch:
        import evaluate

        patch.setattr(evaluate.config, "HF_MODULES_CACHE", str(tmp_path_factory.mktemp("modules")))
        patch.setattr("socket.socket.connect", None)
        yield


@pytest.fixture(scope="module")
def answers() -> tuple[list[str], list[str]]:
    draw = np.random.default_rng(8)
    return draw.choice([*LABELS, "blah"], 150).tolist(), draw.choice(LABELS[1:], 150).tolist()


def test_accuracy_is_scikit_learns_and_the_stages(answers):
    said, true = answers
    told = load("accuracy").compute(predictions=said, references=true)
    assert told == {"accuracy": accuracy_score(true, said)}
    assert told["accuracy"] == np.mean(labels.accuracy(said, true))


def test_macro_f1_is_scikit_learns_and_the_stages(answers):
    said, true = answers
    told = load("macro_f1").compute(predictions=said, references=true)
    assert told == {"macro_f1": f1_score(true, said, labels=["neutral", "positive"], average="macro")}
    assert told["macro_f1"] == pytest.approx(labels.macro_f1(said, true, LABELS, seed=1)["value"], abs=1e-6)


def test_chrf_is_sacrebleus_and_the_stages():
    told = load("chrf").compute(predictions=SAID, references=MEANT)
    assert told["chrf"] == pytest.approx(
        np.mean([sentence_chrf(s, [m]).score for s, m in zip(SAID, MEANT, strict=True)])
    )
    assert told["chrf"] == pytest.approx(np.mean(overlap.chrf(SAID, MEANT)))


def test_rouge_is_rouge_scores_on_english():
    told = load("rouge").compute(predictions=SAID, references=MEANT)
    own = RougeScorer(["rouge1", "rouge2", "rougeL"])
    found = [own.score(m, s) for s, m in zip(SAID, MEANT, strict=True)]
    assert told == {kind: pytest.approx(np.mean([one[kind].fmeasure for one in found])) for kind in told}
    assert set(told) == {"rouge1", "rouge2", "rougeL"} and 0 < told["rouge2"] < told["rouge1"] < 1


def test_rouge_reads_other_alphabets_too():
    told = load("rouge").compute(predictions=["Пицца была холодной."], references=["Холодной была пицца!"])
    assert told == {"rouge1": 1.0, "rouge2": 0.0, "rougeL": pytest.approx(1 / 3)}


def test_each_module_says_what_it_is():
    assert all(load(name).description for name in MODULES)
