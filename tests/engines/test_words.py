"""Keywords found on a Ray cluster: those of keywords.found, whatever the blocks."""

from pathlib import Path

import polars as pl
import pytest

from stages import keywords

TEXTS = (
    "Детская площадка во дворе, рядом пруд и детская площадка. Уток кормят всем двором!",
    "Пиццу ждали час, официант забыл суп; официант не извинился.",
    "",
    "Суп холодный, площадка закрыта.",
    "Мы ели [link] и пили морс. Морс кислый, пруд грязный, двор тихий.",
)


def asked(rows: int) -> pl.DataFrame:
    at = pl.Series(range(rows))
    texts = pl.Series([TEXTS[n % 5] + (f" Улица номер{n % 7}." if n % 3 else "") for n in range(rows)])
    return pl.DataFrame({"text": texts, "fit": at % 4 != 0}).with_columns(
        rubrics=pl.when(at % 2 == 0).then(pl.lit("Двор;Пиццерия")).otherwise(pl.lit(""))
    )


@pytest.mark.slow
@pytest.mark.parametrize("language", ["ru", "de"])
def test_keywords_are_those_found_here(two_workers, language):
    from stages.engines import words

    rows, rules = asked(90), {"fewest": 2, "phrases": True, "workers": 2}
    here = keywords.found(rows, language, 3, 0.5, **rules, block=20)
    assert here.list.len().sum() > 90 and here.list.join(" ").str.contains(" ").any()
    there = list(words.stream(rows.iter_slices(17), Path(), language, 3, 0.5, **rules))
    assert [one.len() for one in there] == [17] * 5 + [5]
    assert pl.concat(there).to_list() == here.to_list()


@pytest.mark.slow
def test_nothing_asked_is_nothing_found(two_workers):
    from stages.engines import words

    assert not list(words.stream([], Path(), "ru", 3, 0.5, fewest=2, phrases=True, workers=2))
    empty = pl.DataFrame({"text": ["", ""], "rubrics": ["", ""], "fit": [True, False]})
    assert [
        one.to_list() for one in words.stream([empty], Path(), "ru", 3, 0.5, fewest=2, phrases=True, workers=2)
    ] == [[[], []]]
