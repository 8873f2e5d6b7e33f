"""What an answerer makes of what a model wrote."""

from types import SimpleNamespace

import pytest

from stages import answering


@pytest.fixture
def answerer(monkeypatch) -> answering.Answerer:
    """One whose model echoes its row; of "bad" in an answer that is out of form, of "worse" with another fault."""

    def write(recipe, task, model, tokenizer, rows, *rest):
        assert "worse" not in rows, "another fault"
        assert "bad" not in rows, "out of form: 'bad'"
        return [f"read {row}" for row in rows]

    monkeypatch.setattr(answering.writing, "write", write)
    monkeypatch.setattr(answering, "settle", lambda numerics, seed: None)
    monkeypatch.setattr(answering.inputs, "encode", lambda rows, *rest: ([[1]] * len(rows), [1] * len(rows), None))
    one = object.__new__(answering.Answerer)
    recipe = SimpleNamespace(predict=None, model=SimpleNamespace(prompt_tokens=9))
    one.origin = SimpleNamespace(recipe=recipe, language="ru", numerics=None, seed=0)
    one.task, one.kind = SimpleNamespace(labels=(), prompt=str), SimpleNamespace(WRITES=True)
    one.model = one.writer = one.tokenizer = one.heads = one.learnt = None
    return one


def test_an_answer_that_is_out_of_form_is_the_error_of_its_row_alone(answerer):
    told = answerer._told(["a", "bad", "c"], None)
    assert [(one.text, one.error) for one in told] == [
        ("read a", None), (None, "the answer is out of form"), ("read c", None),
    ]  # fmt: skip


def test_another_fault_is_not_hidden(answerer):
    with pytest.raises(AssertionError, match="another fault"):
        answerer._told(["a", "worse"], None)
