"""Put together what may leave the house: the model's files, its card, its licence and where it came from.

Reads   the enriched table (for its hash); the recipe's base and model; the reports of the recipe and of its source
Writes  a folder: the files of the model or the adapter, README.md, LICENSE, provenance.json, manifest.json
Params  seed, numerics, publish.<name>, datasets, recipes.<name>, pretrained, sources.<source>.collect, .enrich.language

Nothing is published below the bars that params.yaml sets, or from a table that its gate did not pass. The card's code
is run as it stands on what is published, and its answer stands on the card.
"""

import json
import shutil
from pathlib import Path

from stages import card, params, release, sending, tasks
from stages.files import read_json, replacing_folder, write_json
from stages.numerics import settle
from stages.refusal import Refusal, run

OF_SOURCE, OF_RECIPE = ("clean", "validate"), ("tokenize", "train", "seconds", "evaluate")


def main(name: str, table: str, base: str, model: str, reports: str, folder: str) -> None:
    settings = params.load()
    settle(settings.numerics, settings.seed)
    wanted = params.entry(settings.publish, name, "publish")
    recipe, task = settings.recipes[name], tasks.load(settings.recipes[name].task)
    address = f"params.yaml: publish.{name}"
    if wanted.source != recipe.rows.source:
        raise Refusal(
            f"{recipe.rows.source}, where the recipe's rows come from", wanted.source, f"{address}.source",
            "write the recipe's own source",
        )  # fmt: skip
    licence = release.licence(wanted.license, f"{address}.license")
    read = {stage: read_json(f"{reports}/{stage}/{wanted.source}.json") for stage in OF_SOURCE}
    read |= {stage: read_json(f"{reports}/{stage}/{name}.json") for stage in OF_RECIPE}
    read["account"] = read_json(f"{reports}/data/{wanted.source}.json")
    check(read, wanted, name, reports)
    parts = release.files(Path(model))
    origin, adapted = on_hub(wanted, settings.pretrained), release.is_adapter(Path(model))
    if adapted and (origin is None or origin.revision is None):
        found = f"{wanted.base}, which is {'pinned to no commit' if origin else 'nowhere on the Hub'}"
        do = "name repo and revision there; publish the base first where it is a model of this project"
        raise Refusal("an adapter whose base others can load, pinned", found, f"{address}.base_at", do)
    source, dataset = settings.sources[wanted.source], settings.datasets.get(wanted.source)
    permitted = dataset is not None or source.collect.kind == "sample"
    asked = card.example(task, recipe, read["evaluate"]["examples"][0], permitted)
    facts = card.Facts(
        name, wanted, recipe, task, source, origin, dataset, release.sha256(table) or "", adapted, asked, read
    )
    with replacing_folder(folder) as beside:
        for part in parts:
            shutil.copyfile(part, beside / part.name)
        if adapted:
            config = beside / release.ADAPTER
            write_json(config, adapter(json.loads(config.read_text("utf-8")), origin))
        release.spotless(beside / part.name for part in parts)
        answer = ask(card.code(facts, str(beside), "main", params.Pinned.model_construct(repo=base, revision="main")))
        shutil.copyfile(licence, beside / "LICENSE")
        (beside / "README.md").write_text(card.render(facts, answer), "utf-8")
        told = provenance(recipe, Path(table), Path(base), read["train"])
        told["example"] = {"prompt": [part for part in asked if part is not None], "answer": answer}
        told["probe"] = None if task.labels else wanted.probe.model_dump()
        write_json(beside / sending.ORIGIN, told)
        write_json(beside / sending.MANIFEST, sending.manifest(beside))
        size = sum(path.stat().st_size for path in beside.iterdir())
    first = read["evaluate"]["metrics"][read["evaluate"]["headline"]]["value"]
    print(f"publish {name}: {len(parts)} model files + {len(release.WRITTEN)}, {size / 1e6:.1f} MB, "
          f"{read['evaluate']['headline']} {first:.3f}")  # fmt: skip


def check(reports: dict[str, dict], wanted: params.Release, name: str, where: str) -> None:
    """Refuse a source that its gate did not pass, and metrics below a bar, overall or of a rating, all at once."""
    if reports["validate"].get("passed") is not True:
        raise Refusal("a table that validation passed", "one that it did not", f"{where}/validate", "mend the source")
    metrics, ratings = reports["evaluate"]["metrics"], reports["evaluate"]["slices"].get("rating") or {}
    address = f"params.yaml: publish.{name}"
    for metric in wanted.bar:
        params.entry(metrics, metric, f"publish.{name}.bar")
    for metric in wanted.bar_by_rating:
        params.entry(metrics, metric, f"publish.{name}.bar_by_rating")
    if ratings and not wanted.bar_by_rating:
        do = "add one: a metric and its least value, {accuracy: 0.7}, or one per rating, {accuracy: {1: 0.7, 5: 0.9}}"
        raise Refusal("a bar for the test rows of each rating", "none", f"{address}.bar_by_rating", do)
    if wanted.bar_by_rating and not ratings:
        do = "take the bar away, or measure by rating"
        raise Refusal("metrics by rating", "none in the report", f"{address}.bar_by_rating", do)
    bars = [(metric, least, metrics[metric], f"bar.{metric}") for metric, least in wanted.bar.items()]
    for metric, least in wanted.bar_by_rating.items():
        each = least if isinstance(least, dict) else dict.fromkeys(map(int, ratings), least)
        bars += [
            (f"{metric} of rating {rating}", bar, ratings.get(str(rating), {}).get(metric), f"bar_by_rating.{metric}")
            for rating, bar in each.items()
        ]
    below = [(what, least, one, at) for what, least, one, at in bars if not _reaches(one, least)]
    if below:
        raise Refusal(
            "; ".join(f"{what} of at least {least:g}" for what, least, _, _ in below),
            "; ".join(f"{what} {_figures(one)}" for what, _, one, _ in below),
            "; ".join(dict.fromkeys(f"{address}.{at}" for *_, at in below)),
            "train a better model, or lower the bar and say why in the commit",
        )  # fmt: skip


def _reaches(measured: dict | None, least: float) -> bool:
    return _known(measured) and measured["value"] >= least


def _figures(measured: dict | None) -> str:
    return f"{measured['value']:g}" if _known(measured) else "not measured"


def _known(measured: dict | None) -> bool:
    return measured is not None and measured["value"] is not None and measured.get("n") != 0


def on_hub(wanted: params.Release, pretrained: dict) -> params.Pinned | None:
    """Where the base lies on the Hub: as the release says, else as pretrained does; None for a base that is not there.

    `same` becomes the tag that this release will have: the base is sent before it, under the same one.
    """
    if wanted.base_at:
        same = wanted.base_at.revision == "same"
        return wanted.base_at.model_copy(update={"revision": sending.TAG}) if same else wanted.base_at
    found = pretrained.get(wanted.base.removeprefix("bases/")) if wanted.base.startswith("bases/") else None
    return params.Pinned(repo=found.repo, revision=found.revision) if isinstance(found, params.HubBase) else None


def ask(code: str) -> str:
    """What a card's code answers."""
    told: dict = {}
    exec(compile(code, "README.md", "exec"), told)
    return str(told["answer"])


def adapter(config: dict, origin: params.Pinned) -> dict:
    """PEFT's settings with the base under the name and commit it has on the Hub, and every list of names sorted."""
    config |= {"base_model_name_or_path": origin.repo, "revision": origin.revision}
    names = {key for key, value in config.items() if isinstance(value, list) and all(isinstance(x, str) for x in value)}
    return {key: sorted(value) if key in names else value for key, value in config.items()}


def provenance(recipe: params.Recipe, table: Path, base: Path, trained: dict) -> dict:
    """What the model was made from: the settings, the rows, the packages and the base, by their hashes.

    trained: its training's report, which says on what kernels and threads it was made. The commit is added by sending.
    """
    return {
        "requirements_lock_sha256": release.sha256("requirements.lock"),
        "data_sha256": release.sha256(table),
        "base_sha256": {path.name: release.sha256(path) for path in sorted(base.glob("*.safetensors"))},
        "recipe": recipe.model_dump(mode="json", by_alias=True),
        "numerics": trained.get("numerics"),
        "trained_on": {key: trained.get(key) for key in ("device", "dtype")},
    }


if __name__ == "__main__":
    run(main)
