"""A leak that is planted is seen."""

import polars as pl

from stages.clean import clean
from stages.leakage import leakage
from stages.params import Clean
from stages.schema import RAW
from stages.sources.sample import generate

LONG = "Были здесь вчера вечером, официант принёс холодный суп и даже не извинился, больше не придём никогда"
RULES = Clean(rating_range=(1, 5), min_chars=3, max_chars=3000, split={"validation": 0.1, "test": 0.2})


def leaks(*rows: tuple[str, str], threshold: float = 0.8) -> dict[str, int]:
    return leakage(pl.DataFrame(rows, schema=["text", "split"], orient="row"), threshold)


def test_a_planted_leak_is_seen():
    other = ("Совсем другое", "train")
    assert leaks((LONG, "train"), (LONG.upper() + "!", "test"), other) == {"exact": 1, "near": 1}
    assert leaks((LONG + " дети", "test"), other, (LONG, "train")) == {"exact": 0, "near": 1}
    assert leaks(("ок", "train"), ("Ок!", "test"), ("ок.", "test"), (LONG, "test")) == {"exact": 2, "near": 2}


def test_what_is_no_leak():
    assert leaks((LONG, "train"), (LONG, "train"), (LONG[:40], "test")) == {"exact": 0, "near": 0}
    assert leaks((LONG, "train"), (LONG, "validation"), ("иное", "test")) == {"exact": 0, "near": 0}
    assert leaks((LONG, "test"), (LONG, "test")) == {"exact": 0, "near": 0}


def test_cleaning_leaves_no_leak_and_without_it_there_is_one():
    raw = generate("places", 1500, seed=3).filter(pl.col("rating").is_in(["4", "5"]))
    copies = raw.with_columns(pl.col("id", "group").name.keep() + "-copy", pl.col("text") + " Вот так.").head(200)
    both = pl.concat([raw, copies.select(list(RAW))])
    assert clean(both, RULES)[2]["leakage"] == {"exact": 0, "near": 0}
    assert clean(both, RULES.model_copy(update={"near_duplicate": None}))[2]["leakage"]["near"] > 20


def test_a_copy_in_another_split_of_the_source_goes():
    texts = [LONG, LONG, LONG + "!", LONG + " дети", "Совсем другое"]
    rows = [
        dict.fromkeys(RAW) | {"id": str(n), "rating": "5", "text": text, "split": "test"}
        for n, text in enumerate(texts)
    ]
    rows[0]["split"] = "train"
    kept, rejected, account = clean(pl.DataFrame(rows, schema=RAW), RULES)
    assert kept["id"].to_list() == ["0", "4"]
    assert rejected["reason"].to_list() == ["duplicate", "near_duplicate", "near_duplicate"]
    assert account["leakage"] == {"exact": 0, "near": 0}


def test_an_answer_leaks_only_to_its_own_question():
    def told(*questions: str | None) -> dict[str, int]:
        rows = {"text": [LONG, LONG + " дети"], "split": ["train", "test"], "question": questions}
        return leakage(pl.DataFrame(rows, schema_overrides={"question": pl.String}), 0.8)

    assert told("a", "b") == {"exact": 0, "near": 0}
    assert told("a", "a") == told(None, None) == {"exact": 0, "near": 1}
