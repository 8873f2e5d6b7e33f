"""The real client against a Hub on the loopback: one commit, one tag, and every reason to send nothing."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hub.project import BASE, git, lay_out, push, ran, roll_back, tag, torn, work_on
from hub.server import READER, TOKEN, Hub
from hub.store import Repo
from released import FULL, LORA, WHOLE

from stages import confirm, contents, sending
from stages import push as stage
from stages.refusal import Refusal

FILES = {*WHOLE, "README.md", "LICENSE", "provenance.json", "manifest.json"}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A committed project whose two recipes are published, in an ignored folder as data/ is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return lay_out(tmp_path)


def with_base(hub: Hub, **changes: bytes) -> Repo:
    """The repository of the adapter's base. changes: files by their name without its ending."""
    files = {path.name: changes.get(path.stem) or path.read_bytes() for path in Path("base").iterdir()}
    base = hub.create(BASE["repo"], files=files)
    base.tag(BASE["revision"], base.resolve("main"))
    return base


def titles(repo) -> list[str]:
    return [title for _, _, title in repo.log()][::-1]


def test_one_private_commit_and_one_tag_then_nothing_more(project, hub):
    done = push(hub)
    assert done.returncode == 0, done.stderr
    head = git("rev-parse", "HEAD")
    repo = hub.repo("mill/places")
    assert repo.private is True
    assert titles(repo) == ["initial commit", f"Publish git-{head[:12]}"]
    oid, files = repo.resolve("main"), repo.files()
    assert repo.tags == {f"git-{head[:12]}": oid}
    assert set(files) == {*FILES, ".gitattributes"} and not torn(repo)
    assert files["model.safetensors"] == Path("published/full/model.safetensors").read_bytes()
    origin = json.loads(files["provenance.json"])
    assert (origin["git_commit"], origin["git_dirty"]) == (head, False) and origin["dvc_lock_sha256"]
    assert TOKEN not in done.stdout + done.stderr
    assert done.stdout == f"push {FULL}: mill/places at {oid[:12]}, 9 files sent, tag git-{head[:12]}\n"

    again = push(hub)
    assert again.returncode == 0 and "nothing sent" in again.stdout
    assert titles(repo) == ["initial commit", f"Publish git-{head[:12]}"]


def test_what_was_pushed_comes_back_by_its_tag(project, hub):
    assert push(hub).returncode == 0
    fetch = f"from huggingface_hub import snapshot_download as s; print(s('mill/places', revision='{tag()}'))"
    done = ran(hub, ["python", "-c", fetch], HF_HUB_DISABLE_XET="1")
    assert done.returncode == 0, done.stderr
    for path in Path("published/full").iterdir():
        if path.name not in contents.STAMPED:
            assert Path(done.stdout.strip(), path.name).read_bytes() == path.read_bytes()


def test_a_later_release_takes_the_earlier_ones_parts_away_and_nothing_else(project, hub):
    extra = {"shards.txt": {"sha256": "", "size": 1}}
    files = {"adapter_config.json": b"{}", "picture.png": b"mine", "shards.txt": b"1"}
    hub.create("mill/places", files=files | {"manifest.json": json.dumps(extra).encode()})
    assert push(hub).returncode == 0
    assert set(hub.repo("mill/places").files()) == {*FILES, ".gitattributes", "picture.png"}


def test_a_lost_tag_is_set_without_a_second_commit(project, hub):
    assert push(hub).returncode == 0
    repo, made = hub.repo("mill/places"), hub.repo("mill/places").resolve("main")
    repo.untag(tag())
    repo.commit({"picture.png": b"mine"}, "a picture")  # main goes on; the release is still the commit before
    assert push(hub).returncode == 0
    assert repo.tags == {tag(): made} and len(titles(repo)) == 3


def test_what_has_not_changed_since_gets_the_new_tag_at_the_old_commit(project, hub):
    assert push(hub).returncode == 0
    first, repo = tag(), hub.repo("mill/places")
    Path("notes.txt").write_text("of the code, not of the model")
    git("add", "-A")
    git("commit", "-qm", "notes")
    done = push(hub)
    assert done.returncode == 0 and "nothing sent" in done.stdout
    assert repo.tags == {first: repo.resolve("main"), tag(): repo.resolve("main")} and len(titles(repo)) == 2
    assert "nothing sent" in push(hub).stdout
    work_on("other weights")
    assert push(hub).returncode == 0
    assert len(set(repo.tags.values())) == 2 and len(titles(repo)) == 3 and not torn(repo)


def test_a_tag_at_another_release_is_never_moved(project, hub):
    repo = hub.create("mill/places", files={"config.json": b"{}"})
    repo.tag(tag(), repo.resolve("main"))
    before = repo.resolve("main")
    done = push(hub)
    assert done.returncode == 1 and "a tag is never moved" in done.stderr and "Traceback" not in done.stderr
    assert repo.tags == {tag(): before} and repo.resolve("main") == before


def test_an_adapter_goes_with_its_own_parts(project, hub):
    with_base(hub)
    assert push(hub, LORA).returncode == 0
    files = hub.repo("mill/films").files()
    assert (
        "adapter_model.safetensors" in files and "model.safetensors" not in files and not torn(hub.repo("mill/films"))
    )


@pytest.mark.parametrize(
    ("lay", "said"),
    [
        (lambda hub: None, "no such repository or revision"),
        (lambda hub: with_base(hub).untag(BASE["revision"]), "no such repository or revision"),
        (lambda hub: with_base(hub, model=b"other weights"), "other weights"),
    ],
)
def test_an_adapter_without_its_very_base_is_not_sent(project, hub, lay, said):
    lay(hub)
    done = push(hub, LORA)
    assert done.returncode == 1 and "the base that the adapter learnt on" in done.stderr and said in done.stderr
    assert not hub.repo("mill/films").tags and titles(hub.repo("mill/films")) == ["initial commit"]


def test_a_card_names_the_tag_that_it_lies_at(project, hub):
    assert push(hub).returncode == 0
    card = hub.repo("mill/places").files(tag())["README.md"].decode()
    assert f'repo, tag = "mill/places", "{tag()}"' in card and sending.TAG not in card
    assert sending.TAG in Path("published/full/README.md").read_text("utf-8")


def test_a_wrong_token_is_told_before_anything_is_made(project, hub):
    done = push(hub, HF_TOKEN="hf_wrong")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "a token that the Hub accepts" in done.stderr and "hf_wrong" not in done.stderr
    assert not hub.store.repos() and not [call for call in hub.requests if not call.startswith("GET ")]


def test_a_token_that_may_only_read_makes_nothing(project, hub):
    done = push(hub, HF_TOKEN=READER)
    assert done.returncode == 1 and "the right to write" in done.stderr and "Traceback" not in done.stderr
    assert not hub.store.repos()


def test_a_public_repository_gets_no_private_release(project, hub):
    repo = hub.create("mill/films", private=False)
    done = push(hub, LORA)
    assert done.returncode == 1 and "a private repository" in done.stderr
    assert titles(repo) == ["initial commit"]


def test_a_repository_that_would_leave_files_out_gets_none(project, hub):
    repo = hub.create("mill/places", files={".gitignore": b"*.json\n"})
    done = push(hub)
    assert done.returncode == 1 and "a repository without .gitignore" in done.stderr
    assert len(titles(repo)) == 2 and not repo.tags


def test_a_commit_that_is_not_whole_gets_no_tag(project, hub, monkeypatch):
    change = Repo.change

    def torn_apart(self: Repo, added: dict, *rest: object) -> str:
        return change(self, {path: data for path, data in added.items() if path != "LICENSE"}, *rest)

    monkeypatch.setattr(Repo, "change", torn_apart)
    done = push(hub)
    assert done.returncode == 1 and "the release whole" in done.stderr and "Traceback" not in done.stderr
    assert not hub.repo("mill/places").tags


def test_a_commit_in_between_is_not_overwritten(project, hub):
    def other(call: str) -> None:
        if "/commit/" in call and not repo.tree().get("other.txt"):
            repo.commit({"other.txt": b"mine"}, "somebody else")

    repo, hub.faults.before = hub.repo("mill/places"), other
    done = push(hub)
    assert done.returncode == 1 and "somebody else committed to it" in done.stderr and "Traceback" not in done.stderr
    assert not repo.tags and titles(repo) == ["initial commit", "somebody else"]


def test_the_client_waits_no_longer_after_it_has_made_another_session(hub):
    """In a process of its own: another test may have imported huggingface_hub before stages.remote could set it."""
    code = (
        "from stages import remote; from huggingface_hub.utils import close_session, get_session\n"
        "remote.Remote('mill/places', 'model', None)\n"
        "for _ in range(2):\n"
        "    print(get_session().timeout.read == remote.PATIENCE)\n"
        "    close_session()"
    )
    done = ran(hub, ["python", "-c", code])
    assert done.stdout.split() == ["True", "True"], done.stderr


def test_a_server_out_of_reach_is_a_refusal(project, hub):
    hub.close()
    code = (
        f"from stages import push, refusal; refusal.run(push.main, ['model', {FULL!r}, 'published/full', 'probe.json'])"
    )
    done = ran(hub, ["python", "-c", f"import time; time.sleep = lambda _: None\n{code}"])
    assert done.returncode == 1 and "the Hub within reach" in done.stderr and "Traceback" not in done.stderr


# --- what would be sent ----------------------------------------------------------------------------------------------


def test_a_plan_says_what_would_be_sent_and_asks_only(project, hub):
    done = push(hub, FULL, "plan")
    assert done.returncode == 0 and "it would be made" in done.stdout, done.stderr
    assert f"tag {tag()}" in done.stdout and "model.safetensors" in done.stdout and not hub.store.repos()
    assert push(hub).returncode == 0
    assert "nothing would be sent" in push(hub, FULL, "plan").stdout
    hub.repo("mill/places").untag(tag())
    assert "only the tag would be set" in push(hub, FULL, "plan").stdout
    work_on("longer weights than before")
    hub.repo("mill/places").commit({"adapter_config.json": b"{}"})
    calls = len(hub.requests)
    lines = [line.split() for line in push(hub, FULL, "plan").stdout.splitlines()]
    how = {line[-1]: line[0] for line in lines if line and line[0] in ("new", "same", "changed", "deleted")}
    changed = {"model.safetensors", "README.md", "provenance.json", "manifest.json"}
    assert how == dict.fromkeys(FILES - changed, "same") | dict.fromkeys(changed, "changed") | {
        "adapter_config.json": "deleted"
    }
    assert not [call for call in hub.requests[calls:] if call.split()[0] not in ("GET", "HEAD")]


def test_a_plan_needs_no_token_where_all_may_look(project, hub):
    settings = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    settings["publish"][FULL]["private"] = False
    Path("params.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    git("commit", "-qam", "for all")
    hub.create("mill/places", private=False)
    done = push(hub, FULL, "plan", HF_TOKEN="")
    assert done.returncode == 0 and "one commit on top of it" in done.stdout, done.stderr


# --- back to an earlier one ------------------------------------------------------------------------------------------


def test_a_rollback_is_one_commit_forward_with_the_old_files_and_sends_nothing_large(project, hub):
    assert push(hub).returncode == 0
    first, repo = tag(), hub.repo("mill/places")
    repo.commit({"picture.png": b"mine"}, "a picture")
    work_on("worse weights")
    assert push(hub).returncode == 0
    second, was = tag(), repo.resolve("main")
    old, puts = repo.files(first), len([call for call in hub.requests if call.startswith("PUT ")])

    plan = roll_back(hub, first, "plan")
    assert plan.returncode == 0 and "model.safetensors" in plan.stdout and repo.resolve("main") == was, plan.stderr
    done = roll_back(hub, first)
    assert done.returncode == 0, done.stderr
    assert repo.files() == old | {"picture.png": b"mine"}
    assert titles(repo)[-1] == f"Roll back to {first} from {was[:12]}"
    name = f"rollback-{was[:12]}"
    assert repo.tags == {first: repo.tags[first], second: was, name: repo.resolve("main")}
    assert len([call for call in hub.requests if call.startswith("PUT ")]) == puts
    receipt = json.loads(Path("receipts", f"{name}.json").read_text())
    assert (receipt["restores"], receipt["commit"]) == (first, repo.resolve("main"))
    assert receipt["files"]["model.safetensors"]["size"] == len(old["model.safetensors"])

    again = roll_back(hub, first)
    assert again.returncode == 0 and titles(repo).count(titles(repo)[-1]) == 1
    repo.untag(name)
    repo.commit({"picture.png": b"another"}, "a picture")
    assert roll_back(hub, first).returncode == 0 and repo.tags[name] != repo.resolve("main"), "found by its content"
    assert f"--rollback {second} brings it back" in push(hub).stdout and repo.tags[second] == was
    assert roll_back(hub, second).returncode == 0
    assert repo.files()["model.safetensors"] == b"worse weights" and not torn(repo)


def test_a_rollback_to_no_release_or_to_the_present_one_is_refused(project, hub):
    assert push(hub).returncode == 0
    unknown = roll_back(hub, "git-000000000000")
    assert unknown.returncode == 1 and f"one of its tags: {tag()}" in unknown.stderr
    present = roll_back(hub, tag())
    assert present.returncode == 1 and "nothing is to be taken back" in present.stderr
    assert len(titles(hub.repo("mill/places"))) == 2


def test_a_rollback_to_a_commit_that_holds_no_release_is_refused(project, hub):
    repo = hub.create("mill/places")
    repo.tag("v1", repo.resolve("main"))
    assert push(hub).returncode == 0
    was = repo.resolve("main")
    for words in ((), ("plan",)):
        done = roll_back(hub, "v1", *words)
        assert done.returncode == 1 and "none at v1" in done.stderr and "Traceback" not in done.stderr
    assert repo.resolve("main") == was and not Path("receipts").exists()


def test_a_rollback_is_planned_without_a_token_and_told_to_the_second(project, hub):
    settings = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    settings["publish"][FULL]["private"] = False
    Path("params.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    git("commit", "-qam", "for all")
    assert push(hub).returncode == 0
    first = tag()
    work_on("worse weights")
    assert push(hub).returncode == 0
    plan = roll_back(hub, first, "plan", HF_TOKEN="")
    assert plan.returncode == 0 and "one commit on top of it" in plan.stdout, plan.stderr
    assert roll_back(hub, first).returncode == 0
    (receipt,) = Path("receipts").glob("*.json")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", json.loads(receipt.read_text())["at"])


# --- refused before anybody is asked ---------------------------------------------------------------------------------


def refused(name: str = FULL, folder: str = "published/full") -> Refusal:
    with pytest.raises(Refusal) as caught:
        stage.main("model", name, folder, "probe.json")
    return caught.value


def test_without_a_token_nothing_is_tried(project, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert refused().where == "environment: HF_TOKEN"


def test_without_a_commit_nothing_is_tried(project):
    for path in sorted(Path(".git").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert refused().expected == "a git repository with a commit"
    git("init", "-q")
    assert refused().expected == "a git repository with a commit"


def test_a_dirty_tree_is_refused(project):
    Path("base/config.json").write_text('{"changed": true}')
    assert refused().expected == "a clean working tree"


def test_another_commit_than_the_one_that_was_looked_at_is_refused(project):
    with pytest.raises(Refusal) as caught:
        stage.main("model", FULL, "published/full", "probe.json", "send", "a" * 40)
    assert caught.value.expected == "the commit that was looked at, aaaaaaaaaaaa"
    with pytest.raises(Refusal, match="the commit that was looked at"):
        confirm.main("model", FULL, "published/full", "receipt.json", "a" * 40)


def test_a_tree_that_git_does_not_tell_of_is_not_clean(project):
    git("config", "status.showUntrackedFiles", "no")
    Path("notes.txt").write_text("not committed")
    assert refused().expected == "a clean working tree"
    Path("notes.txt").unlink()
    Path(".git/index").write_text("broken")
    assert refused().expected == "a clean working tree"


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def test_a_folder_from_other_settings_is_refused(project, token):
    raw = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    raw["recipes"][FULL]["method"]["epochs"] = 7
    Path("params.yaml").write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    git("commit", "-qam", "seven epochs")
    assert "published from other settings" in refused().found


@pytest.mark.parametrize("stray", [".env", "training_args.bin", "adapter_model.safetensors"])
def test_a_stray_file_is_never_sent(project, token, stray):
    Path("published/full", stray).write_text("hf_secret")
    assert stray in refused().found


def test_a_folder_that_is_not_what_its_manifest_names_is_refused(project, token):
    Path("published/full/config.json").write_text('{"other": 1}')
    assert refused().found == "other bytes in config.json"


def test_a_generator_that_was_not_probed_is_refused(project, token):
    Path("probe.json").unlink()
    assert "generated texts" in refused().expected


def test_a_folder_without_its_card_is_refused(project, token):
    Path("published/full/README.md").unlink()
    assert refused().found == "no README.md"
