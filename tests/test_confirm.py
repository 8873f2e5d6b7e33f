"""A release read back from a Hub on the loopback: vouched for only where every byte and the card's answer are right."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hub.project import BASE, FOLDER, ROWS, git, kind, lay_out, probed, push, ran, tag
from hub.server import TOKEN, Hub
from released import FULL, LORA, ROOT
from safetensors.numpy import load_file, save_file

from stages import confirm as stage
from stages import contents, sending
from stages.files import read_json, write_json
from stages.refusal import Refusal


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return lay_out(tmp_path)


def confirm(hub: Hub, name: str = FULL, **changes: str):
    words = [sys.executable, "-m", "stages.confirm", kind(name), name, FOLDER[name], "receipts/one.json"]
    return ran(hub, words, **changes)


def test_a_release_that_is_right_gets_its_receipt_and_leaves_the_tree_clean(project, hub):
    assert push(hub).returncode == 0
    begun = len(hub.requests)
    done = confirm(hub)
    assert done.returncode == 0, done.stderr
    assert "answers as the card says" in done.stdout
    told, repo = read_json("receipts/one.json"), hub.repo("mill/places")
    assert (told["repo"], told["tag"], told["commit"], told["private"]) == (
        "mill/places",
        tag(),
        repo.tags[tag()],
        True,
    )
    assert told["files"] == json.loads(repo.files()["manifest.json"])
    assert told["example"] == read_json("published/full/provenance.json")["example"]
    assert TOKEN not in Path("receipts/one.json").read_text() + done.stdout + done.stderr
    assert git("status", "--porcelain") == ""
    calls = hub.requests[begun:]
    asked = [call for call in calls if tag() in call]
    assert len(asked) > 3, ("the listing, the download and the card's own code ask by the tag", calls)
    assert sum("GET STORAGE" in call for call in calls) == 2, "the weights came twice: to be compared, and to be used"


def test_an_adapter_is_loaded_on_its_base_at_the_revision_that_the_card_names(project, hub):
    base = hub.create(BASE["repo"], files={path.name: path.read_bytes() for path in Path("base").iterdir()})
    base.tag(BASE["revision"], base.resolve("main"))
    base.commit({"config.json": b"{}"}, "what came later must not matter")
    assert push(hub, LORA).returncode == 0
    done = confirm(hub, LORA)
    assert done.returncode == 0 and read_json("receipts/one.json")["example"]["answer"], done.stderr


def test_an_adapter_whose_base_nobody_can_load_is_not_vouched_for(project, hub):
    base = hub.create(BASE["repo"], files={path.name: path.read_bytes() for path in Path("base").iterdir()})
    base.tag(BASE["revision"], base.resolve("main"))
    assert push(hub, LORA).returncode == 0
    base.untag(BASE["revision"])
    done = confirm(hub, LORA)
    assert done.returncode == 1 and "a card whose code runs" in done.stderr and "Traceback" not in done.stderr
    assert not Path("receipts").exists()


def test_a_dataset_is_loaded_by_its_card(project, hub):
    assert push(hub, ROWS).returncode == 0
    done = confirm(hub, ROWS)
    assert done.returncode == 0 and read_json("receipts/one.json")["example"] is None, done.stderr


def test_before_it_is_sent_there_is_nothing_to_vouch_for(project, hub):
    hub.create("mill/places")
    done = confirm(hub)
    assert done.returncode == 1 and f"the tag {tag()}" in done.stderr and not Path("receipts").exists()


@pytest.mark.parametrize(
    ("files", "gone", "said"),
    [
        ({"model.safetensors": b"other weights"}, (), "others of model.safetensors"),
        ({"config.json": b"{}"}, (), "others of config.json"),
        ({"manifest.json": b"{}"}, (), "sha256 and size as they are here"),
        ({"adapter_config.json": b"{}"}, (), "adapter_config.json"),
        ({}, ("generation_config.json",), "generation_config.json"),
    ],
)
def test_a_tag_that_holds_anything_else_is_not_vouched_for(project, hub, files, gone, said):
    assert push(hub).returncode == 0
    repo = hub.repo("mill/places")
    repo.untag(tag())
    repo.tag(tag(), repo.commit(files, "by somebody", gone))
    done = confirm(hub)
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert not Path("receipts").exists()


@pytest.mark.parametrize("lie", [{"git_commit": "f" * 40}, {"git_dirty": True}, {"dvc_lock_sha256": "0" * 64}])
def test_a_release_that_tells_of_another_history_is_not_vouched_for(project, hub, lie):
    """Whole, by its own manifest; only what it says of its making is made up."""
    assert push(hub).returncode == 0
    repo, laid = hub.repo("mill/places"), contents.whole(Path(FOLDER[FULL]))
    told = json.loads(repo.files()["provenance.json"]) | lie
    forged = contents.stamped(laid, told)
    repo.untag(tag())
    files = {path: forged[path].source for path in contents.STAMPED if path in forged}
    repo.tag(tag(), repo.commit(files, "by somebody"))
    done = confirm(hub)
    assert done.returncode == 1 and "a commit that leads to this one" in done.stderr, done.stderr
    assert push(hub).returncode == 1 and not Path("receipts").exists()


def test_a_receipt_tells_the_commit_that_the_release_was_made_at(project, hub):
    assert push(hub).returncode == 0
    made = git("rev-parse", "HEAD")
    git("commit", "-q", "--allow-empty", "-m", "of the code, not of the model")
    assert push(hub).returncode == 0
    done = confirm(hub)
    assert done.returncode == 0 and read_json("receipts/one.json")["git_commit"] == made, done.stderr


def test_a_card_is_followed_for_a_while_only_and_without_this_machines_cache(project, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HF_HUB_CACHE", "/srv/cache")
    Path("card.md").write_text("```python\nimport os\nanswer = os.environ.get('HF_HUB_CACHE')\n```\n")
    assert stage.followed(Path("card.md"), {"answer": "None"}, Path("home"), "x") == {"answer": "None"}
    monkeypatch.setattr(stage, "LONGEST", 0.01)
    with pytest.raises(Refusal, match=r"ends within 0\.01 s"):
        stage.followed(Path("card.md"), None, Path("home"), "x")


def test_a_model_that_answers_otherwise_than_its_card_is_not_vouched_for(project, hub):
    weights = Path("published/full/model.safetensors")
    save_file({name: np.flip(one, 0).copy() for name, one in load_file(weights).items()}, weights, {"format": "pt"})
    write_json("published/full/manifest.json", sending.manifest(weights.parent))
    probed()
    assert push(hub).returncode == 0
    done = confirm(hub)
    assert done.returncode == 1 and "the answer on the card" in done.stderr and not Path("receipts").exists()


def test_a_repository_that_became_public_is_not_vouched_for(project, hub):
    assert push(hub).returncode == 0
    hub.repo("mill/places").private = False
    done = confirm(hub)
    assert done.returncode == 1 and "a private repository" in done.stderr and not Path("receipts").exists()
