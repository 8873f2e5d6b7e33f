import copy
from pathlib import Path

import pytest
import yaml

from stages.params import Params, check, entry, load
from stages.refusal import Refusal
from stages.tasks import TASKS

ROOT = Path(__file__).parents[1]
RECIPE = "review_generation-places-lora"
SETTINGS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
BASES = ", ".join(sorted(f"bases/{name}" for section in ("bases", "pretrained") for name in SETTINGS[section]))


@pytest.fixture
def raw() -> dict:
    return copy.deepcopy(SETTINGS)


def mistakes(raw: dict) -> list[str]:
    """The mistakes of a refusal, one a line, without the dash."""
    with pytest.raises(Refusal) as refusal:
        check(raw)
    head, *lines = refusal.value.found.split("\n      - ")
    assert head == f"{len(lines)} mistake{'s' if len(lines) > 1 else ''}"
    return lines


def test_the_settings_of_the_house_can_be_run():
    assert isinstance(load(ROOT / "params.yaml"), Params)


def test_settings_cannot_be_changed_after_reading(raw):
    with pytest.raises(ValueError, match="frozen"):
        check(raw).seed = 1


def test_five_mistakes_come_back_at_once_each_with_its_address(raw):
    del raw["seed"]
    raw["sources"]["films"]["clean"]["min_chars"] = -1
    raw["bases"]["places-t5"]["family"] = "rnn"
    raw["recipes"][RECIPE]["method"]["rnk"] = 4
    raw["judges"]["films"]["base"] = "bases/minim"
    assert mistakes(raw) == [
        "seed: missing; add it",
        "sources.films.clean.min_chars: found -1; input should be greater than 0",
        "bases.places-t5.family: found 'rnn'; input should be 'seq2seq', 'causal' or 'encoder'",
        f"recipes.{RECIPE}.method.lora.rnk: unknown key; write rank",
        f"judges.films.base: found 'bases/minim', which is not there; write one of {BASES}",
    ]


@pytest.mark.parametrize(
    ("address", "value", "rest"),
    [
        ("sources.films.clean.min_char", 1, "unknown key; write min_chars"),
        (
            "sources.films.clean.zzz",
            1,
            "unknown key; known here: rating_range, min_chars, max_chars, language, near_duplicate, split, values",
        ),
        ("sede", 1, "unknown key; write seed"),
        (
            "bases.places-t5.lr",
            "1e-3x",
            "found '1e-3x'; input should be a valid number, unable to parse string as a number",
        ),
        (
            "bases.places-t5.corpus",
            "plces",
            "found 'plces', which is not there; write one of answers, films, places, venues",
        ),
        (
            "judges.films.base",
            "bases/x",
            f"found 'bases/x', which is not there; write one of {BASES}",
        ),
        (
            f"recipes.{RECIPE}.task",
            "poem",
            f"found 'poem', which is not there; write one of {', '.join(sorted(TASKS))}",
        ),
    ],
)
def test_a_mistake_says_where_what_and_what_instead(raw, address, value, rest):
    *path, key = address.split(".")
    at = raw
    for part in path:
        at = at[part]
    at[key] = value
    assert f"{address}: {rest}" in mistakes(raw)


def test_a_batch_that_the_processes_cannot_share_is_refused(raw):
    raw["recipes"][RECIPE]["method"] |= {"batch": 32, "processes": 3, "tokens": None}
    assert mistakes(raw) == [
        f"recipes.{RECIPE}.method.lora: value error, batch 32 cannot be shared by 3 processes; choose a multiple"
    ]


def test_processes_share_a_budget_of_tokens_whatever_the_batch(raw):
    raw["recipes"][RECIPE]["method"] |= {"batch": 32, "processes": 3, "tokens": 4000}
    assert check(raw).recipes[RECIPE].method.processes == 3


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"processes": 1}, "shard deals a model out over processes; give more than 1"),
        ({"processes": 2, "optimizer": "muon"}, "with shard Trainer makes the optimizer, and knows no Muon"),
    ],
)
def test_a_model_that_cannot_be_dealt_out_is_refused(raw, more, told):
    raw["recipes"][RECIPE]["method"] |= {"batch": 32, "shard": True} | more
    assert told in "".join(mistakes(raw))
    raw["recipes"][RECIPE]["method"] |= {"processes": 2, "optimizer": "adamw"}
    assert check(raw).recipes[RECIPE].method.shard


def test_packing_wants_a_budget_and_a_family_that_writes(raw):
    raw["recipes"][RECIPE]["method"] |= {"packing": True, "tokens": None}
    raw["recipes"]["sentiment_label-films-full"]["method"] |= {"packing": True, "tokens": 4000}
    told = mistakes(raw)
    assert any("packing fills a budget of tokens; give tokens" in one for one in told)
    assert any("an encoder answers from the first token of a sequence" in one for one in told)


def test_a_decoder_cannot_hear_for_a_judge(raw):
    raw["bases"]["llama"] = raw["bases"]["places-t5"] | {"family": "causal"}
    raw["judges"]["films"]["base"] = "bases/llama"
    assert "judges.films.base: found 'bases/llama'" in "".join(mistakes(raw))


def test_groups_and_ratings_are_not_drawn_both(raw):
    raw["recipes"]["review_summary-venues-full"]["rows"]["even"] = ["test"]
    assert "keep one of them" in "".join(mistakes(raw))


def test_a_category_may_hold_no_mark_of_the_form(raw):
    gather = raw["recipes"]["review_summary-venues-full"]["rows"]["gather"]
    gather["categories"] = {"цены: |": ["цена"]}
    assert "rows.gather.categories" in "".join(mistakes(raw))


def test_a_dangling_base_and_release_are_found(raw):
    raw["recipes"][RECIPE]["model"]["base"] = "models/review_generation-places-lora"  # a LoRA model is no base
    raw["publish"]["gone"] = dict(raw["publish"]["review_generation-places-full"])
    lines = mistakes(raw)
    assert any(line.startswith(f"recipes.{RECIPE}.model.base: found 'models/") for line in lines)
    assert any(line.startswith("publish.gone: found 'gone', which is not there") for line in lines)


def test_a_name_that_dvc_would_misread_is_refused(raw):
    raw["judges"]["a.b"] = raw["judges"]["films"]
    assert any("a.b" in line for line in mistakes(raw))


@pytest.mark.parametrize(
    ("content", "where", "expected"),
    [
        ("a: 1\n\tb: 2\n", "params.yaml, line 2, column 1", "valid YAML"),
        ("a: [1, 2\nb: 3\n", "params.yaml, line 2, column 2", "valid YAML"),
        ("- a\n", "params.yaml", "sections such as sources and recipes"),
        ("", "params.yaml", "sections such as sources and recipes"),
        (b"\xff\xfe\x00", "params.yaml", "valid YAML"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path, monkeypatch, content, where, expected):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Refusal) as refusal:
        load()
    assert (refusal.value.where, refusal.value.expected) == (where, expected)


def test_a_missing_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refusal) as refusal:
        load()
    assert (refusal.value.found, refusal.value.where) == ("no such file", "params.yaml")


def test_an_entry_is_found_by_name_or_refused_with_a_hint():
    section = {"places": 1, "films": 2}
    assert entry(section, "films", "sources") == 2
    for name, hint in (("palces", "did you mean places?"), ("xyz", "choose one of them, or add it under sources")):
        with pytest.raises(Refusal) as refusal:
            entry(section, name, "sources")
        assert refusal.value.expected == "one of places, films"
        assert (refusal.value.found, refusal.value.do) == (repr(name), hint)
        assert refusal.value.where == "params.yaml: sources"


def test_a_replicate_is_of_a_recipe_that_is_there_and_no_replicate_itself(raw):
    recipes = raw["recipes"]
    for name, of in (("again", RECIPE), ("once-more", "again"), ("lost", "nowhere")):
        recipes[name] = copy.deepcopy(recipes[RECIPE]) | {"replicates": of}
        recipes[name]["method"]["seed"] = 2
    found = mistakes(raw)
    assert [one.partition(",")[0] for one in found] == [
        "recipes.once-more.replicates: found 'again'", "recipes.lost.replicates: found 'nowhere'"
    ]  # fmt: skip


def test_a_replicate_differs_in_its_seed_alone(raw):
    again = raw["recipes"]["again"] = copy.deepcopy(raw["recipes"][RECIPE]) | {"replicates": RECIPE}
    again["method"]["seed"] = 2
    assert check(raw).recipes["again"].method.seed == 2
    again["method"]["lr"], again["rows"]["limit"]["train"] = 1.0, 5
    assert mistakes(raw) == [
        f"recipes.again.replicates: {RECIPE} differs in rows, method; leave only method.seed apart"
    ]


def test_an_encoders_head_on_another_family_is_refused(raw):
    for setting in ({"head": "number"}, {"pair": True}):
        raw["recipes"][RECIPE]["model"] |= setting
        assert any(line.startswith(f"recipes.{RECIPE}.model:") and "encoder's" in line for line in mistakes(raw))


def test_candidates_of_a_family_that_cannot_compose_are_refused(raw):
    raw["recipes"][RECIPE]["model"]["family"] = "causal"
    raw["recipes"][RECIPE]["predict"] |= {"candidates": 2, "sample": True}
    assert any(line.startswith(f"recipes.{RECIPE}:") and "predict.candidates" in line for line in mistakes(raw))


def test_forced_sentences_without_candidates_are_refused(raw):
    raw["recipes"][RECIPE]["predict"] |= {"forced": True, "candidates": 1}
    assert any(line.startswith(f"recipes.{RECIPE}.predict:") and "forced" in line for line in mistakes(raw))


FAST = {"engine": "ctranslate2"}


@pytest.mark.parametrize(
    ("word", "family", "predict", "why"),
    [
        (".predict", "seq2seq", FAST | {"candidates": 2, "sample": True}, "candidates are weighed in transformers"),
        (".predict", "seq2seq", {"compute_type": "int8"}, "compute_type int8 is ctranslate2's"),
        ("", "encoder", FAST, "does not choose labels"),
        ("", "causal", FAST | {"repetition_penalty": 1.2}, "counts no token of the prompt as said"),
    ],
)
def test_what_ctranslate2_cannot_do_is_refused(raw, word, family, predict, why):
    raw["recipes"][RECIPE]["model"]["family"] = family
    raw["recipes"][RECIPE]["predict"] = predict
    assert any(line.startswith(f"recipes.{RECIPE}{word}:") and why in line for line in mistakes(raw))


def test_a_form_is_held_in_transformers_alone(raw):
    name = "review_summary-venues-full"
    raw["recipes"][name]["predict"] = FAST | {"constrain": "quoted"}
    assert any(line.startswith(f"recipes.{name}:") and "knows no form" in line for line in mistakes(raw))
    raw["recipes"][name]["predict"] = FAST | {"constrain": "none"}
    assert check(raw).recipes[name].predict.engine == "ctranslate2"


def test_a_value_outside_the_range_and_an_unknown_split_are_found(raw):
    raw["sources"]["films"]["clean"]["values"] = {"rating": {"good": 10, "great": 11}}
    assert "values.rating puts great outside rating_range [1, 10]" in " ".join(mistakes(raw))
    raw["sources"]["films"]["clean"]["values"] = {"split": {"dev": "valid"}}
    assert any(line.startswith("sources.films.clean.values.split.dev: found 'valid'") for line in mistakes(raw))
