"""A published model in three lines of another program, where nothing is installed but transformers, torch and peft.

That environment is a folder with links to these three and what they ask for, and a Python that sees it and its own
library alone (-I -S): neither this project nor any other package can be imported there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from small_mill import RECIPES, ROOT, T5

from stages import answering, origin

TOPS = ("torch", "transformers", "peft")
TEXT = "Отличный суп, но официант забыл про нас."
# What the cards of models show that the README does not.
WRITES = """
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
tokenizer, model = AutoTokenizer.from_pretrained("MODEL"), AutoModelForSeq2SeqLM.from_pretrained("MODEL")
answer = tokenizer.decode(model.generate(**tokenizer(prompt, return_tensors="pt"), max_new_tokens=12, no_repeat_ngram_size=1)[0], skip_special_tokens=True)
"""  # noqa: E501
ADAPTER = """
from transformers import AutoModelForSequenceClassification, pipeline
model = AutoModelForSequenceClassification.from_pretrained("MODEL", id2label=dict(enumerate(["negative", "neutral", "positive"])), label2id={"negative": 0, "neutral": 1, "positive": 2})
answer = pipeline("text-classification", model, tokenizer="MODEL")(prompt, truncation=True)[0]
"""  # noqa: E501
BEFORE = """
import sys, importlib.metadata
sys.path.append("SITE")
prompt = PROMPT
"""
AFTER = """
import importlib.util, json
foreign = [name for name in ("stages", "demo", "flows", "datasets", "polars", "pandas", "sklearn", "dvc", "prefect")
           if importlib.util.find_spec(name)]
print(json.dumps([answer, foreign]))
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """A folder with links to what TOPS need."""
    folder, todo, seen = tmp_path_factory.mktemp("site"), list(TOPS), set()
    while todo:
        name = canonicalize_name(todo.pop())
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if name in seen:
            continue
        seen.add(name)
        needs = [Requirement(one) for one in found.requires or []]
        todo += [one.name for one in needs if one.marker is None or one.marker.evaluate({"extra": ""})]
        for part in {path.parts[0] for path in found.files or [] if path.parts[0] not in ("..", "__pycache__")}:
            link, target = folder / part, Path(found.locate_file(part))
            if not link.exists() and target.exists():
                link.symlink_to(target.resolve())
    assert {"torch", "transformers", "peft", "tokenizers", "safetensors"} <= {path.name for path in folder.iterdir()}
    return folder


def alone(site: Path, code: str, model: Path, prompt: str, folder: Path):
    """What the three lines answer, in a Python that has nothing else."""
    program = (BEFORE + code + AFTER).replace("SITE", str(site)).replace("MODEL", str(model.resolve()))
    env = {"PATH": os.environ["PATH"], "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program.replace("PROMPT", repr(prompt))], env=env,
                          cwd=folder, capture_output=True, text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer, foreign = json.loads(done.stdout.splitlines()[-1])
    assert foreign == []
    return answer


def shown() -> str:
    """The lines of the README, with our model, prompt and answer in place of its own."""
    (code,) = re.findall(r"```python\n([^`]*owner/name[^`]*)```", (ROOT / "README.md").read_text("utf-8"))
    for told, meant in (
        (r'"owner/name", revision="[^"]+"', '"MODEL"'), (r'ask\("[^"]+"', "ask(prompt"), (r"print\(", "(answer,) = ("),
    ):  # fmt: skip
        code, found = re.subn(told, meant, code)
        assert found == 1, told
    return code


def ours(folder: str) -> answering.Answer:
    return answering.open_model(origin.find(folder)).answer([{"text": TEXT}])[0]


def test_a_whole_model_that_writes(in_mill, write_settings, site):
    """Without a draw: what is drawn depends on more than the model."""
    plain = RECIPES["t5-full"] | {"model": T5 | {"target_tokens": 12}, "predict": {"batch": 8, "no_repeat": 1}}
    write_settings(recipes=RECIPES | {"t5-full": plain})
    told = answering.open_model(origin.find("data/models/t5-full")).answer([{"rating": 1, "rubrics": "Кафе"}])[0]
    assert told.text
    assert alone(site, WRITES, Path("data/models/t5-full"), told.prompt, in_mill).strip() == told.text


def test_a_whole_model_that_labels(in_mill, write_settings, site):
    write_settings()
    told = ours("data/models/bert-full")
    found = alone(site, shown(), Path("data/models/bert-full"), told.prompt, in_mill)
    assert found["label"] == told.text and found["score"] == pytest.approx(told.confidence, abs=1e-5)


def test_an_adapter_on_its_base(in_mill, write_settings, site):
    write_settings()
    told = ours("data/models/bert-lora")
    shutil.copytree("data/models/bert-lora", "adapter")
    config = json.loads(Path("adapter/adapter_config.json").read_text())
    config["base_model_name_or_path"] = str(Path("data/bases/bert").resolve())  # published, it is a name on the Hub
    Path("adapter/adapter_config.json").write_text(json.dumps(config))
    found = alone(site, ADAPTER, Path("adapter"), told.prompt, in_mill)
    assert found["label"] == told.text and found["score"] == pytest.approx(told.confidence, abs=1e-5)
