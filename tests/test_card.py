"""Facts as literals → the card's metadata and page. Whole cards stand in tests/golden.

After a change that was meant: GOLDEN=write pytest tests/test_card.py tests/test_share.py, and read what git shows.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.repocard_data import model_index_to_eval_results
from released import FULL, HUB, LLAMA, LORA, PAIR, REVIEW, metric, reports, settings

from stages import card, markup, params, rules, tasks
from stages.sending import TAG

GOLDEN = Path(__file__).parent / "golden"


def facts(name: str, told: dict | None = None, **changes) -> card.Facts:
    checked = params.check(settings())
    release, recipe = checked.publish[name], checked.recipes[name]
    free = name in (FULL, LLAMA)
    told = told or (reports() if free else reports("kappa" if name == PAIR else "accuracy", free=False))
    task, source = tasks.load(recipe.task), checked.sources[release.source]
    dataset = checked.datasets.get(release.source)
    asked = card.example(task, recipe, told["evaluate"]["examples"][0], dataset is not None)
    given = card.Facts(
        name, release, recipe, task, source, release.base_at, dataset, "d" * 64, name == LORA, asked, told
    )
    return replace(given, **changes)


def file_source() -> params.Source:
    raw = settings()
    raw["sources"]["places"]["collect"] = {
        "kind": "file", "path": "/srv/x.csv", "format": "csv", "columns": {"text": "t", "rating": "r"}
    }  # fmt: skip
    return params.check(raw).sources["places"]


def same(name: str, page: str) -> None:
    path = GOLDEN / f"{name}.md"
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(page, "utf-8")
    assert page == path.read_text("utf-8")


@pytest.mark.parametrize("name", [FULL, LORA, PAIR, LLAMA])
def test_the_whole_card(name):
    same(name, card.render(facts(name), "Суп остыл."))


@pytest.mark.parametrize("name", [FULL, LORA, PAIR])
def test_the_hubs_own_classes_read_the_head_and_write_it_again(name):
    page = card.render(facts(name), "x")
    data = ModelCard(page).data
    assert ModelCardData(**data.to_dict()).to_dict() == data.to_dict()
    model, read = model_index_to_eval_results(data.to_dict()["model-index"])
    assert read == card.results(facts(name)) and model == facts(name).release.repo.rpartition("/")[2]


def test_metadata_of_a_whole_model():
    data = ModelCard(card.render(facts(FULL), "x")).data
    assert (data.language, data.license, data.library_name) == ("ru", "apache-2.0", "transformers")
    assert data.pipeline_tag == "text-generation" and data.base_model is None and data.datasets == ["mill/rows"]
    first = data.eval_results[0]
    assert (first.metric_type, first.metric_value, first.dataset_split) == ("tone_agreement", 0.74, "test")
    assert (first.dataset_type, first.dataset_revision) == ("mill/rows", TAG)
    assert first.metric_args == {"interval_95": [0.69, 0.79], "rows": 200}
    assert [one.metric_type for one in data.eval_results] == ["tone_agreement", "keyword_recall"]


def test_metadata_of_an_adapter_on_a_hub_base():
    data = ModelCard(card.render(facts(LORA), "x")).data.to_dict()
    assert (data["library_name"], data["pipeline_tag"]) == ("peft", "text-classification")
    assert (data["base_model"], data["base_model_relation"]) == (HUB["repo"], "adapter")


def test_rows_that_may_not_be_given_out_are_named_by_source_and_hash():
    page = card.render(facts(FULL, dataset=None, source=file_source()), "x")
    data = ModelCard(page).data
    assert data.datasets is None and "/srv" not in page and "Source `places`, which is not given out here" in page
    assert (data.eval_results[0].dataset_type, data.eval_results[0].dataset_revision) == (
        "places",
        "sha256:" + "d" * 64,
    )
    raw = settings()
    columns = {"text": "t", "rating": "r"}
    raw["sources"]["places"]["collect"] = {
        "kind": "hub", "repo": "a/b", "revision": "b" * 40, "split": ["train"], "columns": columns
    }  # fmt: skip
    data = ModelCard(card.render(facts(FULL, dataset=None, source=params.check(raw).sources["places"]), "x")).data
    assert data.datasets == ["a/b"] and data.eval_results[0].dataset_revision == "b" * 40


def test_a_metric_without_a_value_is_left_out_of_the_index():
    told = reports()
    told["evaluate"]["metrics"]["keyword_recall"] |= {"value": None, "low": None, "high": None}
    assert [one.metric_type for one in card.results(facts(FULL, told))] == ["tone_agreement"]


def test_what_writes_reviews_says_before_all_else_that_they_are_machine_written():
    page = card.render(facts(FULL), "x").split("---\n", 2)[2]
    assert page.split("\n\n")[1].startswith("> **What this model writes is machine-written and must be labelled so")
    assert "machine-written" not in card.render(facts(LORA), "x")
    assert "synthetic-data" in ModelCard(card.render(facts(FULL), "x")).data.tags
    assert "ynthetic" not in card.render(facts(FULL, source=file_source()), "x")


def test_what_sums_up_says_that_too_and_is_asked_for_the_tasks_own_row():
    checked = params.check(settings())
    recipe, task, told = checked.recipes["review_summary-venues-full"], tasks.load("review_summary"), reports("rouge_l")
    told["evaluate"] |= {"judge": None, "slices": {"rating": {}}}
    asked = card.example(task, recipe, told["evaluate"]["examples"][0], True)
    page = card.render(facts(FULL, told, recipe=recipe, task=task, asked=asked), "x")
    assert page.split("\n\n")[2].startswith("> **What this model writes is machine-written and must be labelled so")
    assert 'prompt = "summary of еда, люди | rating 5 Плов чудесный. Уютно. | rating 2 Плов остыл."' in page
    assert "By rating" not in page and "decoded under Reviewmill's constraint" in page


def test_every_rule_that_masks_personal_data_is_told():
    assert set(card.PERSONAL) == {name for name, rule in rules.RULES.items() if rule.personal}


# --- other people's text ---------------------------------------------------------------------------------------------


def test_a_hostile_answer_stays_text_inside_its_fence():
    page = card.render(facts(FULL), REVIEW)
    assert f"\n````text\n{REVIEW}\n````\n" in page
    assert "49" not in page.split("## Use")[1].split("## Results")[0]
    assert ModelCard(page).data.license == "apache-2.0"


def test_a_hostile_prompt_stays_a_literal_of_the_code():
    told = reports("accuracy", free=False)
    given = facts(LORA, told, asked=(REVIEW + "'\"\\", None))
    page = card.render(given, "x")
    code = page.split("````python\n")[1].split("\n````\n")[0]  # a longer fence than the one in the prompt
    names: dict = {}
    exec(compile(code.split("batch = ")[0].split("\n\n")[-1], "card", "exec"), names)
    assert names["prompt"] == REVIEW + "'\"\\" and "<script>" not in page.split("## Results")[1]


def test_hostile_names_of_slices_stay_in_their_cell():
    told = reports("kappa", free=False)
    told["evaluate"]["slices"] = {"question": {"A | b\n<b>{{ 7*7 }} `x` [y](z)": {"kappa": metric(0.48, 40)}}}
    page = card.render(facts(PAIR, told), "x")
    assert r"| A \| b &lt;b&gt;\{\{ 7\*7 \}\} \`x\` \[y\](z) | 40 |" in page


@pytest.mark.parametrize("text", ["a", "`````", "a ``` b", "~~~\n```"])
def test_no_run_of_backticks_in_a_text_is_as_long_as_its_fence(text):
    fence = markup.fenced(text).splitlines()[0].removesuffix("text")
    assert fence not in text and markup.fenced(text).endswith(f"\n{fence}")


# --- the example -----------------------------------------------------------------------------------------------------


def test_a_review_of_a_source_that_may_not_be_given_out_is_no_example():
    recipes = params.check(settings()).recipes
    label, write = tasks.load("sentiment_label"), tasks.load("review_generation")
    first = {"prompt": "чужой отзыв"}
    assert card.example(label, recipes[LORA], first, True) == ("чужой отзыв", None)
    assert card.example(label, recipes[LORA], first, False) == ("Slow start, lovely ending.", None)
    assert card.example(write, recipes[FULL], first, False) == ("чужой отзыв", None)  # a request, nobody's text


def test_the_last_field_of_a_pair_stands_by_itself():
    before, last = facts(PAIR).asked
    assert before.startswith("question Why is the sky blue? | guide ") and last == "answer Blue scatters most."


def test_the_examples_target_is_not_published():
    assert "тайна" not in card.render(facts(FULL), "x")


def test_the_rating_that_it_knows_least_is_named():
    told = reports()["evaluate"]
    assert card.worst(told) == ("1", metric(0.52, 40))
    assert card.worst(told | {"slices": {"seen": {}}}) is None
