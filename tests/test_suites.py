"""Settings → the suite."""

import pytest

from stages.params import Gate, Model, Validate
from stages.suites import of_recipe, of_source

RULES = {
    "rows": {"low": 1},
    "rating_share": {5: {"low": 0.5}, 1: {}},
    "rating_expected": {1: 0.25, 5: 0.25},
    "rating_divergence": 0.1,
    "chars": {"median": {"low": 3}},
    "tokens": {"p95": {"high": 9}},
    "token_limit": 3,
    "truncated_share": 0.5,
}
FIXED = ("unique_id", "nonempty_text", "rating_known", "ratings", "duplicate", "group_leakage", "markup",
         "personal.email", "personal.handle", "personal.link", "personal.phone", "personal.card")  # fmt: skip


def test_the_suite_holds_what_the_settings_name_and_what_every_table_must_meet():
    suite = {check.name: check for check in of_source(Validate(**RULES), "a", "ko", False)}
    assert {name: check.address for name, check in suite.items()} == {
        **dict.fromkeys(FIXED, "stages/suites.py"),
        "rows": "a.rows",
        "rating_divergence": "a.rating_divergence",
        "truncated_share": "a.truncated_share",
        "loose_duplicate_share": "a.loose_duplicate_share",
        "off_language_share": "a.off_language_share",
        "rating_share.1": "a.rating_share.1",
        "rating_share.5": "a.rating_share.5",
        "chars.median": "a.chars.median",
        "tokens.p95": "a.tokens.p95",
    }
    assert suite["rating_divergence"].partition == {1: 0.5, 2: 0, 3: 0, 4: 0, 5: 0.5}, "shares that sum to 1"
    assert suite["off_language_share"].unit == "of rows whose letters are mostly not Hangul"


@pytest.mark.parametrize(
    ("language", "accepted", "also"),
    [("ru", True, {"off_language_share", "rating_drift"}), ("xx", True, {"rating_drift"}), ("xx", False, set())],
)
def test_drift_and_language_are_asked_only_where_they_can_be(language, accepted, also):
    names = {check.name for check in of_source(Validate(**RULES), "a", language, accepted)}
    assert names & {"off_language_share", "rating_drift"} == also


def test_a_recipes_suite_holds_each_field_to_its_limit_and_its_bounds():
    model = Model(family="seq2seq", base="bases/b", prompt_tokens=64, target_tokens=32, truncated_share=0.1)
    gate = Gate(rating_imbalance=9, keyword_coverage=0.4, chars={"median": {"low": 5}}, prompt_tokens={},
                target_tokens={"max": {"high": 99}})  # fmt: skip
    suite = {check.name: check for check in of_recipe(model, gate, ["prompt", "target"], "r")}
    assert {name: (one.kind, one.column, one.low, one.high, one.address) for name, one in suite.items()} == {
        "unique_id": ("none", "id_repeated", None, 0, "stages/suites.py"),
        "group_leakage": ("none", "group_straddles", None, 0, "stages/suites.py"),
        "rating_imbalance": ("figure", "rating_imbalance", None, 9, "r.rows.gate.rating_imbalance"),
        "keyword_coverage": ("mean", "keyworded", 0.4, None, "r.rows.gate.keyword_coverage"),
        "truncated.prompt": ("share", "prompt_truncated", None, 0.1, "r.model.truncated_share"),
        "truncated.target": ("share", "target_truncated", None, 0.1, "r.model.truncated_share"),
        "chars.median": ("median", "chars", 5, None, "r.rows.gate.chars.median"),
        "target_tokens.max": ("max", "target_tokens", None, 99, "r.rows.gate.target_tokens.max"),
    }
    assert suite["truncated.target"].unit == "of rows cut at 32 tokens (r.model.target_tokens)"
