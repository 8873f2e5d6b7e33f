"""Where a trained model lies, and what it was trained to do: found by a folder or by `repo@tag`.

A folder under data/models has its recipe in params.yaml, by its own name; a published folder carries it, in
provenance.json. Recipe, task and limits are never told by the caller.
"""

from dataclasses import dataclass
from pathlib import Path

import pydantic
import yaml

from stages import params, release, tasks
from stages.files import read_json
from stages.refusal import Refusal

PROVENANCE, CARD = "provenance.json", "README.md"
ALONE = params.Numerics(threads=1, matmul="highest")  # where nothing says how it was trained
MADE = Path("data")  # where dvc.yaml puts what recipes start from, for an adapter whose base is not beside it
PATIENCE = 10  # seconds for the Hub to answer
WANTED = ("*.json", "*.safetensors", "*.model", "vocab.txt", "merges.txt", CARD)


@dataclass(frozen=True)
class Origin:
    """A trained model and what has to be known to ask it.

    folder: its files. base: the folder of what its adapter was trained on; None of a whole model. learnt: the targets
    it was trained on, as an Arrow dataset, where they are here. published: from provenance.json, not from params.yaml.
    """

    name: str
    recipe: params.Recipe
    folder: Path
    base: Path | None
    language: str
    numerics: params.Numerics
    seed: int
    learnt: Path | None
    published: bool


def find(model: str) -> Origin:
    """The model in a folder, or of a repository of the Hub at a tag or commit: `repo@tag`."""
    folder = Path(model)
    if folder.is_dir():
        return _here(folder)
    repo, at, tag = model.partition("@")
    if at and tag and repo.count("/") == 1 and not repo.startswith((".", "/")):
        return _here(_fetched(repo, tag), model)
    do = f"dvc repro train@{folder.name}" if len(folder.parts) > 1 and folder.parent.name == "models" else (
        "write data/models/<recipe>, data/published/<recipe>, or owner/name@tag"
    )  # fmt: skip
    raise Refusal("a folder with a model, or repo@tag", "no such folder", model, do)


def _here(folder: Path, said: str = "") -> Origin:
    whole = (folder / "config.json").is_file()
    if not whole and not release.is_adapter(folder):
        raise Refusal(
            f"a model: config.json, or {release.ADAPTER}", "neither", said or str(folder), "name the folder of a model"
        )
    published = (folder / PROVENANCE).is_file()
    told = _published(folder) if published else _ours(folder)
    if told["recipe"].task not in tasks.TASKS:
        raise Refusal(f"a task among {', '.join(tasks.TASKS)}", told["recipe"].task, said or str(folder),
                      "use the release of Reviewmill that published it")  # fmt: skip
    base = None if whole else _base(folder)
    return Origin(name=said or folder.name, folder=folder, base=base, published=published, **told)


def _ours(folder: Path) -> dict:
    """What params.yaml says of the recipe that the folder is named after."""
    settings = params.load()
    recipe = params.entry(settings.recipes, folder.name, "recipes")
    learnt = folder.parent.parent / "tokens" / folder.name / "train"
    return {
        "recipe": recipe,
        "language": settings.sources[recipe.rows.source].enrich.language,
        "numerics": settings.numerics,
        "seed": settings.seed,
        "learnt": learnt if learnt.is_dir() else None,
    }


def _published(folder: Path) -> dict:
    """What the folder itself says: its recipe, and the language of its card. It is somebody's file: all is checked."""
    told = read_json(folder / PROVENANCE)
    try:
        recipe = params.Recipe.model_validate(told.get("recipe"))
        known = {key: one for key, one in (told.get("numerics") or {}).items() if key in params.Numerics.model_fields}
        numerics = params.Numerics.model_validate(known) if known else ALONE
    except (pydantic.ValidationError, AttributeError) as error:
        found = str(error).splitlines()[0]
        raise Refusal("the recipe of a published model", found, str(folder / PROVENANCE), "publish it anew") from error
    return {"recipe": recipe, "language": _language(folder), "numerics": numerics, "seed": 0, "learnt": None}


def _language(folder: Path) -> str:
    """The language that the card's head names; "" where it names none."""
    card = folder / CARD
    parts = card.read_text("utf-8").split("---\n", 2) if card.is_file() else []
    try:
        head = yaml.safe_load(parts[1]) if len(parts) == 3 else {}
    except yaml.YAMLError:
        return ""
    told = head.get("language", "") if isinstance(head, dict) else ""
    return str(told[0] if isinstance(told, list) and told else told)


def _base(folder: Path) -> Path:
    """The folder of an adapter's base: from the Hub at the revision that the adapter names, else one of ours."""
    config = read_json(folder / release.ADAPTER)
    name, revision = str(config.get("base_model_name_or_path")), config.get("revision")
    if revision:
        return _fetched(name, revision)
    for root in (folder.parent.parent, MADE):
        if name.startswith(("bases/", "models/")) and (root / name / "config.json").is_file():
            return root / name
    stage = "train@" if name.startswith("models/") else "pretrain@"
    raise Refusal(
        "the base of the adapter", f"no {MADE / name}", str(folder / release.ADAPTER),
        f"dvc repro {stage}{name.rpartition('/')[2]} (of a base that is fetched: dvc repro fetch@…)",
    )  # fmt: skip


def _fetched(repo: str, revision: str) -> Path:
    """The snapshot of a repository at a tag or commit, from the Hub or the local cache: no pickle, no code."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils import HFValidationError

    try:
        return Path(snapshot_download(
            repo, revision=revision, allow_patterns=list(WANTED), ignore_patterns=["*/*"], etag_timeout=PATIENCE
        ))  # fmt: skip
    except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError, OSError) as error:
        found = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Refusal(
            f"{repo} at {revision} from the Hub or the local cache", found, f"{repo}@{revision}",
            "connect, set HF_ENDPOINT or HF_TOKEN, or correct repo and tag",
        ) from error  # fmt: skip
