"""requirements.lock against what is installed, and against the graph: a changed lock makes exactly its stages stale."""

import shutil
from pathlib import Path

import pytest
import yaml

from flows import dvc, environment

ROOT = Path(__file__).parents[2]
# Every stage but the one that asks the world: its rows are not to be asked for again because a package changed.
LOCKED = {"clean", "validate", "enrich", "account", "pretrain", "fetch", "judge", "tokenize", "train", "predict",
          "evaluate", "compare", "publish", "share"}  # fmt: skip
# One entry of each section is enough for a node of each stage.
SECTIONS = ("sources", "bases", "pretrained", "judges", "recipes", "publish", "datasets")
KEPT = {"films", "films-t5", "minilm", "sentiment_label-films-full"}


@pytest.fixture
def here(monkeypatch):
    """Pretend that these packages are installed: `here({name: version})`, whatever this Python asks for besides."""
    monkeypatch.setattr(environment, "OLDER", 'async-timeout==5.0.1; python_full_version < "3"')
    return lambda packages: monkeypatch.setattr(environment, "installed", lambda: packages)


def test_the_names_of_a_lock_are_those_of_pep_503_and_torch_has_no_local_version():
    lock = "Flask_Login==1.0\nruamel.yaml==2.0  # why\n\ntorch==2.13.0+cpu\n-e .\nnumpy==1 ; python_version > '3'\n"
    found = environment.pinned(lock + "boto==1.2 \\\n    --hash=sha256:00\n")
    assert found == {"flask-login": "1.0", "ruamel-yaml": "2.0", "torch": "2.13.0", "numpy": "1", "boto": "1.2"}
    assert environment.pinned("numba==0.1+cpu\n") == {"numba": "0.1+cpu"}


def test_what_differs_is_named_and_what_every_environment_has_is_not(here):
    lock = "A.b==1\nsecond==2\nthird==3\nsetuptools==80\n"
    here({"a-b": "1", "second": "2", "third": "3", "pip": "24", "setuptools": "65", "reviewmill": "0.1.0"})
    assert environment.differences(lock) == []
    here({"a-b": "1.1", "second": "2", "pip": "24", "stray": "9"})
    assert environment.differences(lock) == [
        "a-b 1.1 is installed, and the lock has 1", "stray 9 is installed, and the lock lacks it",
        "third 3 is not installed",
    ]  # fmt: skip


def test_an_older_python_has_async_timeout_besides_and_must(here, monkeypatch):
    monkeypatch.setattr(environment, "OLDER", 'async-timeout==5.0.1; python_full_version < "99"')
    here({"a": "1", "async-timeout": "5.0.1"})
    assert environment.differences("a==1\n") == []
    here({"a": "1"})
    assert environment.differences("a==1\n") == ["async-timeout 5.0.1 is not installed"]
    monkeypatch.setattr(environment, "OLDER", 'async-timeout==5.0.1; python_full_version < "3"')
    assert environment.differences("a==1\n") == []


def test_what_torchs_cuda_build_asks_for_is_no_difference(here, monkeypatch):
    asked = {"torch": ["nvidia-cublas==13; python_version >= '3'", "tool; extra == 'x'"],
             "nvidia-cublas": ["nvidia-runtime"], "nvidia-runtime": [], "tool": []}  # fmt: skip
    monkeypatch.setattr(environment.metadata, "requires", asked.__getitem__)
    here({"torch": "2.13.0", "nvidia-cublas": "13", "nvidia-runtime": "1"})
    assert environment.differences("torch==2.13.0\n") == []
    here({"torch": "2.13.0", "tool": "1"})
    assert environment.differences("torch==2.13.0\n") == ["tool 1 is installed, and the lock lacks it"]


def test_make_check_fails_where_the_installed_packages_are_not_the_lock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "requirements.lock").read_text()
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    here = environment.installed()
    (tmp_path / "requirements.lock").write_text(text.replace(f"polars=={here['polars']}", "polars==0.0.1"))
    with pytest.raises(SystemExit) as ended:
        environment.main()
    assert f"polars {here['polars']} is installed, and the lock has 0.0.1" in str(ended.value)
    assert "python -m flows.environment" in (ROOT / "Makefile").read_text()


def test_a_changed_lock_makes_exactly_its_stages_stale(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    for name in ("dvc.yaml", "requirements.lock", ".dvcignore"):
        shutil.copy(ROOT / name, tmp_path)
    whole = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    few = {section: {key: whole[section][key] for key in KEPT & whole[section].keys()} for section in SECTIONS}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(whole | few), "utf-8")
    shutil.copytree(ROOT / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = true\n    check_update = false\n")
    with dvc.project() as repo:  # each output a file of its own name: what is in it does not matter here
        for stage in repo.index.stages:
            for out in stage.outs:
                Path(out.def_path).parent.mkdir(parents=True, exist_ok=True)
                Path(out.def_path).write_text(out.def_path)
        Path("data/reports/accepted").mkdir(exist_ok=True)
        repo.commit(force=True)
    with dvc.project() as repo:
        assert repo.status() == {}
    with Path("requirements.lock").open("a") as lock:
        lock.write("another==1.0\n")
    with dvc.project() as repo:
        changed = {node.partition("@")[0] for node in repo.status()}
        assert {stage.addressing.partition("@")[0] for stage in repo.index.stages} == LOCKED | {"collect"}
    assert changed == LOCKED
    assert {node.partition("@")[0] for node in dvc.stale(dvc.graph())} == LOCKED


def test_what_the_demo_adds_may_be_missing_and_is_told_when_it_is_another(here):
    lock, further = "a==1\n", "gradio==6\nfont==2\n"
    here({"a": "1"})
    assert environment.differences(lock, further) == []
    here({"a": "1", "gradio": "6", "font": "2"})
    assert environment.differences(lock, further) == []
    here({"a": "1", "gradio": "5", "font": "2", "stray": "1"})
    assert environment.differences(lock, further) == [
        "gradio 5 is installed, and the lock has 6", "stray 1 is installed, and the lock lacks it",
    ]  # fmt: skip
    here({"gradio": "6"})
    assert environment.differences(lock, further) == ["a 1 is not installed"]


def test_the_demos_lock_repeats_nothing_of_the_other():
    lock, further = (environment.pinned((ROOT / path).read_text()) for path in (environment.LOCK, environment.DEMO))
    assert further and not set(lock) & set(further)
