"""flows.publish by its command line, on a real git and DVC project and a Hub on the loopback: gate, order, receipts."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hub.project import BASE, FOLDER, ROWS, environment, git, laid_out, lay_out, torn
from hub.server import Hub
from released import FULL, LORA

from flows import dvc, publish, receipts
from stages import params, sending
from stages.files import write_json
from stages.refusal import Refusal

STAGES = {
    "publish": {
        "foreach": {FULL: FOLDER[FULL], LORA: FOLDER[LORA]},
        "do": {
            "cmd": "python -c \"import shutil; shutil.copytree('${item}', 'data/published/${key}')\"",
            "deps": ["${item}"],
            "outs": ["data/published/${key}"],
        },
    },
    "share": {
        "foreach": {ROWS: FOLDER[ROWS]},
        "do": {
            "cmd": "python -c \"import shutil; shutil.copytree('${item}', 'data/shared/${key}')\"",
            "deps": ["${item}"],
            "outs": ["data/shared/${key}"],
        },
    },
}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """The releases under DVC, reproduced and committed, on a branch."""
    root = tmp_path / "project"
    root.mkdir()
    for key, value in {
        "DVC_SITE_CACHE_DIR": str(tmp_path / "site"), "DVC_NO_ANALYTICS": "1",
        "GIT_CEILING_DIRECTORIES": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull,
    }.items():  # fmt: skip
        monkeypatch.setenv(key, value)
    monkeypatch.chdir(root)
    lay_out(root)
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}))
    Path("dvc.lock").unlink()
    Path("data/reports/probe").mkdir(parents=True)
    Path("probe.json").rename(f"data/reports/probe/{FULL}.json")
    Path(".gitignore").write_text("/published/\n/data/*\n!/data/reports/\n")
    subprocess.run([sys.executable, "-P", "-m", "dvc", "init", "-q"], check=True)
    committed("Released")
    return root


def committed(message: str) -> str:
    """Reproduce all, commit; the tag that a release of it gets."""
    done = subprocess.run([sys.executable, "-P", "-m", "dvc", "repro", "-q"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    git("add", "-A")
    git("commit", "-qm", message)
    return f"git-{git('rev-parse', 'HEAD')[:12]}"


def work_on(words: str) -> str:
    """Another card, and the commit that it is made at; its tag."""
    card = Path(FOLDER[FULL], "README.md")
    card.write_text(card.read_text("utf-8") + f"\n{words}\n", "utf-8")
    write_json(card.with_name("manifest.json"), sending.manifest(card.parent))
    return committed(words)


@pytest.fixture
def hub():
    hub = Hub()
    base = hub.create(BASE["repo"], files={path.name: path.read_bytes() for path in (laid_out() / "base").iterdir()})
    base.tag(BASE["revision"], base.resolve("main"))
    yield hub
    hub.close()


COMMAND = [sys.executable, "-m", "flows.publish"]


def run(hub: Hub, server: dict, *words: str, **changes: str) -> tuple[int, str]:
    """Exit status and output."""
    done = subprocess.run([*COMMAND, *words], env=told(hub, server) | changes, capture_output=True, text=True,
                          timeout=900)  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def told(hub: Hub, server: dict) -> dict[str, str]:
    """The environment of a process that talks to both servers."""
    prefect = {key: value for key, value in server.items() if key.startswith("PREFECT_")}
    return environment(hub) | prefect | {"HF_HOME": str(Path.cwd().parent / "hf")}


# --- the whole way ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_dataset_model_and_adapter_are_sent_in_order_read_back_and_no_token_is_left(project, hub, server, tmp_path):
    canary = f"hf_canary{secrets.token_hex(12)}"
    hub.rights[canary] = "write"
    code, plan = run(hub, server, FULL, LORA, "--dry-run", HF_TOKEN=canary)
    assert code == 0 and "it would be made" in plan and plan.count("would send") == 3, plan
    assert hub.store.repos() == [BASE["repo"]] and not hub.store.repos("dataset")

    code, output = run(hub, server, LORA, FULL, HF_TOKEN=canary)
    assert code == 0, output
    tag = f"git-{git('rev-parse', 'HEAD')[:12]}"
    commits = [call.split("/")[4] for call in hub.requests if re.match("POST /api/.*/commit/", call)]
    assert commits[0] == "rows" and sorted(commits[1:]) == ["films", "places"]
    for name, repo in ((ROWS, hub.repo("mill/rows", "dataset")), (FULL, hub.repo("mill/places")),
                       (LORA, hub.repo("mill/films"))):  # fmt: skip
        assert repo.tags == {tag: repo.resolve("main")} and repo.private and not torn(repo)
        assert json.loads(receipts.path(name, tag).read_text())["commit"] == repo.tags[tag]
    assert git("status", "--porcelain") == "" and not hub.strays
    for _ in range(100):  # the flow's log comes to the database a little later
        if stored := holds(Path(server["PREFECT_HOME"]), b"files sent"):
            break
        time.sleep(0.2)
    assert stored, "no log in Prefect's home: a token there would not be found either"
    assert found(canary, hub, server, project, output, plan) == []

    code, output = run(hub, server, FULL, HF_TOKEN=canary)
    assert code == 0 and "nothing sent" in output and "files sent" not in output, output
    assert len(hub.repo("mill/places").log()) == len(hub.repo("mill/rows", "dataset").log()) == 2


def found(canary: str, hub: Hub, server: dict, project: Path, *texts: str) -> list[str]:
    """Where the canary is: in output, in files of the project (logs, params, dvc.lock, receipts, cards, git's own), of
    Prefect's home with its database, of what the client keeps, and in what was published."""
    places = [f"output {at}" for at, text in enumerate(texts) if canary in text]
    for root in (project, Path(server["PREFECT_HOME"]), project.parent / "hf"):
        places += holds(root, canary.encode())
    for kind in ("model", "dataset"):
        for name in hub.store.repos(kind):
            repo = hub.repo(name, kind)
            published = (data for commit, *_ in repo.log() for data in repo.files(commit).values())
            places += [name for data in published if canary.encode() in data]
            places += [name for *_, title in repo.log() if canary in title]
    return places


def holds(root: Path, words: bytes) -> list[str]:
    """The files below a folder that hold these bytes."""
    return [str(path) for path in root.rglob("*") if path.is_file() and words in path.read_bytes()]


@pytest.mark.slow
def test_a_token_that_is_printed_is_found(project, hub, server, tmp_path):
    """The search above finds what it is for: a print in the process that sends reaches Prefect's database."""
    canary = f"hf_canary{secrets.token_hex(12)}"
    hub.rights[canary] = "write"
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "sitecustomize.py").write_text(
        "import os, sys\nif 'stages.push' in sys.orig_argv: print('token', os.environ.get('HF_TOKEN'))\n"
    )
    path = f"{planted}{os.pathsep}{told(hub, server)['PYTHONPATH']}"
    code, output = run(hub, server, FULL, HF_TOKEN=canary, PYTHONPATH=path)
    assert code == 0, output
    for _ in range(100):  # the flow's log comes to the database a little later
        places = found(canary, hub, server, project, output)
        if any("prefect.db" in place for place in places):
            break
        time.sleep(0.2)
    assert "output 0" in places and any("prefect.db" in place for place in places), places


@pytest.mark.slow
def test_a_flow_that_is_killed_at_its_commit_goes_on_and_rolls_back(project, hub, server):
    flow = subprocess.Popen([*COMMAND, FULL], env=told(hub, server), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def kill(call: str) -> None:
        if re.match("POST /api/models/.*/commit/", call):
            flow.send_signal(signal.SIGKILL)
            flow.wait()

    hub.faults.before = kill
    flow.communicate(timeout=600)
    hub.faults.before = lambda call: None
    assert flow.returncode == -signal.SIGKILL
    first = f"git-{git('rev-parse', 'HEAD')[:12]}"
    repo = hub.repo("mill/places")
    code, output = run(hub, server, FULL)
    assert code == 0, output
    assert [title for *_, title in repo.log()] == [f"Publish {first}", "initial commit"]
    second = work_on("a line that is to be taken back")
    assert receipts.path(FULL, first).is_file() and not receipts.path(FULL, second).exists()
    code, output = run(hub, server, FULL)
    assert code == 0 and set(repo.tags) == {first, second}, output
    was = repo.resolve("main")

    code, output = run(hub, server, FULL, "--rollback", first, "--dry-run")
    assert code == 0 and "README.md" in output and repo.resolve("main") == was, output
    code, output = run(hub, server, FULL, "--rollback", first)
    assert code == 0 and repo.tree() == repo.tree(first) and len(repo.log()) == 4, output
    assert receipts.path(FULL, f"rollback-{was[:12]}").is_file()
    assert [one["tag"] for one in receipts.read(FULL)].count(first) == 1
    code, output = run(hub, server, FULL, "--rollback", "git-000000000000")
    assert code == 1 and f"roll back {FULL}" in output and "one of its tags" in output, output


# --- refused before anything begins ----------------------------------------------------------------------------------


def test_what_is_not_committed_current_and_on_a_branch_is_not_sent(project):
    assert [one.node for one in publish.gate([FULL])] == [f"share@{ROWS}", f"publish@{FULL}"]
    assert publish.steps(publish.Release("model", FULL), None)[0][1][:4] == [
        "push", "model", FULL, f"data/published/{FULL}",
    ]  # fmt: skip

    Path("notes.txt").write_text("not committed")
    with pytest.raises(publish.NotReady, match=r"not clean: notes\.txt differ"):
        publish.gate([FULL])
    Path("notes.txt").unlink()

    Path(FOLDER[FULL], "config.json").write_text("{}")  # a dependency, outside git
    with pytest.raises(publish.NotReady, match=rf"not up to date: publish@{FULL}; run `python -m flows.pipeline"):
        publish.gate([FULL])
    assert publish.gate([LORA]), "another recipe's release has nothing to do with it"

    git("checkout", "-q", "--detach")
    git("commit", "-q", "--allow-empty", "-m", "nowhere")
    with pytest.raises(publish.NotReady, match="is on no branch"):
        publish.gate([LORA])


def test_a_release_that_was_changed_by_hand_is_not_sent(project):
    Path(f"data/published/{FULL}/README.md").write_text("by hand")
    with pytest.raises(publish.NotReady, match="not up to date"):
        publish.gate([FULL])


def test_a_recipe_that_is_not_to_be_published_is_refused_by_name(project, capsys):
    with pytest.raises(Refusal, match="publish"):
        publish.gate(["sentiment_text-films-full"])
    with pytest.raises(SystemExit) as left:
        publish.main([FULL.replace("full", "fool"), "--dry-run"])
    assert FULL in str(left.value)


def test_without_a_token_nothing_is_begun(project, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(SystemExit) as left:
        publish.main([FULL])
    assert "export HF_TOKEN" in str(left.value)


@pytest.mark.parametrize("back", [["--rollback", "git-1"], []])
def test_the_token_goes_to_what_speaks_with_the_hub_and_to_nothing_else(monkeypatch, back):
    seen = []

    def gate(recipes, rollback):
        seen.append(("gate", os.environ.get("HF_TOKEN")))
        return [publish.Release("model", FULL, "a" * 40)]

    def run(command, emit, stop, cwd=None, environment=None):
        seen.append((command[2], environment["HF_TOKEN"], os.environ.get("HF_TOKEN")))
        return 0

    monkeypatch.setenv("HF_TOKEN", "hf_x")
    monkeypatch.setattr(publish, "gate", gate)
    monkeypatch.setattr(publish.process, "run", run)
    words = ["push", "model", FULL, "folder", "probe.json", "plan", "a" * 40]
    monkeypatch.setattr(publish, "steps", lambda *_: [("send", words)])
    with pytest.raises(SystemExit) as left:
        publish.main([FULL, "--dry-run", *back])
    assert left.value.code == 0 and seen == [("gate", None), ("stages.push", "hf_x", None)]


def test_each_step_is_told_the_commit_that_the_gate_saw(project):
    (_, send), (_, read) = publish.steps(publish.gate([FULL])[-1], None)
    assert send[-2:] == ["send", git("rev-parse", "HEAD")] and read[-1] == send[-1]


def test_bad_use_ends_with_status_2(capsys):
    with pytest.raises(SystemExit) as left:
        publish.main(["a", "b", "--rollback", "git-0"])
    assert left.value.code == 2 and "takes one RECIPE" in capsys.readouterr().err


def test_a_base_that_is_published_along_goes_before_what_rests_on_it(project):
    raw = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    raw["publish"][LORA]["base_at"] = {"repo": "mill/places", "revision": "same"}
    settings = params.check(raw)
    names = [(one.kind, one.name) for one in publish.ordered([LORA], settings)]
    assert names == [("dataset", ROWS), ("model", FULL), ("model", LORA)]
    assert publish.ordered([FULL, LORA], settings) == publish.ordered([LORA, FULL], settings)


@pytest.mark.slow
def test_a_server_that_dies_while_a_release_is_sent_costs_no_release(project, hub, mortal, server):
    """Prefect's server is gone before the commit is made: the run ends in one line, and the next takes it up."""
    environment, kill = mortal
    hub.faults.before = lambda call: "/commit/" in call and kill()
    code, output = run(hub, environment, FULL, PREFECT_CLIENT_MAX_RETRIES="1")  # by default two minutes and more
    assert code == 1 and "stopped answering; what was sent stays sent" in output.splitlines()[-1], output
    hub.faults.before = lambda call: None
    code, output = run(hub, server, FULL)
    assert code == 0, output
    for repo in (hub.repo("mill/rows", "dataset"), hub.repo("mill/places")):
        assert len(repo.log()) == 2 and len(repo.tags) == 1 and not torn(repo)


def test_importing_the_flow_loads_no_torch():
    heavy = "{'torch', 'transformers', 'huggingface_hub'}"
    words = [sys.executable, "-c", f"import sys; from flows import publish; print({heavy} & set(sys.modules))"]
    done = subprocess.run(words, cwd=Path(dvc.__file__).parents[1], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
