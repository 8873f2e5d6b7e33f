"""Bounds from people's reviews, and the verdicts that follow from them."""

import polars as pl
import pytest

from stages import criteria


def table(**columns) -> pl.DataFrame:
    rows = max(len(one) for one in columns.values())
    return pl.DataFrame({name: columns.get(name, [0.0] * rows) for name in criteria.SIGNALS},
                        schema=dict.fromkeys(criteria.SIGNALS, pl.Float64))  # fmt: skip


def test_a_bound_rejects_the_share_that_may_fail():
    signals = table(tone=[float(at) for at in range(100)])
    found = criteria.bounds(signals, pl.Series([5] * 100), passing=0.95)
    assert (signals["tone"] >= found["tone"]).sum() == 95
    assert set(found) == set(criteria.SIGNALS) - {"keywords"}


def test_signals_of_one_criterion_share_what_it_may_reject():
    signals = table(**{name: [float(at) for at in range(300)] for name in ("grammar", "ending", "fresh")})
    found = criteria.bounds(signals, pl.Series([5] * 300), passing=0.9)
    passed = {name: int((signals[name] >= bound).sum()) for name, bound in found.items() if name in signals.columns}
    assert [passed[name] for name in ("grammar", "ending", "fresh")] == pytest.approx([282, 294, 294], abs=1)
    assert all(sum(shares.values()) == 1 for shares in criteria.CRITERIA.values())


def test_every_rating_weighs_the_same():
    tone = [1.0] * 90 + [float(at) / 100 for at in range(10)]  # the rare rating has the low values
    found = criteria.bounds(table(tone=tone), pl.Series([5] * 90 + [3] * 10), passing=0.9)
    assert found["tone"] == 0.02  # a fifth of the rare rating's weight, a fiftieth of the rows


def test_a_signal_nobody_has_gets_no_bound_and_its_criterion_passes():
    signals = table(rubric=[None, None])
    found = criteria.bounds(signals, pl.Series([5, 5]), passing=0.95)
    assert "rubric" not in found
    assert criteria.verdicts(signals, found)["fits_rubric"].to_list() == [True, True]


@pytest.mark.parametrize("signal", criteria.SIGNALS)
def test_right_is_all_four(signal):
    limits = dict.fromkeys(criteria.SIGNALS, 0.5)
    good, bad, unasked = [pl.DataFrame([dict.fromkeys(criteria.SIGNALS, 0.5) | {signal: value}],
                                       schema=dict.fromkeys(criteria.SIGNALS, pl.Float64))
                          for value in (0.5, 0.49, None)]  # fmt: skip
    told = criteria.verdicts(pl.concat([good, bad, unasked]), limits)
    assert told["right"].to_list() == [True, False, True]
    criterion = next(name for name, of in criteria.CRITERIA.items() if signal in of)
    assert told.select(pl.exclude("right", criterion)).to_series().all() and told[criterion].to_list()[1] is False
