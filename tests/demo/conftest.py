"""The small mill with a summary's recipe and an adapter on a whole model, and a shelf over it."""

import json
import shutil
from pathlib import Path

import pytest
from small_mill import RECIPES, T5

GATHER = {"categories": {"еда": ["суп", "кофе", "пицца"], "люди": ["официант", "официантка"]},
          "silent": "не пишут", "reviews": 5}  # fmt: skip
SUMMARY = {
    "task": "review_summary",
    "rows": {"from": "places", "gather": GATHER},
    "model": T5 | {"prompt_tokens": 256, "target_tokens": 64},
    "method": RECIPES["t5-full"]["method"],
    "predict": {"batch": 2, "constrain": "quoted"},
}
LATER = RECIPES["t5-lora"] | {"model": RECIPES["t5-lora"]["model"] | {"base": "models/t5-full"}}


@pytest.fixture
def demo_mill(in_mill, write_settings) -> Path:
    """t5-sum: the base itself, held to the form of a summary; t5-later: t5-lora's adapter, on t5-full."""
    write_settings(recipes=RECIPES | {"t5-sum": SUMMARY, "t5-later": LATER, "t5-gone": RECIPES["t5-lora"]})
    shutil.copytree("data/bases/t5", "data/models/t5-sum")
    shutil.copytree("data/models/t5-lora", "data/models/t5-later")
    config = Path("data/models/t5-later/adapter_config.json")
    config.write_text(json.dumps(json.loads(config.read_text()) | {"base_model_name_or_path": "models/t5-full"}))
    return in_mill


@pytest.fixture
def shelf(demo_mill):
    from demo.shelf import Shelf
    from stages import params

    return Shelf(params.load())
