"""A training that is killed and started again ends with the bytes, the curve and the best step of one that was not."""

import json
from pathlib import Path

import datasets
import pytest
import torch
from transformers import TrainerCallback

from stages import seal
from stages.models import adapters, causal, checkpoints, denoising, encoder, seq2seq
from stages.models.fitting import fit
from stages.params import Full, Lora

pytestmark = pytest.mark.usefixtures("one_thread")

# Seven rows of different lengths in batches of two: four steps an epoch, drawn anew in each; validated every third.
ROWS = [
    {"input_ids": [*range(10, 12 + i), 1], "labels": [*range(30, 31 + 2 * i), 1], "length": 5 + 3 * i} for i in range(7)
]
KINDS = {"seq2seq": seq2seq, "encoder": encoder}
TARGETS = {"seq2seq": ("q", "v"), "encoder": ("query", "value")}
FULL = {"kind": "full", "lr": 1e-3, "epochs": 1, "batch": 2}


class Killed(BaseException):
    """What ends a training between two instructions here; SIGKILL of a whole process is in tests/test_killed.py."""


class Killer(TrainerCallback):
    """Ends the training in its n-th epoch's beginning, step's end or save."""

    def __init__(self, when: str, number: int):
        self.left = number
        setattr(self, f"on_{when}", self.count)

    def count(self, args, state, control, **more):
        self.left -= 1
        if not self.left:
            raise Killed


def rows(family: str) -> datasets.Dataset:
    labelled = [row | {"labels": i % 3} for i, row in enumerate(ROWS)]
    return datasets.Dataset.from_list(ROWS if family == "seq2seq" else labelled)


@pytest.fixture
def train(blank, classifier, tokenizer_of, tmp_path):
    """Train anew from the same beginnings: `train("seq2seq", "lora", callbacks…)` → weights in the end, and the Fit."""

    def run(family: str, kind: str = "full", *callbacks, scratch: str = "scratch", data=None, **more) -> tuple:
        model = blank("seq2seq") if family == "seq2seq" else classifier()
        lora = Lora(**FULL | {"kind": "lora", "rank": 2, "alpha": 4, "dropout": 0.1, "targets": TARGETS[family]})
        method = Full(**FULL) if kind == "full" else lora
        torch.manual_seed(7)
        model = adapters.prepare(model, method, KINDS[family].TASK_TYPE, "recipes.x").train()
        data = data or rows(family)
        wanted = {"epochs": 3, "lr": 3e-3, "batch": 2, "evaluations": 4, "patience": 9} | more
        torch.manual_seed(8)
        done = fit(
            model, data, rows(family), KINDS[family].collator(tokenizer_of[family], model), KINDS[family].loss,
            tmp_path / scratch, 1, callbacks=callbacks, **wanted,
        )  # fmt: skip
        return {name: weight.clone() for name, weight in model.state_dict().items()}, done

    return run


def assert_same(one: tuple, other: tuple) -> None:
    assert one[0].keys() == other[0].keys()
    assert not [name for name in one[0] if not torch.equal(one[0][name], other[0][name])]
    for told in ("curve", "steps", "best_step", "planned"):
        assert getattr(one[1], told) == getattr(other[1], told), told


@pytest.mark.parametrize("kind", ["full", "lora"])
@pytest.mark.parametrize("family", KINDS)
def test_killed_once_and_again_it_ends_as_if_nobody_had(train, family, kind):
    undisturbed = train(family, kind, scratch="other")
    for when, number in (("step_end", 5), ("save", 2)):  # before the seal of what is then saved in the third epoch
        with pytest.raises(Killed):
            train(family, kind, Killer(when, number))
    assert_same(train(family, kind), undisturbed)


def test_between_two_epochs(train):
    undisturbed = train("seq2seq", evaluations=3, scratch="other")
    with pytest.raises(Killed):
        train("seq2seq", "full", Killer("epoch_begin", 2), evaluations=3)
    assert_same(train("seq2seq", evaluations=3), undisturbed)


def test_muon_goes_on_too(train):
    undisturbed = train("seq2seq", optimizer="muon", scratch="other")
    with pytest.raises(Killed):
        train("seq2seq", "full", Killer("step_end", 5), optimizer="muon")
    assert_same(train("seq2seq", optimizer="muon"), undisturbed)


@pytest.mark.parametrize("more", [{}, {"accumulate": 2}], ids=["", "accumulated"])
def test_batches_by_tokens_go_on_too(train, more):
    """In the second epoch, whose order is another, and at its very beginning."""
    more = {"tokens": 30, "evaluations": 5} | more
    undisturbed = train("seq2seq", "lora", scratch="other", **more)
    assert undisturbed[1].steps >= 6
    for when, number in (("step_end", undisturbed[1].steps * 2 // 3), ("epoch_begin", 2)):
        with pytest.raises(Killed):
            train("seq2seq", "lora", Killer(when, number), **more)
    assert_same(train("seq2seq", "lora", **more), undisturbed)


def test_accumulated_gradients_go_on_too(train):
    more = {"accumulate": 2, "epochs": 4, "evaluations": 3}
    undisturbed = train("seq2seq", scratch="other", **more)
    with pytest.raises(Killed):
        train("seq2seq", "full", Killer("step_end", 6), **more)
    assert_same(train("seq2seq", **more), undisturbed)


def test_patience_is_what_was_left_of_it(train):
    """At such a rate validation gets worse again; the best weights lie some checkpoints back."""
    more = {"lr": 0.3, "patience": 3, "evaluations": 12}
    undisturbed = train("seq2seq", scratch="other", **more)
    assert undisturbed[1].best_step < undisturbed[1].steps < undisturbed[1].planned
    last = undisturbed[1].steps
    with pytest.raises(Killed):
        train("seq2seq", "full", Killer("step_end", last), **more)
    assert_same(train("seq2seq", **more), undisturbed)


ENDS = {"whole": {}, "stopped early": {"lr": 0.3, "patience": 2, "evaluations": 12}}


@pytest.mark.parametrize("more", ENDS.values(), ids=ENDS)
def test_killed_after_its_last_step_it_has_nothing_left_to_train(train, more, capsys):
    steps = []

    class Counted(TrainerCallback):
        def on_step_end(self, args, state, control, **more):
            steps.append(state.global_step)

    undisturbed = train("encoder", "lora", scratch="other", **more)
    with pytest.raises(Killed):
        train("encoder", "lora", Killer("train_end", 1), **more)
    assert_same(train("encoder", "lora", Counted(), **more), undisturbed)
    assert steps == []


def held(tmp_path) -> list[Path]:
    """The checkpoints that are there, the newest first."""
    (folder,) = (tmp_path / "scratch").iterdir()
    return checkpoints._by_step(folder)


def test_seconds_are_those_of_all_parts(train, tmp_path):
    with pytest.raises(Killed):
        train("encoder", "full", Killer("step_end", 4))
    newest = held(tmp_path)[0]
    order = json.loads((newest / checkpoints.ORDER).read_text())
    assert 0 < order["seconds"] < 600
    (newest / checkpoints.ORDER).write_text(json.dumps(order | {"seconds": 1000.0}))
    seal.seal(newest)
    assert 1000 < train("encoder")[1].seconds < 1600


def test_two_are_kept_at_most_and_each_is_sealed(train, tmp_path):
    class Looking(TrainerCallback):
        def on_step_end(self, args, state, control, **more):
            found = held(tmp_path)
            assert len(found) <= 2 and all(map(seal.whole, found))
            best = state.best_model_checkpoint
            assert not best or Path(best) in found

    train("encoder", "full", Looking())


def flip(one: Path) -> None:
    weights = one / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)


TORN = {
    "a flipped byte": flip,
    "no seal": lambda one: (one / seal.MANIFEST).unlink(),
    "a torn seal": lambda one: (one / seal.MANIFEST).write_text("{"),
    "no optimizer": lambda one: (one / "optimizer.pt").unlink(),
    "an empty state": lambda one: (one / "trainer_state.json").write_text(""),
}


@pytest.mark.parametrize("tear", TORN.values(), ids=TORN)
def test_a_torn_checkpoint_is_not_used(train, tmp_path, tear, capsys):
    undisturbed = train("seq2seq", scratch="other")
    with pytest.raises(Killed):
        train("seq2seq", "full", Killer("step_end", 7))
    newest, *older = held(tmp_path)
    tear(newest)
    capsys.readouterr()
    assert_same(train("seq2seq"), undisturbed)
    assert ("going on from" in capsys.readouterr().out) == bool(older)


def test_without_its_best_weights_a_checkpoint_is_not_used(train, tmp_path, capsys):
    more = {"lr": 0.3, "patience": 3, "evaluations": 12}
    undisturbed = train("seq2seq", scratch="other", **more)
    with pytest.raises(Killed):
        train("seq2seq", "full", Killer("step_end", undisturbed[1].steps), **more)
    _, best = held(tmp_path)
    assert best.name == f"checkpoint-{undisturbed[1].best_step}"
    flip(best)
    capsys.readouterr()
    assert_same(train("seq2seq", **more), undisturbed)
    assert "going on from" not in capsys.readouterr().out


OTHERS = {
    "rate": {"lr": 2e-3},
    "setting": {"settings": [{"alpha": 8}]},
    "rows": {"data": rows("seq2seq").select(range(6))},
}


@pytest.mark.parametrize("more", OTHERS.values(), ids=OTHERS)
def test_another_training_does_not_go_on_from_it(train, tmp_path, more, capsys):
    undisturbed = train("seq2seq", scratch="other", **more)
    with pytest.raises(Killed):
        train("seq2seq", "full", Killer("step_end", 5))
    capsys.readouterr()
    assert_same(train("seq2seq", **more), undisturbed)
    assert "going on from" not in capsys.readouterr().out
    assert len(list((tmp_path / "scratch").iterdir())) == 1, "the other one's checkpoints are still there"


def test_the_same_training_has_the_same_key(blank):
    model, data = blank("seq2seq"), rows("seq2seq")
    found = checkpoints.key(model, [data, data], {"lr": 1})
    assert found == checkpoints.key(blank("seq2seq"), [rows("seq2seq"), rows("seq2seq")], {"lr": 1})
    others = [
        checkpoints.key(model, [data, data], {"lr": 2}),
        checkpoints.key(model, [data, data.select([0])], {"lr": 1}),
    ]
    with torch.no_grad():
        model.shared.weight[0, 0] += 1
    others.append(checkpoints.key(model, [data, data], {"lr": 1}))
    assert len({found, *others}) == 4


@pytest.mark.parametrize("family", ["seq2seq", "encoder", "causal"])
def test_rows_corrupted_anew_each_time_go_on_from_the_same_draw(blank, tokenizer_of, tmp_path, family):
    """As pretrain has it: what is hidden from the model is drawn by the collator, and a batch is fetched ahead."""
    told, rest = {}, [{"input_ids": [*range(10, 30 + i), 1], "length": 21 + i} for i in range(7)]

    def run(scratch: str, *callbacks) -> None:
        model = blank(family).train()
        collator = denoising.collator(family, tokenizer_of[family], model, 3)
        validation = datasets.Dataset.from_list([collator.corrupt(row["input_ids"]) for row in rest[:3]])
        torch.manual_seed(8)
        loss = loss_of(family)
        done = fit(model, datasets.Dataset.from_list(rest), validation, collator, loss, tmp_path / scratch, 1,
                   epochs=3, lr=3e-3, batch=2, evaluations=4, callbacks=callbacks)  # fmt: skip
        told[scratch] = ({name: weight.clone() for name, weight in model.state_dict().items()}, done)

    run("undisturbed")
    for number in (5, 3):
        with pytest.raises(Killed):
            run("again", Killer("step_end", number))
    run("again")
    assert_same(told["again"], told["undisturbed"])


def loss_of(family: str):
    return causal.loss if family == "causal" else seq2seq.loss
