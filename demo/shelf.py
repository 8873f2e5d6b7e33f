"""The models of the demo: opened when first asked for, adapters beside each other on one base.

Two recipes share a base when they read the same folder with the same head: a LoRA on top of a fully trained model is
that model with its adapter switched on. What is switched is switched for all, so one is asked at a time. A recipe that
CTranslate2 answers for has a model of its own.
"""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from transformers import PreTrainedModel

from stages import origin, params, tasks
from stages.answering import Answer, Answerer, open_model
from stages.models import family
from stages.numerics import device, settle
from stages.refusal import Refusal

MODELS = Path("data/models")


@dataclass(frozen=True)
class Told:
    """What one variant made of a row. seconds: of the answer alone. missing: why there is none, and what makes one."""

    name: str
    answer: Answer | None = None
    seconds: float = 0.0
    missing: str = ""


@dataclass
class Shelf:
    """models: the folder with a model per recipe. tag: of the Hub's releases, for models that are not there."""

    settings: params.Params
    models: Path = MODELS
    tag: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    bases: dict[tuple, PreTrainedModel] = field(default_factory=dict)  # folder, family, head → the model
    ready: dict[str, tuple[Answerer, str | None]] = field(default_factory=dict)  # recipe → with its adapter's name

    def variants(self, *names: str) -> list[str]:
        """The recipes of these tasks, in the order of params.yaml, without the mere replicates."""
        known = self.settings.recipes.items()
        return [name for name, recipe in known if recipe.task in names and not recipe.replicates]

    def kind(self, name: str) -> str:
        """How a recipe was trained, in a few words."""
        recipe = self.settings.recipes[name]
        base = recipe.model.base.partition("/")[2]
        method = {"full": "all weights", "lora": f"LoRA, rank {getattr(recipe.method, 'rank', '')}"}
        return f"{method.get(recipe.method.kind, 'adapter')} on {base}"

    def here(self, name: str) -> bool:
        return (self.models / name).is_dir()

    def ask(self, names: list[str], row: dict, seed: int = 0) -> list[Told]:
        """What each variant says of the same row, one after another."""
        with self.lock:
            return [self._ask(name, row, seed) for name in names]

    def language(self, name: str) -> str:
        return self.settings.sources[self.settings.recipes[name].rows.source].enrich.language

    def _ask(self, name: str, row: dict, seed: int) -> Told:
        try:
            answerer, adapter = self._open(name)
        except Refusal as refusal:
            return Told(name, missing=f"Found {refusal.found.rstrip('.')}. To do: {refusal.do}.")
        self._switch(answerer.model, adapter)
        start = time.monotonic()
        answer = answerer.answer([row], seed)[0]
        return Told(name, answer, time.monotonic() - start)

    def _open(self, name: str) -> tuple[Answerer, str | None]:
        if name not in self.ready:
            found = origin.find(self._where(name))
            recipe = found.recipe
            if recipe.predict.engine != "transformers":  # of converted weights no adapter can be switched
                self.ready[name] = open_model(found), None
                return self.ready[name]
            outputs = tasks.load(recipe.task).outputs(recipe.model.head)
            key = (str((found.base or found.folder).resolve()), recipe.model.family, outputs)
            settle(found.numerics, found.seed)
            if key not in self.bases:
                opened = family(recipe.model.family).load(found.base or found.folder, outputs)
                self.bases[key] = opened.to(device()).eval()
            model, adapter = self.bases[key], None
            if found.base:
                adapter = f"variant{len(self.ready)}"
                model.load_adapter(str(found.folder), adapter_name=adapter)
            self.ready[name] = Answerer(found, model), adapter
        return self.ready[name]

    def _where(self, name: str) -> str:
        """A folder, or repo@tag where the shelf has a tag and the recipe a repository."""
        if not self.here(name) and self.tag and name in self.settings.publish:
            return f"{self.settings.publish[name].repo}@{self.tag}"
        return str(self.models / name)

    def _switch(self, model: PreTrainedModel, adapter: str | None) -> None:
        if not getattr(model, "_hf_peft_config_loaded", False):
            return
        if adapter:
            model.enable_adapters()
            model.set_adapter(adapter)
        else:
            model.disable_adapters()
