"""The model card: metadata that the Hub reads, and a page that says what the model is, how good, and what it is not."""

import inspect
import re
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages.params import HubBase, Recipe, Release, Source
from stages.table import PARTS, interval, number

# What the Hub calls the job of each family; text2text-generation has left transformers' pipelines.
PIPELINE = {"seq2seq": "text-generation", "causal": "text-generation", "encoder": "text-classification"}
LANGUAGE = {"ru": "Russian", "en": "English", "ko": "Korean"}


@dataclass(frozen=True)
class Facts:
    """All that a card tells. task: a stages.tasks.Task. base: where the base is on the Hub, if it is.

    reports: stage → its report, of clean, validate, tokenize, train and evaluate.
    """

    name: str
    release: Release
    recipe: Recipe
    task: object
    source: Source
    base: HubBase | None
    adapter: bool
    reports: dict[str, dict]

    @property
    def synthetic(self) -> bool:
        return self.source.collect.kind == "sample"


def render(facts: Facts) -> str:
    """The card's text. Review text reaches the template as a variable only and stands fenced, so it stays text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"fenced": fenced, "number": number, "interval": interval}
    page = environment.get_template("card.md.jinja").render(
        facts=facts,
        recipe=facts.recipe,
        parts_of=PARTS,
        language=LANGUAGE.get(facts.source.enrich.language, f"the language {facts.source.enrich.language!r}"),
        row=inspect.getdoc(inspect.getmodule(facts.task.prompt)),
        example=facts.reports["evaluate"]["examples"][0],
        **facts.reports,
    )
    return str(ModelCard(f"---\n{metadata(facts).to_yaml()}\n---\n\n{page}"))


def metadata(facts: Facts) -> ModelCardData:
    """The card's YAML head: language, licence, library, task, base, and model-index with every metric's interval."""
    based = {}
    if facts.base:
        based = {"base_model": facts.base.repo, "base_model_relation": "adapter" if facts.adapter else "finetune"}
    return ModelCardData(
        model_name=facts.release.repo.rpartition("/")[2],
        language=facts.source.enrich.language,
        license=facts.release.license,
        library_name="peft" if facts.adapter else "transformers",
        pipeline_tag=PIPELINE[facts.recipe.model.family],
        tags=["reviews", facts.task.name.replace("_", "-"), *(["synthetic-data"] if facts.synthetic else [])],
        metrics=list(facts.reports["evaluate"]["metrics"]),
        eval_results=results(facts),
        **based,
    )


def results(facts: Facts) -> list[EvalResult]:
    """One result per metric that was measured, on the test rows of the recipe's source."""
    return [
        EvalResult(
            task_type=PIPELINE[facts.recipe.model.family],
            task_name=facts.task.name,
            dataset_type=facts.release.source,
            dataset_name=f"{facts.release.source}{' (synthetic)' if facts.synthetic else ''}",
            dataset_split="test",
            metric_type=metric,
            metric_name=metric,
            metric_value=measured["value"],
            metric_args={"interval_95": [measured["low"], measured["high"]], "rows": measured["n"]},
        )
        for metric, measured in facts.reports["evaluate"]["metrics"].items()
        if measured["value"] is not None
    ]


def fenced(text: str) -> str:
    """Text as a Markdown code block whose fence is longer than any run of backticks in it, so it cannot get out.

    >>> fenced("a ``` b")
    '````text\\na ``` b\\n````'
    """
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"
