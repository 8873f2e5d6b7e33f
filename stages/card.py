"""The model card: metadata that the Hub reads, and a page that says what the model is, how good, and what it is not."""

import inspect
import json
from dataclasses import dataclass

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from stages.markup import template
from stages.params import Dataset, Pinned, Recipe, Release, Source
from stages.sending import TAG
from stages.table import PARTS

# What the Hub calls the job of each family; text2text-generation has left transformers' pipelines.
PIPELINE = {"seq2seq": "text-generation", "causal": "text-generation", "encoder": "text-classification"}
AUTO = {"seq2seq": "Seq2SeqLM", "causal": "CausalLM", "encoder": "SequenceClassification"}
LANGUAGE = {"ru": "Russian", "en": "English", "ko": "Korean"}
CHIEF = 6  # metrics of a table by rating, with those that have a bar
# The rules of clean that mask personal data → what they mask.
PERSONAL = {
    "email": "mail addresses", "handle": "names in messengers", "link": "links", "card": "card numbers",
    "phone": "phone numbers",
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """All that a card tells. task: a stages.tasks.Task. base: where the base is on the Hub, if it is.

    dataset: the source's own release, if there is one; data: SHA-256 of the enriched table. asked: the example's row
    of the test set or of the task's docstring, as (prompt, its last field by itself or None). reports: stage → its
    report, of account, clean, validate, tokenize, train, seconds and evaluate.
    """

    name: str
    release: Release
    recipe: Recipe
    task: object
    source: Source
    base: Pinned | None
    dataset: Dataset | None
    data: str
    adapter: bool
    asked: tuple[str, str | None]
    reports: dict[str, dict]

    @property
    def synthetic(self) -> bool:
        return self.source.collect.kind == "sample"

    @property
    def generated(self) -> bool:
        """Whether what it writes can be taken for a review of a person's."""
        return not self.task.labels and not self.task.group

    @property
    def rows(self) -> tuple[str, str, str]:
        """What it was measured on: (type, name, revision). A repository at its commit or tag; else the table's hash."""
        name = f"{self.release.source}{' (synthetic)' if self.synthetic else ''}"
        if self.dataset:
            return self.dataset.repo, name, TAG
        if self.source.collect.kind == "hub":
            return self.source.collect.repo, name, self.source.collect.revision
        return self.release.source, name, f"sha256:{self.data}"


def render(facts: Facts, answer: str) -> str:
    """The card's text. answer: what `code` gave. Review text reaches the template as a variable only, and escaped."""
    first, bars = facts.reports["evaluate"]["examples"][0], {*facts.release.bar, *facts.release.bar_by_rating}
    page = template("card.md.jinja").render(
        facts=facts,
        recipe=facts.recipe,
        parts_of=PARTS,
        personal=PERSONAL,
        tag=TAG,
        language=LANGUAGE.get(facts.source.enrich.language, f"the language {facts.source.enrich.language!r}"),
        row=inspect.getdoc(inspect.getmodule(facts.task.prompt)),
        worst=worst(facts.reports["evaluate"]),
        metrics=metrics(facts),
        chief=[one for at, one in enumerate(metrics(facts)) if at < CHIEF or one in bars],
        chosen=first["answer"] if facts.recipe.predict.candidates > 1 and first["prompt"] == facts.asked[0] else None,
        answer=answer,
        code=code(facts, facts.release.repo, TAG, facts.base),
        **facts.reports,
    )
    return str(ModelCard(f"---\n{metadata(facts).to_yaml()}\n---\n\n{page}"))


def code(facts: Facts, repo: str, tag: str | None, base: Pinned | None) -> str:
    """Python that loads the model and asks it for the example, with no package but transformers (and peft)."""
    auto = f"AutoModelFor{AUTO[facts.recipe.model.family]}"
    told = {"facts": facts, "recipe": facts.recipe, "repo": repo, "tag": tag, "base": base, "auto": auto}
    return template("use.py.jinja").render(told).strip()


def example(task: object, recipe: Recipe, first: dict, permitted: bool) -> tuple[str, str | None]:
    """What the card asks the model: the prompt of the first test row, or of the row in the task's docstring.

    A prompt that holds a review's own text is another person's: it is shown only of a source that may be given away.
    Of a recipe that reads pairs the last field stands by itself. first: the first of evaluate's examples.
    """
    told = inspect.getdoc(inspect.getmodule(task.prompt))
    row = json.loads(next(line.removeprefix("Row ") for line in told.splitlines() if line.startswith("Row ")))
    quotes = bool(task.group) or row.get("text", "") in task.prompt(row)
    prompt = task.prompt(row) if task.group or (quotes and not permitted) else first["prompt"]
    if not recipe.model.pair:
        return prompt, None
    before, _, last = prompt.rpartition(" | ")  # inside a field no bar stands: tasks.told
    return before, last


def metrics(facts: Facts) -> list[str]:
    """The metrics that were measured, in the task's order: the headline first."""
    known, order = facts.reports["evaluate"]["metrics"], facts.task.metrics
    return sorted(known, key=lambda one: order.index(one) if one in order else len(order))


def worst(evaluate: dict) -> tuple[str, dict] | None:
    """The rating with the lowest headline metric, as (rating, metric); None where there are no ratings."""
    of = evaluate["slices"].get("rating") or {}
    scored = [(rating, one[evaluate["headline"]]) for rating, one in of.items() if evaluate["headline"] in one]
    return min((one for one in scored if one[1]["value"] is not None), key=lambda one: one[1]["value"], default=None)


def metadata(facts: Facts) -> ModelCardData:
    """The card's YAML head: language, licence, library, task, base, data, and model-index with every interval."""
    based = {}
    if facts.base:
        based = {"base_model": facts.base.repo, "base_model_relation": "adapter" if facts.adapter else "finetune"}
    if facts.dataset or facts.source.collect.kind == "hub":
        based["datasets"] = [facts.rows[0]]
    made = ["synthetic-data"] if facts.synthetic else []
    return ModelCardData(
        model_name=facts.release.repo.rpartition("/")[2],
        language=facts.source.enrich.language,
        license=facts.release.license,
        library_name="peft" if facts.adapter else "transformers",
        pipeline_tag=PIPELINE[facts.recipe.model.family],
        tags=["reviews", facts.task.name.replace("_", "-"), *made],
        metrics=metrics(facts),
        eval_results=results(facts),
        **based,
    )


def results(facts: Facts) -> list[EvalResult]:
    """One result per metric that was measured, on the test rows of the recipe's source."""
    kind, name, revision = facts.rows
    return [
        EvalResult(
            task_type=PIPELINE[facts.recipe.model.family],
            task_name=facts.task.name,
            dataset_type=kind,
            dataset_name=name,
            dataset_split="test",
            dataset_revision=revision,
            metric_type=metric,
            metric_name=metric,
            metric_value=measured["value"],
            metric_args={"interval_95": [measured["low"], measured["high"]], "rows": measured["n"]},
        )
        for metric in metrics(facts)
        if (measured := facts.reports["evaluate"]["metrics"][metric])["value"] is not None
    ]
