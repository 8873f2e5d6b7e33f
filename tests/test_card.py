"""Facts as literals → the card's metadata and page."""

from dataclasses import replace

import pytest
from huggingface_hub import ModelCard
from released import FULL, LORA, REVIEW, reports, settings

from stages import card, params, tasks

METRIC = {"value": 0.48, "low": 0.41, "high": 0.55, "n": 40}
HUB = params.HubBase(kind="hub", repo="mill/minilm", revision="a" * 40)


def facts(name: str, **changes) -> card.Facts:
    checked = params.check(settings())
    release, recipe = checked.publish[name], checked.recipes[name]
    told = reports() if name == FULL else reports("accuracy", free=False)
    task, source = tasks.load(recipe.task), checked.sources[release.source]
    return replace(card.Facts(name, release, recipe, task, source, None, name == LORA, told), **changes)


def file_source() -> params.Source:
    raw = settings()
    raw["sources"]["places"]["collect"] = {
        "kind": "file", "path": "x.csv", "format": "csv", "columns": {"text": "t", "rating": "r"}
    }  # fmt: skip
    return params.check(raw).sources["places"]


def test_metadata_of_a_whole_model():
    data = ModelCard(card.render(facts(FULL))).data
    assert (data.language, data.license, data.library_name) == ("ru", "apache-2.0", "transformers")
    assert data.pipeline_tag == "text-generation" and data.base_model is None
    first = data.eval_results[0]
    assert (first.metric_type, first.metric_value, first.dataset_split) == ("tone_agreement", 0.74, "test")
    assert first.metric_args == {"interval_95": [0.69, 0.79], "rows": 200}
    assert [one.metric_type for one in data.eval_results] == ["tone_agreement", "keyword_recall"]


def test_metadata_of_an_adapter_on_a_hub_base():
    data = ModelCard(card.render(facts(LORA, base=HUB))).data.to_dict()
    assert (data["library_name"], data["pipeline_tag"]) == ("peft", "text-classification")
    assert (data["base_model"], data["base_model_relation"]) == ("mill/minilm", "adapter")


def test_a_metric_without_a_value_is_left_out_of_the_index():
    told = reports()
    told["evaluate"]["metrics"]["keyword_recall"] |= {"value": None, "low": None, "high": None}
    results = card.results(facts(FULL, reports=told))
    assert [one.metric_type for one in results] == ["tone_agreement"]


def test_figures_stand_beside_the_base_the_baselines_and_the_judge():
    page = card.render(facts(FULL))
    assert ("| tone_agreement | **0.740 [0.690, 0.790]** | 0.210 [0.160, 0.260] | 0.450 [0.400, 0.500] "
            "| 0.930 [0.880, 0.980] |\n| keyword_recall |") in page  # fmt: skip
    assert "| 1 | 40 | 0.520 [0.470, 0.570] | – |\n| 5 | 40 |" in page
    assert "names the rating right in 0.660 [0.610, 0.710]" in page and "0.860 [0.810, 0.910]" in page
    assert "| rejected: duplicate | 200 |\n| rejected: too_short | 100 |\n| kept | 8700 |" in page
    assert "validation loss rose 3.5% after step 180" in page


def test_generated_text_and_synthetic_data_are_called_so():
    page = card.render(facts(FULL))
    assert "must be labelled as generated" in page and "**Synthetic data.**" in page
    assert "synthetic-data" in ModelCard(page).data.tags
    page = card.render(facts(FULL, source=file_source()))
    assert "ynthetic" not in page and "real test reviews" in page
    assert "must be labelled as generated" not in card.render(facts(LORA))


def test_a_review_stays_text_inside_its_fence():
    page = card.render(facts(FULL))
    assert f"\n````text\n{REVIEW}\n````\n" in page
    assert "49" not in page.split("## Prompt")[1].split("## Use")[0]
    assert ModelCard(page).data.license == "apache-2.0"


def test_the_real_review_of_the_example_is_not_published():
    assert "тайна" not in card.render(facts(FULL))


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            FULL,
            [
                "AutoModelForSeq2SeqLM.from_pretrained(repo)",
                "do_sample=True, temperature=0.3, top_p=1.0, top_k=20",
                "no_repeat_ngram_size=3",
            ],
        ),
        (LORA, ["labels = ['negative', 'neutral', 'positive']", "PeftModel.from_pretrained(model, repo)"]),
    ],
)
def test_the_code_to_use_it_is_python_and_its_own(name, lines):
    page = card.render(facts(name))
    code = page.split("```python\n")[1].split("```")[0]
    compile(code, name, "exec")
    assert all(line in code for line in lines)


def test_a_regressor_of_pairs_tells_what_it_marks_and_how_to_ask_it():
    name = "answer_score-answers-pair"
    told, recipe = reports("kappa", free=False), params.check(settings()).recipes[name]
    told["evaluate"]["slices"] = {
        "seen": {"unseen_questions": {"kappa": METRIC}},
        "question": {"A | b\nc": {"kappa": METRIC}},
    }
    page = card.render(facts(LORA, recipe=recipe, task=tasks.load("answer_score"), adapter=False, reports=told))
    assert "marking guide and an answer, in English, and gives the answer a mark" in page
    assert "| unseen_questions | 40 | 0.480" in page and "| A / b c | 40 |" in page
    code = page.split("```python\n")[1].split("```")[0]
    compile(code, name, "exec")
    assert "tokenizer([prompt], [answer]," in code and "logits.item()" in code


def test_fence_is_longer_than_any_inside():
    assert card.fenced("a") == "```text\na\n```"
    assert card.fenced("`````") == "``````text\n`````\n``````"
