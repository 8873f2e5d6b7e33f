"""Models and reports as small files → the published folder, or the refusal that says why not."""

import json
from pathlib import Path

import pytest
import yaml
from released import FULL, LORA, PART, WHOLE, settings, write_model, write_project

from stages import params, publish
from stages.refusal import Refusal

WRITTEN = {"README.md", "LICENSE", "provenance.json"}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(write_project(tmp_path))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def whole():
    publish.main(FULL, "places.parquet", "base", "whole", "reports", "out/full")
    return Path("out/full")


def part():
    publish.main(LORA, "films.parquet", "base", "part", "reports", "out/lora")
    return Path("out/lora")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def change(path: str, *keys: str, to: object) -> None:
    """Set one value of a JSON report or of params.yaml."""
    file = Path(path)
    content = inner = yaml.safe_load(file.read_text("utf-8"))  # JSON is YAML
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    text = json.dumps(content) if path.endswith(".json") else yaml.safe_dump(content, sort_keys=False)
    file.write_text(text, "utf-8")


def test_a_whole_model_is_published_with_its_card_licence_and_origin(project, capsys):
    folder = whole()
    assert names(folder) == {*WHOLE, *WRITTEN}
    assert (folder / "model.safetensors").read_text() == "weights of model.safetensors"
    assert (folder / "LICENSE").read_text().lstrip().startswith("Apache License")
    assert capsys.readouterr().out.startswith(f"publish {FULL}: 5 model files + 3")


def test_sharded_weights_are_published_and_the_optional_file_may_lack(project):
    for gone in ("model.safetensors", "generation_config.json"):
        Path("whole", gone).unlink()
    shards = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json")
    write_model(Path("whole"), shards)
    assert names(whole()) == {*WHOLE, *shards, *WRITTEN} - {"model.safetensors", "generation_config.json"}


def test_an_adapter_names_its_base_and_never_a_path(project):
    Path("part/merged").mkdir()
    Path("part/merged/model.safetensors").write_text("skipped")
    folder = part()
    assert names(folder) == {*PART, *WRITTEN}
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config == {"base_model_name_or_path": "bases/minilm", "revision": None, "target_modules": ["query", "value"]}
    assert "/home/me" not in "".join(path.read_text() for path in folder.iterdir())


def test_an_adapter_on_a_hub_base_names_the_repository_and_commit(project):
    hub = {"kind": "hub", "repo": "mill/minilm", "revision": "a" * 40}
    change("params.yaml", "pretrained", "minilm", to=hub)
    config = json.loads((part() / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("mill/minilm", "a" * 40)


def test_equal_inputs_give_equal_bytes(project):
    first = {path.name: path.read_bytes() for path in part().iterdir()}
    assert {path.name: path.read_bytes() for path in part().iterdir()} == first


def test_provenance_holds_hashes_and_settings_and_no_commit_outside_a_repository(project):
    origin = json.loads((whole() / "provenance.json").read_text())
    assert (origin["git_commit"], origin["git_dirty"], origin["dvc_lock_sha256"]) == (None, None, None)
    # sha256sum of "places", of "torch==2.13.0\n" and of "weights of model.safetensors"
    assert origin["data_sha256"] == "a48fcb713243b3d460ca7f05e4e4e5ef1cd4d8ce4981ce20cdd3e98a39d4fd38"
    assert origin["requirements_lock_sha256"] == "ca8985f47f1aec0618a8f6e2b1d69151cfc9a7f513f779d799836452ce9f369c"
    assert origin["base_sha256"] == {
        "model.safetensors": "2255e6bce079fcd3b239023d10feeb6f2da1f8d2c8c7a5865c97c79346e81372"
    }
    assert params.Recipe.model_validate(origin["recipe"]) == params.check(settings()).recipes[FULL]


@pytest.mark.parametrize(
    ("stray", "said"),
    [
        ("training_args.bin", "training_args.bin, left by training"),
        ("optimizer.pt", "optimizer.pt, left by training"),
        ("checkpoint-295", "checkpoint-295, left by training"),
        ("notes.txt", "notes.txt beside them"),
        ("pytorch_model.bin", "pytorch_model.bin beside them"),
        (".env", ".env beside them"),
    ],
)
def test_what_does_not_belong_is_refused_by_name(project, stray, said):
    Path("whole", stray).mkdir() if stray.startswith("checkpoint") else Path("whole", stray).write_text("hf_secret")
    with pytest.raises(Refusal) as refused:
        whole()
    assert refused.value.found == said and "training_args.bin" not in refused.value.expected
    assert not Path("out/full").exists()


def test_a_folder_in_a_files_place_is_refused(project):
    Path("whole/config.json").unlink()
    Path("whole/config.json").mkdir()
    with pytest.raises(Refusal, match=r"config\.json beside them"):
        whole()


@pytest.mark.parametrize("gone", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_model_that_lacks_a_part_is_refused(project, gone):
    Path("whole", gone).unlink()
    with pytest.raises(Refusal, match=f"no {gone}"):
        whole()


def test_below_the_bar_every_metric_is_named_with_its_address(project):
    change("params.yaml", "publish", FULL, "bar", to={"tone_agreement": 0.75, "keyword_recall": 0.9})
    with pytest.raises(Refusal) as refused:
        whole()
    assert refused.value.expected == "tone_agreement of at least 0.75; keyword_recall of at least 0.9"
    assert refused.value.found == "tone_agreement 0.74; keyword_recall 0.61"
    assert f"params.yaml: publish.{FULL}.bar.tone_agreement" in refused.value.where
    assert not Path("out").exists()


def test_at_the_bar_is_enough(project):
    change("params.yaml", "publish", FULL, "bar", to={"tone_agreement": 0.74})
    whole()


def test_a_metric_that_was_not_measured_misses_its_bar(project):
    change(f"reports/evaluate/{FULL}.json", "metrics", "tone_agreement", "value", to=None)
    with pytest.raises(Refusal, match="tone_agreement not measured"):
        whole()


@pytest.mark.parametrize(
    ("path", "keys", "to", "said"),
    [
        ("params.yaml", ("publish", FULL, "bar"), {"bleu": 0.5}, "one of tone_agreement, keyword_recall"),
        ("params.yaml", ("publish", FULL, "license"), "mit", "one of apache-2.0"),
        ("params.yaml", ("publish", FULL, "source"), "films", f"publish.{FULL}.source"),
        ("reports/validate/places.json", ("passed",), False, "a table that validation passed"),
    ],
)
def test_other_reasons_to_refuse(project, path, keys, to, said):
    change(path, *keys, to=to)
    with pytest.raises(Refusal, match=said):
        whole()
    assert not Path("out/full").exists()


def test_a_refusal_leaves_what_was_published_before(project):
    folder = whole()
    before = names(folder)
    Path("whole/training_args.bin").write_text("x")
    with pytest.raises(Refusal):
        whole()
    assert names(folder) == before
