"""dvc.yaml against the code: every import of a stage is among its deps, and its docstring's Params are its params."""

import ast
import re
from pathlib import Path

import grimp
import pytest
import yaml

ROOT = Path(__file__).parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
GRAPH = grimp.build_graph("stages", cache_dir=None)
# What a stage opens by a name from params: imports that no import graph can see.
TASK, FAMILY = "stages/tasks/${item.task}.py", "stages/models/${item.model.family}.py"
BY_NAME = {
    "pretrain": {"stages/models/${item.family}.py"},
    "tokenize": {TASK, FAMILY},
    "train": {TASK, FAMILY},
    "predict": {TASK, FAMILY},
    "evaluate": {TASK},
    "publish": {TASK},
}
# What a stage reads of its own folder beside Python.
BESIDE = {
    "account": {"stages/account.html.jinja"},
    "compare": {"stages/compare.html.jinja"},
    "publish": {"stages/card.md.jinja", "stages/use.py.jinja", "stages/licenses"},
    "share": {"stages/datacard.md.jinja", "stages/licenses"},
}


def imports(module: str) -> set[str]:
    """The project's files that importing `module` runs, itself included; empty ones cannot matter."""
    modules = {module, *GRAPH.find_upstream_modules(module)}
    modules |= {module.rpartition(".")[0] for module in modules}
    paths = [ROOT.joinpath(*module.split(".")) for module in modules if module]
    files = [path / "__init__.py" if path.is_dir() else path.with_suffix(".py") for path in paths]
    return {str(file.relative_to(ROOT)) for file in files if file.stat().st_size}


def opened(stage: str) -> set[str]:
    """The files behind the names in params, and what those import in turn."""
    tasks = [f"stages.tasks.{recipe['task']}" for recipe in PARAMS["recipes"].values()]
    families = [f"stages.models.{recipe['model']['family']}" for recipe in PARAMS["recipes"].values()]
    named = BY_NAME.get(stage, set())
    found = set(named)
    for modules, by_name in ((tasks, named & {TASK}), (families, named - {TASK})):
        for module in modules if by_name else ():
            found |= imports(module) - {f"{module.replace('.', '/')}.py"}
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_every_import_is_a_dep(stage):
    deps = STAGES[stage]["do"]["deps"]
    needed = imports(f"stages.{stage}") | opened(stage) | BESIDE.get(stage, set())
    missing = {file for file in needed if not any(file == dep or file.startswith(f"{dep}/") for dep in deps)}
    assert not missing


@pytest.mark.parametrize("stage", STAGES)
def test_no_dep_on_code_is_idle(stage):
    deps = {dep for dep in STAGES[stage]["do"]["deps"] if dep.startswith("stages/")}
    needed = imports(f"stages.{stage}") | opened(stage) | BESIDE.get(stage, set())
    assert not {dep for dep in deps if not any(file == dep or file.startswith(f"{dep}/") for file in needed)}


@pytest.mark.parametrize("stage", STAGES)
def test_a_dep_by_name_is_what_the_code_opens(stage):
    source = (ROOT / f"stages/{stage}.py").read_text("utf-8")
    names = BY_NAME.get(stage, set())
    assert ("tasks.load(" in source) == (TASK in names)
    called = {node.func.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)
              and isinstance(node.func, ast.Name)}  # fmt: skip
    assert ("family" in called) == bool(names - {TASK})


@pytest.mark.parametrize("stage", STAGES)
def test_the_docstring_names_the_params(stage):
    line = re.search(r"^Params +(.*)", (ROOT / f"stages/{stage}.py").read_text("utf-8"), re.M)[1]
    said, last = set(), ""
    for word in line.split(", "):
        word = f"{last}{word}" if word.startswith(".") else word
        last = word.rpartition(".")[0]
        said.add(word)
    params = STAGES[stage]["do"]["params"]
    known = {re.sub(r"\$\{item[^}]*\}", "<source>", param).replace("${key}", "<name>") for param in params}
    assert said == known


@pytest.mark.parametrize("stage", STAGES)
def test_the_command_is_one_plain_python_module(stage):
    assert re.fullmatch(rf"python -m stages\.{stage}( [\w./${{}}-]+)+", STAGES[stage]["do"]["cmd"])


@pytest.mark.parametrize("section", ["sources", "bases", "pretrained", "judges", "recipes", "publish", "datasets"])
def test_every_entry_of_params_has_its_stages(section):
    assert any(STAGES[stage]["foreach"] == f"${{{section}}}" for stage in STAGES)
