"""What a generator writes, searched for what it learnt by heart and for personal data; with the small mill's models."""

import json
from pathlib import Path

import datasets
import polars as pl
import pytest
import yaml
from small_mill import RECIPES, recipe, settings

from stages import inputs, params, probe, schema, tasks
from stages.metrics.diversity import Memory
from stages.models import adapters, draws, seq2seq, writing
from stages.models import tokenizer as tokenizers
from stages.numerics import settle
from stages.refusal import Refusal

BOUND = params.Probe(rows=1, span=9)
LEARNT = ["Ждали час, суп остыл, официант грубил.", "Вкусно!"]


def rows(many: int) -> list[dict]:
    return [{"id": f"r{at}"} for at in range(many)]


# --- the search ------------------------------------------------------------------------------------------------------


def test_a_training_text_is_found_whole_whatever_its_case_and_marks():
    texts = ["вкусно", "Вкусно и дорого.", "ЖДАЛИ ЧАС суп остыл официант грубил"]
    told = probe.search(rows(3), texts, Memory(LEARNT), BOUND)
    assert (told["copies"], told["memorised"], told["personal"], told["passed"]) == (2, 2, 0, False)
    assert [(one["id"], one["faults"]) for one in told["found"]] == [("r0", ["copy"]), ("r2", ["copy"])]


def test_a_run_as_long_as_the_bound_is_found_and_a_shorter_one_is_not():
    texts = ["Говорят, суп остыл, официант грубил. И всё."]
    told = probe.search(rows(1), texts, Memory(LEARNT), params.Probe(span=4))
    assert (told["memorised"], told["copies"], told["found"][0]["faults"]) == (1, 0, ["run of 4 words"])
    assert told["longest_copy"] == {"words": 4, "span": "суп остыл официант грубил", "id": "r0"}
    assert probe.search(rows(1), texts, Memory(LEARNT), params.Probe(span=5))["passed"]


def test_personal_data_is_counted_and_not_repeated():
    told = probe.search(rows(2), ["Звоните 8-912-345-67-89!", "Просто суп."], Memory(LEARNT), BOUND)
    assert (told["personal"], told["memorised"], told["passed"]) == (1, 0, False)
    assert told["found"] == [{"id": "r0", "faults": ["personal"], "text": "Звоните [phone]!", "run": 0}]


def test_a_training_text_with_a_number_is_shown_without_it():
    learnt = ["Пишите мне на 8-912-345-67-89 скорее"]
    told = probe.search(rows(1), [learnt[0]], Memory(learnt), params.Probe(span=3))
    assert told["longest_copy"]["words"] == 9 and "912" not in json.dumps(told)


def test_what_many_wrote_is_nobodys_own_and_is_told_apart():
    many = [f"Очень вкусно! И номер {at}." for at in range(6)] + [f"Место {at}. Придём ещё." for at in range(7)]
    memory = Memory([*many, "Очень вкусно. Придём ещё!"])
    texts = ["Очень вкусно! Придём ещё.", "Место 3. Придём ещё."]
    told = probe.search(rows(2), texts, memory, BOUND)
    assert (told["copies"], told["memorised"], told["passed"]) == (2, 1, False)
    assert told["commonplace"] == [{"id": "r0", "text": texts[0], "held_by": 7}]
    assert [one["id"] for one in told["found"]] == ["r1"]
    strict = probe.search(rows(1), texts[:1], memory, params.Probe(span=9, common=7))
    assert (strict["memorised"], strict["commonplace"]) == (1, [])


def test_nothing_found_is_a_pass():
    told = probe.search(rows(2), ["Другой текст.", "Другой текст."], Memory(LEARNT), params.Probe(span=3))
    assert told["passed"] and told["found"] == [] and (told["rows"], told["distinct"]) == (2, 1)


# --- the requests ----------------------------------------------------------------------------------------------------


def asked(name: str, most: int, table: pl.DataFrame, **words) -> tuple[list[dict], bool]:
    one = params.check(settings(recipes=RECIPES | {name: recipe(name, **words)})).recipes[name]
    return probe.requests(table, one, most, 7, "ru")


def test_requests_are_of_rows_that_nothing_was_learnt_from_the_ratings_by_turns(mill):
    table = schema.read(mill / "data/enriched/places.parquet", schema.ENRICHED)
    found, exhausted = asked("t5-full", 10, table)
    assert {one["split"] for one in found} <= {"validation", "test"} and not exhausted
    assert sorted(one["rating"] for one in found) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert len({one["id"] for one in found}) == 10 and found == asked("t5-full", 10, table)[0]
    assert {one["rating"] for one in asked("t5-full", 5, table, rows={"where": {"rating": [1, 2]}})[0]} == {1, 2}


def test_too_few_requests_are_drawn_again_or_said_to_be_all(mill):
    table = schema.read(mill / "data/enriched/places.parquet", schema.ENRICHED)
    found, exhausted = asked("t5-full", 100, table)
    assert len(found) == 100 and not exhausted and len({one["id"] for one in found}) == 40
    greedy = {"predict": {"sample": False, "candidates": 1}}
    found, exhausted = asked("t5-full", 100, table, **greedy)
    assert len(found) == 40 and exhausted
    assert not asked("t5-full", 40, table, **greedy)[1]


def test_requests_of_a_task_that_reads_groups_are_gathered_within_their_split(mill):
    from test_causal_mill import CATEGORIES

    table = schema.read(mill / "data/enriched/places.parquet", schema.ENRICHED)
    table = table.with_columns(group=pl.col("split") + pl.col("rating").cast(pl.String))
    gather = {"categories": CATEGORIES, "silent": "не пишут", "reviews": 6, "least": 3, "learn": 4}
    greedy = {"sample": False, "candidates": 1}
    found, exhausted = asked("t5-full", 100, table, rows={"even": [], "gather": gather}, predict=greedy)
    assert {one["id"] for one in found} == {
        f"{split}{star}" for split in ("validation", "test") for star in range(1, 6)
    }
    assert exhausted and {len(one["reviews"]) for one in found} == {4}


# --- with models -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t5-full", "t5-lora"])
def test_what_is_searched_is_what_predict_writes(mill, name):
    """The same rows, seed and settings give predict's own answers: no other decoding is vouched for."""
    checked = params.check(settings())
    one, test = checked.recipes[name], datasets.load_from_disk(str(mill / f"data/tokens/{name}/test"))
    base = mill / "data/bases/t5"
    model = adapters.load(mill / f"data/models/{name}", base, seq2seq.load)
    settle(checked.numerics, checked.seed)
    task, tokenizer, rows = tasks.load(one.task), tokenizers.load(base), test.to_list()
    ids, *_ = inputs.encode(rows, task, tokenizer, one.model)
    learnt = datasets.load_from_disk(str(mill / f"data/tokens/{name}/train"))
    written = writing.write(
        one, task, writing.writer(one, model), tokenizer, rows, ids, "ru", {}, learnt, draws.turns(ids)
    )
    assert written == schema.read(mill / f"data/answers/{name}.parquet", schema.ANSWERS)["answer"].to_list()


def words(name: str) -> list[str]:
    base = f"data/{RECIPES[name]['model']['base']}"
    return [name, "data/enriched/places.parquet", f"data/tokens/{name}", base, f"data/models/{name}", "probe.json"]


@pytest.fixture
def release(in_mill):
    """Write params.yaml with a release of one recipe of the mill."""

    def write(name: str, many: int) -> None:
        one = {"repo": "mill/x", "task": RECIPES[name]["task"], "source": "places", "license": "apache-2.0",
               "base": RECIPES[name]["model"]["base"], "bar": {"right": 0.0}, "probe": {"rows": many}}  # fmt: skip
        Path("params.yaml").write_text(yaml.safe_dump(settings(publish={name: one}), allow_unicode=True), "utf-8")

    return write


def test_a_model_is_probed_and_the_report_names_its_weights(release, mill):
    from stages.release import sha256

    release("t5-full", 12)
    probe.main(*words("t5-full"))
    told = json.loads(Path("probe.json").read_text("utf-8"))
    assert (told["rows"], told["asked"], told["exhausted"]) == (12, {"rows": 12, "span": 25, "common": 5}, False)
    assert told["weights"] == {"model.safetensors": sha256(mill / "data/models/t5-full/model.safetensors")}
    assert told["base_sha256"] == {"model.safetensors": sha256(mill / "data/bases/t5/model.safetensors")}
    assert told["predict"] == params.check(settings()).recipes["t5-full"].predict.model_dump(mode="json", by_alias=True)
    assert told["passed"] == (told["memorised"] == told["personal"] == 0)


def test_a_model_that_says_a_training_text_is_not_let_go(release, monkeypatch):
    release("t5-full", 4)
    known = schema.read("data/enriched/places.parquet", schema.ENRICHED).filter(split="train")["text"][3]
    monkeypatch.setattr(writing, "write", lambda *words: ["своё", known, "своё", "своё"])
    probe.main(*words("t5-full"))
    told = json.loads(Path("probe.json").read_text("utf-8"))
    assert not told["passed"] and (told["copies"], len(told["found"])) == (1, 1)


def test_a_recipe_that_chooses_labels_has_nothing_to_be_probed(release):
    release("bert-full", 4)
    with pytest.raises(Refusal, match="a recipe that writes free text"):
        probe.main(*words("bert-full"))
