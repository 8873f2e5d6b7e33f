"""Reading params.yaml: refused whole when anything in it is wrong, every mistake with its address."""

import difflib
import types
import typing
from pathlib import Path
from typing import Annotated

import pydantic
import yaml
from pydantic import BaseModel

from stages.params.machine import Flow
from stages.params.recipes import Recipe
from stages.params.whole import Alone, Params
from stages.refusal import Refusal

FILE = Path("params.yaml")


def load(path: Path = FILE) -> Params:
    """Read and check the whole file; refuse with every mistake in it at once."""
    return check(read(path), str(path))


def read(path: Path) -> dict:
    """The sections of a settings file, as YAML gives them."""
    path = Path(path)
    if not path.is_file():
        raise Refusal("the settings", "no such file", str(path), "run from the project's root")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        found = getattr(error, "problem", None) or str(error)
        raise Refusal("valid YAML", found, where, "mend that line: look for a tab, a missing space or colon") from error
    if not isinstance(raw, dict):
        raise Refusal("sections such as sources and recipes", type(raw).__name__, str(path), "restore it from git")
    return raw


def check(raw: dict, where: str = str(FILE)) -> Params:
    """Turn a parsed file into `Params`, or refuse with all its mistakes."""
    try:
        params, mistakes = Params.model_validate(raw), []
    except pydantic.ValidationError as error:
        params, mistakes = None, [_explain(one) for one in error.errors()]
    mistakes += _dangling(raw) + (_strays(params.recipes) + oversized(params.flow) if params else [])
    if mistakes or params is None:
        raise _refusal(mistakes, where)
    return params


def flow(path: Path = FILE) -> Flow:
    """The flow section alone, or what stands for it where there is none; each stage checks the rest for itself."""
    raw = {"flow": read(path).get("flow", {})} if Path(path).is_file() else {}
    try:
        settings = Alone.model_validate(raw).flow
    except pydantic.ValidationError as error:
        raise _refusal([_explain(one) for one in error.errors()], str(path)) from error
    if mistakes := oversized(settings):
        raise _refusal(mistakes, str(path))
    return settings


def oversized(flow: Flow) -> list[str]:
    """Stages that need more than there is: they could never start."""
    return [
        f"flow.stages.{stage}.{slot}: found {need}, and flow.slots.{slot} is {most}; lower the one or raise the other"
        for stage, needs in flow.stages.items()
        for slot, need in needs.model_dump().items()
        if need > (most := getattr(flow.slots, slot))
    ]


def entry(section: dict, name: str, address: str) -> object:
    """The entry `name` of a section, or a refusal that lists the entries there are."""
    if name in section:
        return section[name]
    close = difflib.get_close_matches(name, section, 1)
    hint = f"did you mean {close[0]}?" if close else f"choose one of them, or add it under {address}"
    raise Refusal(f"one of {', '.join(section) or '(none)'}", repr(name), f"params.yaml: {address}", hint)


def _refusal(mistakes: list[str], where: str) -> Refusal:
    lines = "".join(f"\n      - {one}" for one in mistakes)
    count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
    return Refusal("settings that can be run", count + lines, where, "mend each at its address, then run it again")


def _explain(error: dict) -> str:
    """One mistake in one line: address, what was found, what to write instead."""
    address = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = _fields(Params, error["loc"][:-1])
        close = difflib.get_close_matches(str(error["loc"][-1]), known, 1)
        return f"{address}: unknown key; " + (f"write {close[0]}" if close else f"known here: {', '.join(known)}")
    if error["type"] == "missing":
        return f"{address}: missing; add it"
    found = "" if isinstance(error["input"], dict) else f" found {error['input']!r};"
    return f"{address}:{found} {error['msg'][0].lower()}{error['msg'][1:]}"


def _fields(kind: object, loc: tuple) -> list[str]:
    """The keys that may stand at an error's address, found by walking the annotations along it."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _fields(args[0], loc)
    if origin in (typing.Union, types.UnionType):  # the address names the variant by its `kind`
        for one in args:
            if loc and isinstance(one, type) and loc[0] in typing.get_args(one.model_fields["kind"].annotation):
                return _fields(one, loc[1:])
        return []
    if origin is dict:
        return _fields(args[1], loc[1:])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        by_key = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
        return _fields(by_key[loc[0]], loc[1:]) if loc else list(by_key)
    return []


def _strays(recipes: dict[str, Recipe]) -> list[str]:
    """Recipes that differ in more than the seed from the one they replicate: theirs would be no spread of it."""
    told = []
    for name, recipe in recipes.items():
        of = recipes.get(recipe.replicates)
        if of and _but_seed(recipe) != _but_seed(of):
            parts = ", ".join(part for part, own in _but_seed(recipe).items() if own != _but_seed(of)[part])
            told.append(
                f"recipes.{name}.replicates: {recipe.replicates} differs in {parts}; leave only method.seed apart"
            )
    return told


def _but_seed(recipe: Recipe) -> dict:
    return recipe.model_dump(exclude={"replicates": True, "method": {"seed"}})


def _dangling(raw: dict) -> list[str]:
    """Names that point nowhere: a recipe's source, base or task, a base's corpus, a judge's base, a release."""

    def section(name: str) -> dict:
        return raw[name] if isinstance(raw.get(name), dict) else {}

    def get(value: object, *path: str) -> object:
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    sources, recipes = section("sources"), section("recipes")
    bases = {f"bases/{name}" for name in [*section("bases"), *section("pretrained")]}
    whole = {f"models/{name}" for name, recipe in recipes.items() if get(recipe, "method", "kind") == "full"}
    tasks = {path.stem for path in (Path(__file__).parents[1] / "tasks").glob("[!_]*.py")}
    pointers = [(f"bases.{name}.corpus", get(base, "corpus"), sources) for name, base in section("bases").items()]
    encoding = bases - {f"bases/{name}" for name, base in section("bases").items() if get(base, "family") == "causal"}
    for name, judge in section("judges").items():  # a decoder has no encoder to hear with
        pointers += [(f"judges.{name}", name, sources), (f"judges.{name}.base", get(judge, "base"), encoding)]
    for name, recipe in recipes.items():
        at = f"recipes.{name}"
        pointers += [
            (f"{at}.task", get(recipe, "task"), tasks),
            (f"{at}.rows.from", get(recipe, "rows", "from"), sources.keys() & section("judges")),
            (f"{at}.model.base", get(recipe, "model", "base"), bases | whole - {f"models/{name}"}),
            (
                f"{at}.replicates",
                get(recipe, "replicates"),
                {other for other, of in recipes.items() if other != name and not get(of, "replicates")},
            ),
        ]
    for name, release in section("publish").items():
        pointers.append((f"publish.{name}", name, recipes))
        if name in recipes:
            own = {"task": ("task",), "source": ("rows", "from"), "base": ("model", "base")}
            pointers += [
                (f"publish.{name}.{key}", get(release, key), {get(recipes[name], *at)}) for key, at in own.items()
            ]
        if get(release, "base_at", "revision") == "same":
            sent = {get(other, "repo") for at, other in section("publish").items() if at != name}
            pointers.append((f"publish.{name}.base_at.repo", get(release, "base_at", "repo"), sent))
    pointers += [(f"datasets.{name}", name, sources) for name in section("datasets")]
    return [
        f"{address}: found {value!r}, which is not there; write one of {', '.join(sorted(map(str, known))) or '(none)'}"
        for address, value, known in pointers
        if isinstance(value, str) and value not in known
    ]
