"""Chunks of a gathered row hold all of it, and their summaries are joined."""

import pytest

from stages import summaries
from stages.models import structured
from stages.models.constrained import room
from stages.tasks.review_summary import TASK


def row(size: int) -> dict:
    reviews = [{"rating": at % 5 + 1, "text": f"Суп номер {at}. Темно."} for at in range(size)]
    said = [
        {"category": category, "rating": at % 5 + 1, "review": at, "text": text}
        for at in range(size) for category, text in (("суп", f"Суп номер {at}."), ("", "Темно."))
    ]  # fmt: skip
    return {"categories": ["суп", "кофе"], "silent": "не пишут", "reviews": reviews, "sentences": said,
            "references": [], "copy": 0}  # fmt: skip


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(("size", "most"), [(1, 5), (7, 20), (7, 1), (7, 1000), (20, 33)])
def test_chunks_hold_every_review_once_in_order_and_fit(size, most):
    whole = row(size)
    parts = structured.chunks(whole, TASK.prompt, words, most)
    assert [one for part in parts for one in part["reviews"]] == whole["reviews"]
    assert [one["text"] for part in parts for one in part["sentences"]] == [one["text"] for one in whole["sentences"]]
    for part in parts:
        assert len(part["reviews"]) == 1 or words(TASK.prompt(part)) <= most
        for one in part["sentences"]:
            assert one["text"] in part["reviews"][one["review"]]["text"]


def test_rows_are_told_chunk_by_chunk_and_joined():
    asked = []

    def tell(parts: list[dict]) -> list[str]:
        asked.extend(parts)
        return [TASK.target(part) for part in parts]

    rows = [row(6), row(2)]
    answers = structured.map_reduce(rows, TASK.prompt, words, 20, tell)
    assert len(asked) == sum(len(structured.chunks(one, TASK.prompt, words, 20)) for one in rows) > len(rows)
    parts = [summaries.read(text, ("суп", "кофе")).parts for text in answers]
    assert [one["суп"][0] for one in parts] == [4, 1] and all(one["кофе"][1] == "не пишут" for one in parts)


def test_nothing_that_can_be_made_out_still_gives_a_summary_in_form():
    (answer,) = structured.map_reduce([row(2)], TASK.prompt, words, 99, lambda parts: ["вздор"] * len(parts))
    assert answer == "суп: 5 | не пишут | кофе: 5 | не пишут"


def test_the_form_of_a_row(tokenizer_of):
    tokenizer = tokenizer_of["seq2seq"]
    assert structured.forms(tokenizer, [row(2)], 60, "none") is None
    (free,) = structured.forms(tokenizer, [row(2)], 60, "free")
    (quoted,) = structured.forms(tokenizer, [row(2)], 60, "quoted")
    assert (free.categories, free.quotes) == (("суп", "кофе"), None)
    assert free.text == quoted.text == room(free.vocabulary, free.categories, 60)
    assert quoted.quotes == (("Суп номер 0.", "Суп номер 1."), ("не пишут",))


def test_an_answer_out_of_its_form_is_a_fault(tokenizer_of):
    rows = [row(1)]
    forms = structured.forms(tokenizer_of["causal"], rows, 60, "free")
    whole = "суп: 5 | Суп. | кофе: 5 | не пишут"
    assert structured.held([whole], rows, forms) == [whole]
    assert structured.held(["вздор"], rows, None) == ["вздор"], "no form was asked for"
    with pytest.raises(AssertionError, match="out of form"):
        structured.held(["вздор"], rows, forms)
