"""The plain version answers for ours only while both do the same: they keep the same rows, with the same texts."""

import pandas as pd
import polars as pl
import pytest

from benchmarks import plain
from stages import clean, params
from stages.rules import normalise
from stages.sources import sample

RULES = {"rating_range": [1, 10], "min_chars": 3, "max_chars": 3000, "split": {"validation": 0.1, "test": 0.2}}


@pytest.mark.parametrize(("corpus", "language", "high"), [("films", "en", 10), ("places", "ru", 5)])
def test_plain_clean_keeps_the_rows_that_ours_keeps(corpus, language, high):
    rules = RULES | {"language": [language], "rating_range": [1, high], "near_duplicate": None}
    raw = sample.generate(corpus, 1500, seed=1).with_columns(pl.col("group").fill_null(pl.col("id")))
    ours, *_ = clean.clean(raw, params.Clean(**rules))
    theirs = plain.clean(pd.DataFrame(raw.fill_null("").to_dict(as_series=False)), {"clean": rules})
    assert dict(zip(theirs["id"], theirs["text"], strict=True)) == dict(ours.select("id", "text").iter_rows())


DIRT = (
    "정말 ㅋㅋㅋㅋㅋㅋ 최고!!!!!!",
    "line<br/>one <b>bold</b>&nbsp;&amp; <!-- gone -->two",
    "e\u0301te\u0301 \u200bzero",
    "  a \t b ",
    "Ð¿Ñ€Ð¸Ð²ÐµÑ‚, Ð´Ñ€ÑƒÐ³",
    "write ivan@mail.ru or @ivan_petrov, telegram id: ivan99",
    "https://a.kr/b?c=1 and film.com now",
    "4111 1111 1111 1111 is a card, 1234 5678 1234 5678 none",
    "8-912-345-67-89, 010-1234-5678",
    "so</s> | rating 5 [MASK] a▁b",
)


@pytest.mark.parametrize("one", DIRT)
def test_plain_rules_write_what_ours_write(one):
    assert plain.normalised(one) == normalise(pl.Series([one]))[0].item() != one
