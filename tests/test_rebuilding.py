"""Sentences to write from what they speak of."""

import polars as pl

from stages.rebuilding import rebuilt
from stages.tasks.review_generation import prompt

ROWS = pl.DataFrame(
    {
        "rating": [2, 5],
        "rubrics": ["Кафе", "Парк"],
        "keywords": [["пицца", "официант"], ["детский площадка"]],
        "text": ["Пиццу ждали час. Официант нагрубил!", "Детская площадка чудесная."],
    }
)


def test_each_part_is_a_run_of_sentences_and_asks_for_what_it_speaks_of():
    prompts, targets = rebuilt(ROWS, "ru", prompt, 200, seed=1)
    assert len(prompts) == len(targets) == 400
    assert set(targets) == {"Пиццу ждали час.", "Официант нагрубил!", ROWS["text"][0], ROWS["text"][1]}
    of = {target: {p.partition("keywords ")[2] for p, t in zip(prompts, targets, strict=True) if t == target}
          for target in set(targets)}  # fmt: skip
    assert of["Пиццу ждали час."] == {"пицца"} and of["Официант нагрубил!"] == {"официант"}
    assert of[ROWS["text"][0]] == {"пицца", "официант", "пицца, официант"}
    assert of[ROWS["text"][1]] == {"детский площадка"}  # a phrase stands for its words
    with_rubrics = sum("rubrics" in p for p in prompts) / len(prompts)
    assert 0.6 < with_rubrics < 0.8 and all(p.startswith("rating ") for p in prompts)


def test_rows_come_in_turn_and_a_seed_settles_all():
    assert rebuilt(ROWS, "ru", prompt, 3, seed=1) == rebuilt(ROWS, "ru", prompt, 3, seed=1)
    assert rebuilt(ROWS, "ru", prompt, 30, seed=1) != rebuilt(ROWS, "ru", prompt, 30, seed=2)
    _, targets = rebuilt(ROWS, "ru", prompt, 10, seed=1)
    assert sum("Детская" in target for target in targets) == 10
    assert len(rebuilt(ROWS, "ru", prompt, 1.5, seed=1)[0]) == 3
