"""Variants on one base: switched, not copied, each with the answers that it gives when opened alone."""

from pathlib import Path

import pytest
import yaml

from stages import answering, origin

TEXT = {"text": "Отличный суп, но официант забыл про нас."}
WISH = {"rating": 2, "rubrics": "Кафе", "keywords": ["суп"]}


def alone(name: str, row: dict, seed: int = 3):
    return answering.open_model(origin.find(f"data/models/{name}")).answer([row], seed)[0]


def test_adapters_and_their_base_are_one_model_with_answers_of_their_own(shelf):
    names = ["t5-full", "t5-later", "t5-full", "t5-lora"]
    told = [one.answer.text for one in shelf.ask(names, WISH, 3)]
    assert told == [alone(name, WISH).text for name in names]
    assert told[0] == told[2] and len({told[0], told[1]}) == 2
    assert len(shelf.bases) == 2, "t5-full and t5-later share one, t5-lora's base is the other"
    assert shelf.ready["t5-full"][0].model is shelf.ready["t5-later"][0].model


def test_a_recipe_of_ctranslate2_has_a_model_of_its_own(shelf, write_settings):
    """Greedy, so that it has to write what transformers writes, whether or not there is an adapter to merge."""
    asked = {"t5-later": WISH, "t5-full": WISH, "t5-text": TEXT}
    known = yaml.safe_load(Path("params.yaml").read_text("utf-8"))["recipes"]
    told = []
    for wish in ({"batch": 8}, {"batch": 8, "engine": "ctranslate2"}):
        write_settings(recipes=known | {name: known[name] | {"predict": wish} for name in asked})
        shelf.ready.clear()
        shelf.bases.clear()
        told.append({name: shelf.ask([name], row)[0].answer.text for name, row in asked.items()})
    assert told[0] == told[1] and told[0]["t5-later"] != told[0]["t5-full"]
    assert not shelf.bases


def test_a_classifiers_head_is_switched_with_its_adapter(shelf):
    for name in ("bert-lora", "bert-full", "bert-lora"):
        told, own = shelf.ask([name], TEXT)[0].answer, alone(name, TEXT)
        assert told.text == own.text and told.chances == pytest.approx(own.chances, abs=1e-5)


def test_a_model_that_is_missing_is_told_with_the_command_that_makes_it(shelf):
    told = shelf.ask(["t5-gone", "t5-full"], WISH)
    assert told[0].answer is None and "dvc repro train@t5-gone" in told[0].missing
    assert told[1].answer.text is not None


def test_variants_are_the_recipes_of_the_task_in_their_order(shelf):
    assert shelf.variants("review_generation") == ["t5-full", "t5-lora", "t5-later", "t5-gone"]
    assert shelf.variants("sentiment_label", "sentiment_text") == ["t5-text", "bert-full", "bert-lora"]
    assert shelf.kind("bert-lora") == "LoRA, rank 4 on bert" and shelf.kind("t5-later") == "LoRA, rank 4 on t5-full"


def test_what_is_not_here_is_read_at_the_shelfs_tag(shelf):
    assert shelf._where("t5-gone") == "data/models/t5-gone"
    release = {"repo": "mill/gone", "task": "review_generation", "source": "places", "base": "bases/t5",
               "license": "apache-2.0", "bar": {"right": 0.1}}  # fmt: skip
    shelf.settings = shelf.settings.model_copy(
        update={"publish": {"t5-gone": type(shelf.settings).model_fields["publish"].annotation.__args__[1](**release)}}
    )
    shelf.tag = "git-0123456789ab"
    assert shelf._where("t5-gone") == "mill/gone@git-0123456789ab"
    assert shelf._where("t5-full") == "data/models/t5-full"
