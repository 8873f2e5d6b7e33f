"""Models and reports as small files → the published folder, or the refusal that says why not."""

import hashlib
import json
import pickle
import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from released import FULL, HUB, LLAMA, LORA, PAIR, PART, WHOLE, settings, write_project

from stages import card, params, publish, release, sending
from stages.markup import literal
from stages.refusal import Refusal

WRITTEN = {"README.md", "LICENSE", "provenance.json", "manifest.json"}
WORDS = {
    FULL: ("places.parquet", "base", "whole"), LORA: ("films.parquet", "base", "part"),
    PAIR: ("answers.parquet", "base", "pair"), LLAMA: ("places.parquet", "base", "llama"),
}  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(write_project(tmp_path))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def published(name: str = FULL) -> Path:
    publish.main(name, *WORDS[name], "reports", f"out/{name}")
    return Path("out", name)


def refused(name: str = FULL) -> Refusal:
    with pytest.raises(Refusal) as caught:
        published(name)
    assert not Path("out", name).exists()
    return caught.value


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def change(path: str, *keys: str, to: object) -> None:
    """Set one value of a JSON report or of params.yaml."""
    file = Path(path)
    content = inner = (json.loads if path.endswith(".json") else yaml.safe_load)(file.read_text("utf-8"))
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    text = json.dumps(content) if path.endswith(".json") else yaml.safe_dump(content, sort_keys=False)
    file.write_text(text, "utf-8")


# --- the folder ------------------------------------------------------------------------------------------------------


def test_a_whole_model_is_published_with_its_card_licence_origin_and_manifest(project, capsys):
    folder = published()
    assert names(folder) == {*WHOLE, *WRITTEN}
    assert (folder / "model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()
    assert (folder / "LICENSE").read_text().lstrip().startswith("Apache License")
    assert capsys.readouterr().out.startswith(f"publish {FULL}: 5 model files + 4")


def test_the_manifest_lists_every_other_file_sorted(project):
    folder = published()
    told = json.loads((folder / "manifest.json").read_text())
    assert list(told) == sorted(names(folder) - {"manifest.json"})
    for name, one in told.items():
        whole = (folder / name).read_bytes()
        assert one == {"sha256": hashlib.sha256(whole).hexdigest(), "size": len(whole)}


@pytest.mark.parametrize("name", [FULL, LORA, PAIR, LLAMA])
def test_the_cards_code_gives_the_cards_answer(project, name):
    """Whoever copies it from the card gets what stands there; here with folders in place of repositories."""
    folder = published(name)
    page = (folder / "README.md").read_text("utf-8")
    code = re.search(r"^(`{3,})python\n(.*?)\n\1$", page, re.M | re.S)[2]
    answer = re.search(r" and gave\n\n(`{3,})text\n(.*?)\n\1$", page, re.M | re.S)[2]
    code = code.replace(literal(settings()["publish"][name]["repo"]), literal(str(folder)))
    code = code.replace(literal(HUB["repo"]), "'base'").replace(literal(HUB["revision"]), "None")
    assert publish.ask(code.replace(literal(sending.TAG), "'main'")) == answer
    told = json.loads((folder / "provenance.json").read_text())["example"]
    assert told["answer"] == answer and all(literal(part) in page for part in told["prompt"])


def test_sharded_weights_are_published_and_the_optional_file_may_lack(project):
    from stages.models import seq2seq

    seq2seq.load("whole").save_pretrained("shards", max_shard_size="4KB")
    Path("whole/model.safetensors").unlink()
    Path("whole/generation_config.json").unlink()
    for path in Path("shards").glob("model*"):
        path.rename(Path("whole", path.name))
    shards = {path.name for path in Path("whole").glob("model*")}
    assert len(shards) > 2
    assert names(published()) == {*WHOLE, *shards, *WRITTEN} - {"model.safetensors", "generation_config.json"}


def test_an_adapter_names_its_base_on_the_hub_sorted_and_never_a_path(project):
    Path("part/merged").mkdir()
    Path("part/merged/model.safetensors").write_text("skipped")
    folder = published(LORA)
    assert names(folder) == {*PART, *WRITTEN}
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == (HUB["repo"], HUB["revision"])
    assert config["target_modules"] == ["query", "value"] and list(config) == sorted(config)
    assert "/home/me" in Path("part/adapter_config.json").read_text()
    assert not any(b"/home/me" in path.read_bytes() for path in folder.iterdir())


def test_pefts_own_card_is_refused_and_never_sent(project):
    Path("part/README.md").write_text("base_model: \n")
    assert refused(LORA).found == "README.md beside them"


def test_a_base_that_pretrained_has_on_the_hub_need_not_be_named_twice(project):
    change("params.yaml", "publish", LORA, "base_at", to=None)
    change("params.yaml", "pretrained", "minilm", to={"kind": "hub"} | HUB)
    config = json.loads((published(LORA) / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == (HUB["repo"], HUB["revision"])


def test_a_base_of_this_project_is_pinned_by_the_tag_that_both_will_have(project):
    change("params.yaml", "publish", LORA, "base_at", to={"repo": "mill/places", "revision": "same"})
    folder = published(LORA)
    assert json.loads((folder / "adapter_config.json").read_text())["revision"] == sending.TAG
    assert f'base, revision = "mill/places", "{sending.TAG}"' in (folder / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("at", "found"),
    [(None, "bases/minilm, which is nowhere on the Hub"),
     ({"repo": "mill/minilm"}, "bases/minilm, which is pinned to no commit")],
)  # fmt: skip
def test_an_adapter_whose_base_nobody_else_can_load_is_refused(project, at, found):
    change("params.yaml", "publish", LORA, "base_at", to=at)
    assert refused(LORA).found == found


def test_equal_inputs_give_equal_bytes(project):
    first = {path.name: path.read_bytes() for path in published(LORA).iterdir()}
    assert {path.name: path.read_bytes() for path in published(LORA).iterdir()} == first


def test_provenance_holds_hashes_settings_and_what_has_to_be_probed(project):
    origin = json.loads((published() / "provenance.json").read_text())
    assert origin["data_sha256"] == release.sha256("places.parquet")
    # sha256sum of "torch==2.13.0\n"
    assert origin["requirements_lock_sha256"] == "ca8985f47f1aec0618a8f6e2b1d69151cfc9a7f513f779d799836452ce9f369c"
    assert origin["base_sha256"] == {"model.safetensors": release.sha256("base/model.safetensors")}
    assert params.Recipe.model_validate(origin["recipe"]) == params.check(settings()).recipes[FULL]
    assert origin["probe"] == {"rows": 1000, "span": 25, "common": 5}
    assert json.loads((published(LORA) / "provenance.json").read_text())["probe"] is None


def test_the_card_is_the_one_that_the_hub_reads(project):
    data = ModelCard((published() / "README.md").read_text("utf-8")).data
    assert data.eval_results[0].metric_value == 0.74 and data.datasets == ["mill/rows"]


# --- what may not leave ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stray", "said"),
    [
        ("training_args.bin", "training_args.bin, left by training"),
        ("optimizer.pt", "optimizer.pt, left by training"),
        ("checkpoint-295", "checkpoint-295, left by training"),
        ("notes.txt", "notes.txt beside them"),
        ("pytorch_model.bin", "pytorch_model.bin beside them"),
        ("adapter_model.safetensors", "adapter_model.safetensors beside them"),
        (".env", ".env beside them"),
    ],
)
def test_what_does_not_belong_is_refused_by_name(project, stray, said):
    Path("whole", stray).mkdir() if stray.startswith("checkpoint") else Path("whole", stray).write_text("hf_secret")
    told = refused()
    assert told.found == said and "training_args.bin" not in told.expected


def test_a_folder_in_a_files_place_is_refused(project):
    Path("whole/config.json").unlink()
    Path("whole/config.json").mkdir()
    assert refused().found == "config.json beside them"


@pytest.mark.parametrize("gone", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_model_that_lacks_a_part_is_refused(project, gone):
    Path("whole", gone).unlink()
    assert refused().found == f"no {gone}"


def test_a_pickle_under_the_name_of_weights_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps({"hub_token": "hf_secret"}))
    with pytest.raises(Refusal, match="weights as safetensors"):
        release.spotless([path])


@pytest.mark.parametrize(
    "path", ["/home/me/minilm", "see '/srv/data/x'", "file:///x", "~/models", r"C:\models", "a=/tmp/work"]
)
def test_a_path_of_this_machine_is_refused_wherever_it_stands(project, path):
    from safetensors.numpy import load_file, save_file

    tensors = load_file("whole/model.safetensors")
    save_file(tensors, "whole/model.safetensors", metadata={"format": "pt", "from": path})
    assert "model.safetensors" in refused().found
    save_file(tensors, "whole/model.safetensors", metadata={"format": "pt"})
    change("whole/config.json", "_name_or_path", to={"deep": [path]})
    assert "config.json" in refused().found


@pytest.mark.parametrize("text", ["mill/minilm", "https://example.org/a/b", "and/or", "</s>", "a / b / c", "1/2/3"])
def test_what_only_looks_like_a_path_stays(tmp_path, text):
    (tmp_path / "config.json").write_text(json.dumps({"name": text}))
    release.spotless([tmp_path / "config.json"])


# --- the bars --------------------------------------------------------------------------------------------------------


def test_below_the_bar_every_metric_is_named_with_its_address(project):
    change("params.yaml", "publish", FULL, "bar", to={"tone_agreement": 0.75, "keyword_recall": 0.9})
    told = refused()
    assert told.expected == "tone_agreement of at least 0.75; keyword_recall of at least 0.9"
    assert told.found == "tone_agreement 0.74; keyword_recall 0.61"
    assert f"params.yaml: publish.{FULL}.bar.tone_agreement" in told.where


def test_good_overall_is_not_good_for_each_rating(project):
    change("params.yaml", "publish", FULL, "bar_by_rating", to={"tone_agreement": 0.6})
    told = refused()
    assert (told.expected, told.found) == (
        "tone_agreement of rating 1 of at least 0.6", "tone_agreement of rating 1 0.52"
    )  # fmt: skip
    assert told.where == f"params.yaml: publish.{FULL}.bar_by_rating.tone_agreement"
    change("params.yaml", "publish", FULL, "bar_by_rating", to={"tone_agreement": {1: 0.5, 5: 0.8}})
    published()


def test_a_rating_with_a_bar_and_no_rows_misses_it(project):
    change("params.yaml", "publish", FULL, "bar_by_rating", to={"tone_agreement": {3: 0.1}})
    assert refused().found == "tone_agreement of rating 3 not measured"


def test_ratings_without_a_bar_are_refused(project):
    change("params.yaml", "publish", FULL, "bar_by_rating", to={})
    assert refused().expected == "a bar for the test rows of each rating"
    change(f"reports/evaluate/{FULL}.json", "slices", to={"seen": {}})
    published()


@pytest.mark.parametrize("slices", [{"seen": {}}, {"rating": {}}])
def test_a_bar_by_rating_of_what_has_no_ratings_is_refused(project, slices):
    """One value for all ratings would hold for none of them, and be met."""
    change(f"reports/evaluate/{FULL}.json", "slices", to=slices)
    told = refused()
    assert (told.expected, told.found) == ("metrics by rating", "none in the report")
    assert told.where == f"params.yaml: publish.{FULL}.bar_by_rating"


def test_at_the_bar_is_enough(project):
    change("params.yaml", "publish", FULL, "bar", to={"tone_agreement": 0.74})
    published()


def test_a_metric_that_was_not_measured_misses_its_bar(project):
    change(f"reports/evaluate/{FULL}.json", "metrics", "tone_agreement", "value", to=None)
    assert "tone_agreement not measured" in refused().found


@pytest.mark.parametrize(
    ("path", "keys", "to", "said"),
    [
        ("params.yaml", ("publish", FULL, "bar"), {"bleu": 0.5}, "one of tone_agreement, keyword_recall"),
        ("params.yaml", ("publish", FULL, "bar_by_rating"), {"bleu": 0.5}, "one of tone_agreement, keyword_recall"),
        ("params.yaml", ("publish", FULL, "license"), "mit", "one of apache-2.0"),
        ("params.yaml", ("publish", FULL, "source"), "films", f"publish.{FULL}.source"),
        ("reports/validate/places.json", ("passed",), False, "a table that validation passed"),
    ],
)
def test_other_reasons_to_refuse(project, path, keys, to, said):
    change(path, *keys, to=to)
    assert said in str(refused())


def test_a_refusal_leaves_what_was_published_before(project):
    folder = published()
    before = names(folder)
    Path("whole/training_args.bin").write_text("x")
    with pytest.raises(Refusal):
        published()
    assert names(folder) == before


def test_same_wants_a_release_that_is_there():
    with pytest.raises(Refusal) as caught:
        params.check(settings(**{LORA: {"base_at": {"repo": "mill/nowhere", "revision": "same"}}}))
    assert f"publish.{LORA}.base_at.repo" in caught.value.found


def test_every_release_of_the_project_can_be_told(project):
    """The real params.yaml: each has its example, and its base where an adapter needs one."""
    real = params.load(Path(__file__).parents[1] / "params.yaml")
    assert {"review_generation-places-full", "review_generation-places-lora-angry"} <= set(real.publish)
    for name, wanted in real.publish.items():
        origin = publish.on_hub(wanted, real.pretrained)
        assert real.recipes[name].method.kind == "full" or (origin and origin.revision)
        assert card.PIPELINE[real.recipes[name].model.family] and wanted.bar_by_rating
