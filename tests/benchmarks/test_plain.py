"""The plain version answers for ours only while both do the same: they keep the same rows, with the same texts."""

import pandas as pd
import polars as pl
import pytest

from benchmarks import plain
from stages import clean, params
from stages.sources import sample

RULES = {"rating_range": [1, 10], "min_chars": 3, "max_chars": 3000, "split": {"validation": 0.1, "test": 0.2}}


@pytest.mark.parametrize(("corpus", "language", "high"), [("films", "en", 10), ("places", "ru", 5)])
def test_plain_clean_keeps_the_rows_that_ours_keeps(corpus, language, high):
    rules = RULES | {"language": [language], "rating_range": [1, high], "near_duplicate": None}
    raw = sample.generate(corpus, 1500, seed=1).with_columns(pl.col("group").fill_null(pl.col("id")))
    ours, *_ = clean.clean(raw, params.Clean(**rules))
    theirs = plain.clean(pd.DataFrame(raw.fill_null("").to_dict(as_series=False)), {"clean": rules})
    assert dict(zip(theirs["id"], theirs["text"], strict=True)) == dict(ours.select("id", "text").iter_rows())
