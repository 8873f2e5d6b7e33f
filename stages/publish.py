"""Put together what may leave the house: the model's files, its card, its licence and where it came from.

Reads   the enriched table (for its hash); the recipe's base and model; the reports of the recipe and of its source
Writes  a folder: the files of the model or the adapter, README.md, LICENSE, provenance.json
Params  publish.<name>, recipes.<name>, pretrained, sources.<source>.collect, sources.<source>.enrich.language

Nothing is published below the bar that params.yaml sets, or from a table that its gate did not pass.
"""

import json
import shutil
from pathlib import Path

from stages import card, params, release, tasks
from stages.files import read_json, replacing_folder, write_json
from stages.refusal import Refusal, run

LICENSES = Path(__file__).parent / "licenses"
OF_SOURCE, OF_RECIPE = ("clean", "validate"), ("tokenize", "train", "evaluate")


def main(name: str, table: str, base: str, model: str, reports: str, folder: str) -> None:
    settings = params.load()
    wanted = params.entry(settings.publish, name, "publish")
    recipe, task = settings.recipes[name], tasks.load(settings.recipes[name].task)
    if wanted.source != recipe.rows.source:
        raise Refusal(
            f"{recipe.rows.source}, where the recipe's rows come from", wanted.source,
            f"params.yaml: publish.{name}.source", "write the recipe's own source",
        )  # fmt: skip
    license = _license(wanted.license, f"params.yaml: publish.{name}.license")
    read = {stage: read_json(f"{reports}/{stage}/{wanted.source}.json") for stage in OF_SOURCE}
    read |= {stage: read_json(f"{reports}/{stage}/{name}.json") for stage in OF_RECIPE}
    check(read, wanted.bar, name, reports)
    parts = release.files(Path(model))
    origin = base_on_hub(recipe.model.base, settings.pretrained)
    with replacing_folder(folder) as beside:
        for part in parts:
            shutil.copyfile(part, beside / part.name)
        if release.is_adapter(beside):
            config = beside / release.ADAPTER
            write_json(config, adapter(json.loads(config.read_text("utf-8")), recipe.model.base, origin))
        source = settings.sources[wanted.source]
        facts = card.Facts(name, wanted, recipe, task, source, origin, release.is_adapter(beside), read)
        (beside / "README.md").write_text(card.render(facts), "utf-8")
        shutil.copyfile(license, beside / "LICENSE")
        write_json(beside / "provenance.json", provenance(recipe, Path(table), Path(base), read["train"]))
        size = sum(path.stat().st_size for path in beside.iterdir())
    first = read["evaluate"]["metrics"][read["evaluate"]["headline"]]["value"]
    print(f"publish {name}: {len(parts)} model files + {len(release.WRITTEN)}, {size / 1e6:.1f} MB, "
          f"{read['evaluate']['headline']} {first:.3f}")  # fmt: skip


def check(reports: dict[str, dict], bar: dict[str, float], name: str, where: str) -> None:
    """Refuse a source that its gate did not pass, and metrics below the bar, all of them at once."""
    if reports["validate"].get("passed") is not True:
        raise Refusal("a table that validation passed", "one that it did not", f"{where}/validate", "mend the source")
    metrics = reports["evaluate"]["metrics"]
    for metric in bar:
        params.entry(metrics, metric, f"publish.{name}.bar")
    below = {metric: least for metric, least in bar.items() if not _reaches(metrics[metric]["value"], least)}
    if below:
        raise Refusal(
            "; ".join(f"{metric} of at least {least:g}" for metric, least in below.items()),
            "; ".join(f"{metric} {_figures(metrics[metric]['value'])}" for metric in below),
            "; ".join(f"params.yaml: publish.{name}.bar.{metric}" for metric in below),
            "train a better model, or lower the bar and say why in the commit",
        )  # fmt: skip


def _reaches(value: float | None, least: float) -> bool:
    return value is not None and value >= least


def _figures(value: float | None) -> str:
    return "not measured" if value is None else f"{value:g}"


def base_on_hub(base: str, pretrained: dict) -> params.HubBase | None:
    """The Hub repository of a recipe's base, pinned; None for a base that is not on the Hub."""
    found = pretrained.get(base.removeprefix("bases/")) if base.startswith("bases/") else None
    return found if isinstance(found, params.HubBase) else None


def adapter(config: dict, base: str, origin: params.HubBase | None) -> dict:
    """PEFT's settings with the base under the name it has on the Hub, else under ours: never a local path."""
    config |= {"base_model_name_or_path": origin.repo if origin else base}
    config |= {"revision": origin.revision if origin else None}
    return {key: sorted(value) if key == "target_modules" else value for key, value in config.items()}


def provenance(recipe: params.Recipe, table: Path, base: Path, trained: dict) -> dict:
    """What the model was made from: the code, the settings, the rows, the packages and the base, by their hashes.

    trained: its training's report, which says on what kernels and threads it was made.
    """
    return release.commit() | {
        "dvc_lock_sha256": release.sha256("dvc.lock"),
        "requirements_lock_sha256": release.sha256("requirements.lock"),
        "data_sha256": release.sha256(table),
        "base_sha256": {path.name: release.sha256(path) for path in sorted(base.glob("*.safetensors"))},
        "recipe": recipe.model_dump(mode="json", by_alias=True),
        "numerics": trained.get("numerics"),
        "trained_on": {key: trained.get(key) for key in ("device", "dtype")},
    }


def _license(spdx: str, where: str) -> Path:
    """The licence's full text, which stands beside the weights."""
    texts = {path.stem: path for path in sorted(LICENSES.glob("*.txt"))}
    if spdx not in texts:
        raise Refusal(f"one of {', '.join(texts)}", spdx, where, f"add its text as stages/licenses/{spdx}.txt")
    return texts[spdx]


if __name__ == "__main__":
    run(main)
