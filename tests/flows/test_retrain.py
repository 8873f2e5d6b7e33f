"""flows.retrain on real git and DVC projects with small stages: promoted, refused, skipped, rolled back."""

import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
import yaml
from prefect.logging import disable_run_logger

from flows import champion, dvc, git, pipeline, readiness, record, retrain, workspace

ROOT = Path(__file__).parents[2]
BAR = "tone"
GIVEN = ("WORLD", "DVC_SITE_CACHE_DIR", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "HOME")
CODE = "tone_stages.py"
STAGES = {
    "collect": {
        "foreach": "${sources}",
        "do": {
            "cmd": "python -m tone_stages collect data/raw/${key}.parquet data/reports/collect/${key}.json",
            "deps": [CODE],
            "outs": [
                {"data/raw/${key}.parquet": {"persist": True}}, {"data/reports/collect/${key}.json": {"cache": False}},
            ],
        },
    },
    "enrich": {
        "foreach": "${sources}",
        "do": {
            "cmd": "python -m tone_stages enrich data/raw/${key}.parquet data/enriched/${key}.parquet",
            "deps": [CODE, "data/raw/${key}.parquet"],
            "outs": ["data/enriched/${key}.parquet"],
        },
    },
    "pretrain": {
        "foreach": "${bases}",
        "do": {
            "cmd": "python -m tone_stages pretrain data/enriched/${item.corpus}.parquet data/bases/${key}",
            "deps": [CODE, "data/enriched/${item.corpus}.parquet"],
            "outs": ["data/bases/${key}"],
        },
    },
    "tokenize": {
        "foreach": "${recipes}",
        "do": {
            "cmd": "python -m tone_stages tokenize data/enriched/${item.rows.from}.parquet data/${item.model.base} "
            "data/tokens/${key}",
            "deps": [CODE, "data/enriched/${item.rows.from}.parquet", "data/${item.model.base}"],
            "params": ["recipes.${key}.task", "recipes.${key}.rows", "recipes.${key}.model"],
            "outs": ["data/tokens/${key}"],
        },
    },
    "train": {
        "foreach": "${recipes}",
        "do": {
            "cmd": "python -m tone_stages train data/tokens/${key} data/${item.model.base} data/models/${key} "
            "data/reports/train/${key}.json",
            "deps": [CODE, "data/tokens/${key}", "data/${item.model.base}"],
            "outs": ["data/models/${key}"],
            "metrics": [{"data/reports/train/${key}.json": {"cache": False}}],
        },
    },
    "predict": {
        "foreach": "${recipes}",
        "do": {
            "cmd": "python -m tone_stages predict data/tokens/${key} data/${item.model.base} data/models/${key} "
            "data/answers/${key}.parquet",
            "deps": [CODE, "data/tokens/${key}", "data/${item.model.base}", "data/models/${key}"],
            "params": ["recipes.${key}.predict"],
            "outs": ["data/answers/${key}.parquet"],
        },
    },
    "evaluate": {
        "foreach": "${recipes}",
        "do": {
            "cmd": "python -m tone_stages evaluate data/tokens/${key} data/answers/${key}.parquet "
            "data/scores/${key}.parquet data/reports/evaluate/${key}.json",
            "deps": [CODE, "data/tokens/${key}", "data/answers/${key}.parquet"],
            "outs": ["data/scores/${key}.parquet"],
            "metrics": [{"data/reports/evaluate/${key}.json": {"cache": False}}],
        },
    },
}  # fmt: skip
RULES = {
    "drift": {"fewest": 30, "growth": 0.9, "psi": 0.2, "auc": 0.75, "sample": 2000},
    "margin": 0.1, "tolerance": 0.1, "slice": 10, "branch": "main",
    "author": {"name": "Night", "email": "night@example.org"}, "remote": None, "push": None,
}  # fmt: skip


def settings(**rules) -> dict:
    """The project's own settings with one source, one base and one recipe of these."""
    own = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    base = own["bases"]["films-t5"] | {"corpus": "places", "family": "encoder"}
    recipe = {
        "task": "sentiment_label", "rows": {"from": "places"}, "predict": {"batch": 8},
        "model": {"family": "encoder", "base": "bases/words", "prompt_tokens": 64, "target_tokens": 1},
        "method": {"kind": "full", "epochs": 1, "lr": 1.0e-3, "batch": 8},
    }  # fmt: skip
    return own | {
        "sources": {"places": own["sources"]["places"]}, "bases": {"words": base}, "pretrained": {}, "publish": {},
        "judges": {"places": {"base": "bases/words", "rows": 10}}, "recipes": {BAR: recipe}, "retrain": RULES | rules,
        "datasets": {},
    }  # fmt: skip


def reviews(rows: int, vocabulary: int, seed: int, sure: float = 1.0) -> list[str]:
    """Lines of the world's file: reviews of three words out of a vocabulary of its own and four that say nothing.

    sure: the share of rows whose words fit their rating; of the others they say nothing of it.
    """
    draw = random.Random(seed)
    lines = []
    for at in range(rows):
        rating = draw.choice([1, 2, 4, 5])
        kind = ("good" if rating > 3 else "bad") if draw.random() < sure else draw.choice(["good", "bad"])
        words = [f"{kind}{vocabulary}x{draw.randrange(8)}" for _ in range(3)]
        words += [f"filler{draw.randrange(12)}" for _ in range(4)]
        split = ("train", "train", "test")[at % 3]
        name = f"{vocabulary}-{seed}-{at}"
        lines.append(f"{name},{name},,{rating},{' '.join(words)},{split},,")
    return lines


HEAD = "id,group,rubrics,rating,text,split,question,guide"


def world(root: Path, *batches: list[str]) -> None:
    lines = [HEAD, *(line for batch in batches for line in batch)]
    (root.parent / "world.csv").write_text("\n".join(lines) + "\n")


FIRST, OTHER = reviews(300, 0, 1), reviews(300, 1, 2)
NOISE, MORE = reviews(300, 2, 3, sure=0.0), [*reviews(30, 0, 4), *reviews(30, 1, 5)]


def sh(root: Path, *words: str, **env: str) -> str:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "WORLD": str(root.parent / "world.csv"),
        "DVC_SITE_CACHE_DIR": str(root.parent / "site"),
        "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "DVC_NO_ANALYTICS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONHASHSEED": "0",
    } | env  # fmt: skip
    done = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Path:
    """A project whose first champion is committed."""
    root = tmp_path_factory.mktemp("first") / "project"
    root.mkdir()
    world(root, FIRST)
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}, sort_keys=False))
    (root / "params.yaml").write_text(yaml.safe_dump(settings(), sort_keys=False, allow_unicode=True), "utf-8")
    shutil.copy(Path(__file__).with_name(CODE), root / CODE)
    (root / ".gitignore").write_text("/data/*\n!/data/reports/\n__pycache__/\n")
    (root / ".dvcignore").write_text("__pycache__\n")
    sh(root, "git", "init", "-q", "-b", "main")
    sh(root, "dvc", "init", "-q")
    sh(root, "dvc", "config", "core.analytics", "false")
    sh(root, "dvc", "repro", "-q")
    sh(root, "git", "add", "-A")
    sh(root, "git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-qm", "First champion")
    return root


@pytest.fixture
def project(first, tmp_path, monkeypatch) -> Path:
    """A copy of it, gone to, with an environment that knows no git identity."""
    root = tmp_path / "project"
    shutil.copytree(first, root, symlinks=True)
    shutil.copy(first.parent / "world.csv", tmp_path / "world.csv")
    monkeypatch.chdir(root)
    for name, value in {
        "WORLD": tmp_path / "world.csv", "DVC_SITE_CACHE_DIR": tmp_path / "site", "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null", "DVC_NO_ANALYTICS": "1", "HOME": tmp_path,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    return root


def run(server: dict, *words: str, **env: str) -> tuple[int, str, str]:
    """Exit status, the last line, and the whole output."""
    given = {key: os.environ[key] for key in GIVEN if key in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "flows.retrain", *words], env=server | given | env, capture_output=True, text=True,
        timeout=1800,
    )  # fmt: skip
    output = done.stderr + done.stdout if done.returncode == 0 else done.stdout + done.stderr
    return done.returncode, output.strip().splitlines()[-1] if output.strip() else "", output


def told(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def tree(root: Path) -> dict[str, str]:
    """Every file of the project that is not DVC's or git's own, by its bytes."""
    files = [path for path in root.rglob("*") if path.is_file() and not {".git", ".dvc", "__pycache__"} & {*path.parts}]
    return {str(path.relative_to(root)): told(path) for path in files}


def events(server: dict) -> list[tuple[str, str]]:
    """(name, reason) of the outcomes that the server has heard of, the oldest first."""
    ask = {"filter": {"event": {"prefix": ["reviewmill.retrain."]}}, "limit": 50}
    request = urllib.request.Request(
        f"{server['PREFECT_API_URL']}/events/filter", json.dumps(ask).encode(), {"Content-Type": "application/json"}
    )
    found = json.load(urllib.request.urlopen(request, timeout=30))["events"]
    return [(one["event"], one["payload"]["reason"]) for one in reversed(found)]


def log(form: str) -> list[str]:
    return git.git("log", f"--format={form}").splitlines()


@pytest.mark.slow
def test_the_loop_over_growing_data_promotes_refuses_skips_and_rolls_back(project, server, until):
    heard = len(events(server))
    start, model = git.head(), Path("data/models/tone/weights.json")
    before, lock = tree(project), Path("dvc.lock").read_text()

    world(project, FIRST, OTHER)  # half of the rows speak with words that the champion never read
    code, last, output = run(server, BAR)
    assert code == 0 and last.startswith("tone promoted: better: accuracy +"), output
    assert log("%an <%ae> %s")[0].startswith("Night <night@example.org> Retrain tone: accuracy 0.")
    assert log("%P")[0] == start and git.changed() == [] and git.branch() == "main"
    body = git.git("log", "-1", "--format=%b")
    assert "vocabulary moved, PSI" in body and f"Reviewmill-Former: {start}" in body
    assert "Reviewmill-Retrain: promoted tone" in body
    touched = set(git.git("show", "--name-only", "--format=", "HEAD").splitlines())
    assert touched == {"dvc.lock", *(f"data/reports/{one}/tone.json" for one in ("train", "evaluate")),
                       "data/reports/collect/places.json"}  # fmt: skip
    assert told(model) != before[str(model)]
    promoted, after = git.head(), tree(project)
    assert record.locked("HEAD")["train@tone"] == record.locked()["train@tone"]
    assert sh(project, "dvc", "status") == "Data and pipelines are up to date."

    world(project, FIRST, OTHER, NOISE)  # much is new, and none of it can be learnt
    code, last, output = run(server, BAR)
    assert code == 0 and last.startswith("tone refused: not better by more than 0.1 (retrain.margin)"), output
    assert git.head() == promoted and tree(project) == after and git.changed() == []
    assert sh(project, "dvc", "status") == "Data and pipelines are up to date."

    world(project, FIRST, OTHER, MORE)  # sixty more of both kinds
    code, last, output = run(server, BAR)
    assert code == 0 and last.startswith("tone skipped: 60 new rows beside 600") and "alike" in last, output
    assert git.head() == promoted and tree(project) == after
    assert "Running stage 'train@tone'" not in output and "Running stage 'collect@places'" in output
    ended = until(lambda: len(events(server)) >= heard + 3 and events(server)[heard:])  # some come after the run's end
    assert [name.rpartition(".")[2] for name, _ in ended] == ["promoted", "refused", "skipped"]

    code, last, output = run(server, "--rollback")
    assert code == 0 and last.startswith(f"rolled back {promoted[:10]}"), output
    assert log("%P")[0] == promoted and Path("dvc.lock").read_text() == lock and tree(project) == before
    assert log("%s")[0] == f"Roll back tone to the champion before {promoted[:10]}" and git.changed() == []
    assert sh(project, "dvc", "status") == "Data and pipelines are up to date."
    code, last, output = run(server, "--rollback")
    assert code == 1 and last == "no promotion on main to roll back"

    world(project, FIRST, OTHER)  # the very model that was rolled back is not promoted again
    rolled = git.head()
    code, last, output = run(server, BAR)
    assert code == 0 and f"this very model was rolled back in {rolled[:10]}" in last, output
    assert git.head() == rolled and tree(project) == before


def test_a_stage_that_fails_leaves_the_workspace_as_it_was(project, server):
    before, start = tree(project), git.head()
    world(project, FIRST, OTHER)
    for verb in ("train", "collect"):
        code, _, output = run(server, BAR, BREAK=verb)
        assert code == 1 and "found a power cut" in output and "the champion stays" in output, output
        assert tree(project) == before and git.head() == start and git.changed() == []
    assert sh(project, "dvc", "status") == "Data and pipelines are up to date."


@pytest.mark.slow
@pytest.mark.parametrize("verb", [pytest.param("collect", marks=pytest.mark.soak), "train"])
def test_a_server_that_dies_costs_the_run_and_nothing_else(project, mortal, verb):
    environment, kill = mortal
    before, start = tree(project), git.head()
    world(project, FIRST, OTHER)
    given = {key: os.environ[key] for key in GIVEN if key in os.environ}
    given |= {"HOLD": verb, "PREFECT_CLIENT_MAX_RETRIES": "1"}  # by default it asks a dead server for two minutes
    command = [sys.executable, "-u", "-m", "flows.retrain", BAR]
    with subprocess.Popen(
        command, env=environment | given, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as flow:
        assert any(f"{verb}: at work" in line for line in flow.stdout)
        kill()
        (project.parent / "go").touch()
        output = flow.communicate(timeout=400)[0]
    last = output.splitlines()[-1]
    assert flow.returncode == 1 and "stopped answering; the champion stays and all is as it was" in last, output
    assert tree(project) == before and git.head() == start and git.changed() == []
    assert sh(project, "dvc", "status") == "Data and pipelines are up to date."


def test_a_champion_that_cannot_be_asked_again_is_refused_before_any_work(project, server):
    """Its model lies in the folder alone, where the challenger's would lie; and then nowhere."""
    before, md5 = tree(project), record.md5s(record.locked()["train@tone"]["outs"])["data/models/tone"]
    shutil.rmtree(project / ".dvc/cache/files/md5" / md5[:2])
    assert refusal() == "outputs that are not in DVC's cache would be lost: data/models/tone; `dvc pull` or copy them"
    assert tree(project) == before
    shutil.rmtree(project / "data/models/tone")
    code, last, output = run(server, BAR)
    assert code == 1 and f"md5 {md5} is not in the cache" in last and "Running stage" not in output, output


def change(**rules) -> None:
    """Commit other settings of retrain."""
    Path("params.yaml").write_text(yaml.safe_dump(settings(**rules), sort_keys=False, allow_unicode=True), "utf-8")
    git.git("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-qam", "Other rules")


def refusal(recipe: str = BAR) -> str:
    with pytest.raises(workspace.NotReady) as error:
        readiness.ready(recipe)
    return str(error.value)


def test_a_stage_of_no_graph_that_fails_says_its_last_lines(tmp_path):
    with disable_run_logger(), pytest.raises(retrain.Failure, match=r"no_such_stage failed:\n.*No module named"):
        retrain._asked("stages.no_such_stage", [], tmp_path, threading.Event())


@pytest.mark.parametrize(
    ("failure", "name"), [(dvc.NodeBusy, "Busy"), (dvc.NodeOffline, "Offline"), (dvc.NodeFailed, "Failed")]
)
def test_a_collect_that_can_heal_is_tried_again(monkeypatch, failure, name):
    def fails(*words, **more):
        raise failure("why")

    monkeypatch.setattr(dvc, "reproduce", fails)
    with disable_run_logger():
        state = retrain.collect.fn("collect@places", threading.Event())
    assert state.name == name and pipeline.heals(None, None, state) is (name != "Failed")


def test_the_ready_project_is_ready(project):
    settings, nodes = readiness.ready(BAR)
    assert settings.retrain.branch == "main" and len(nodes) == 7


def test_a_dirty_tree_is_refused_and_nothing_is_touched(project, server):
    (project / "note.txt").write_text("mine")
    (project / "dvc.yaml").write_text((project / "dvc.yaml").read_text() + "# mine\n")
    before = tree(project)
    code, last, output = run(server, BAR)
    assert (code, output.count("\n")) == (1, 1), output
    assert last == ("the working tree is dirty: dvc.yaml, note.txt; commit or `git stash --include-untracked` it")
    assert run(server, "--rollback")[:2] == (1, last)
    assert tree(project) == before


def test_a_detached_head_and_another_branch_are_refused(project):
    git.git("switch", "-q", "--detach")
    assert refusal() == f"HEAD is detached at {git.head()[:10]}: `git switch main`"
    git.git("switch", "-q", "-c", "other")
    assert refusal() == "on branch other, and retrain.branch is main: `git switch main`"


def test_no_identity_is_refused_and_gits_own_will_do(project):
    change(author=None)
    assert refusal() == "no git identity: set retrain.author in params.yaml, or git's user.name and user.email"
    git.git("config", "user.name", "Bea")
    git.git("config", "user.email", "bea@example.org")
    readiness.ready(BAR)


def test_missing_remotes_are_refused_together(project):
    change(remote="store", push="origin")
    told = refusal()
    assert "no DVC remote 'store' (retrain.remote); there are none: `dvc remote add store ADDRESS`" in told
    assert "no git remote 'origin' (retrain.push)" in told and told.startswith("not ready:\n  - ")


def test_a_recipe_without_a_champion_and_an_unknown_one_are_refused(project):
    with pytest.raises(Exception, match="did you mean tone"):
        readiness.ready("tune")
    git.git("rm", "-q", "--cached", "dvc.lock")
    (project / "dvc.lock").unlink()
    git.git("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-qm", "No lock")
    assert "no champion of tone in dvc.lock at HEAD: run `dvc repro evaluate@tone` and commit it" in refusal()


def test_outputs_that_dvc_does_not_know_are_not_overwritten(project):
    (project / "data/models/tone/weights.json").write_text("mine")
    assert refusal().startswith(
        "outputs that dvc.lock does not know of would be lost: data/models/tone; `dvc checkout`"
    )


def test_no_git_around_is_refused(project):
    shutil.rmtree(project / ".git")
    with pytest.raises((workspace.NotReady, retrain.dvc.NoPipeline)):
        readiness.ready(BAR)


def test_a_second_run_at_once_is_refused(project, server):
    with workspace.held("retrain tone"):
        code, last, output = run(server, BAR)
    assert code == 1 and f"another run is at work in {project}: retrain tone, process {os.getpid()}; wait" in last, (
        output
    )


def test_what_a_killed_run_left_is_put_back(project, server):
    before = tree(project)
    workspace.begin(readiness.ready(BAR)[1])
    (project / "dvc.lock").write_text("")
    (project / "data/reports/train/tone.json").unlink()
    shutil.rmtree(project / "data/models/tone")
    code, _, output = run(server, "--dry-run", BAR)
    assert code == 0 and "an earlier run was killed: its changes are put back" in output, output
    assert "nothing was changed" in output and tree(project) == before and not workspace.JOURNAL.exists()


def test_a_file_of_somebody_elses_survives_the_restoring(project):
    nodes = readiness.ready(BAR)[1]
    (project / "data/reports/mine.json").write_text("mine")
    (project / "data/reports/train/tone.json").write_text("half")
    workspace.restore(sorted(nodes), workspace.made(nodes), print)
    assert git.changed() == ["data/reports/mine.json"]


def test_a_remote_is_asked_for_what_the_cache_lacks(project, tmp_path):
    md5 = record.md5s(record.locked()["train@tone"]["outs"])["data/models/tone"]
    sh(project, "dvc", "remote", "add", "store", str(tmp_path / "store"))
    sh(project, "dvc", "push", "-q", "-r", "store")
    shutil.rmtree(project / ".dvc/cache")
    with pytest.raises(record.Unknown, match=f"md5 {md5} is not in the cache .*cache/files/md5$"):
        record.lay(md5, tmp_path / "none")
    record.lay(md5, tmp_path / "model", "store")
    assert told(tmp_path / "model/weights.json") == told(project / "data/models/tone/weights.json")
    with pytest.raises(record.Unknown, match="nor in the remote store"):
        record.lay("0" * 32, tmp_path / "nothing", "store")


def test_the_snapshot_is_the_one_that_the_champion_was_tokenized_from(project):
    nodes, lock = record.nodes(), record.locked("HEAD")
    assert champion.snapshot(BAR, "places", lock, nodes) == told(project / "data/enriched/places.parquet")
    del lock["tokenize@tone"]["deps"]
    with pytest.raises((champion.NoContest, KeyError)):
        champion.snapshot(BAR, "places", lock, nodes)


def real_settings() -> dict:
    """The project's own settings with a growing table of films, and one encoder of a few thousand weights."""
    own = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    films = own["sources"]["films"] | {
        "collect": {
            "kind": "sql", "env": "REVIEWS_DB", "query": "SELECT * FROM reviews", "watermark": "at",
            "columns": {"text": "text", "rating": "rating", "id": "id", "group": "film"}, "bad_share": 1.0,
        }
    }  # fmt: skip
    films["validate"] = films["validate"] | {
        "rows": {"low": 100},
        "rating_divergence": 1.0,
        "rating_share": {5: {"low": 0.1}},
    }
    tiny = {"vocabulary": 600, "width": 32, "layers": 1, "heads": 2, "epochs": 1, "batch": 32, "lr": 1.0e-3}
    recipe = {
        "task": "sentiment_label", "rows": {"from": "films", "limit": {"train": 200}}, "predict": {"batch": 64},
        "model": {"family": "encoder", "base": "bases/bert", "prompt_tokens": 96, "target_tokens": 1,
                  "truncated_share": 1.0},
        "method": {"kind": "full", "epochs": 1, "lr": 1.0e-3, "batch": 16},
    }  # fmt: skip
    return own | {
        "sources": {"films": films}, "bases": {"bert": tiny | {"corpus": "films", "family": "encoder"}},
        "pretrained": {}, "publish": {}, "datasets": {}, "judges": {"films": {"base": "bases/bert", "rows": 200}},
        "recipes": {"label": recipe}, "retrain": RULES | {"drift": {"fewest": 30, "growth": 0.3}},
    }  # fmt: skip


@pytest.mark.soak
def test_the_real_stages_are_retrained_on_a_growing_table(tmp_path, monkeypatch, server):
    """Champion and challenger are encoders of two bases; the champion's is asked again out of DVC's cache."""
    from stages.sources import sample

    root = tmp_path / "project"
    for part in ("stages", "dvc.yaml", ".dvcignore", ".gitignore", "requirements.lock", "data/reports/accepted"):
        (root / part).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, root / part)
    (root / "params.yaml").write_text(yaml.safe_dump(real_settings(), allow_unicode=True), "utf-8")
    monkeypatch.chdir(root)
    database = {"REVIEWS_DB": f"sqlite:///{tmp_path}/reviews.db", "DVC_SITE_CACHE_DIR": str(tmp_path / "site")}
    rows = sample.generate("films", 900, 1).select("id", "group", "rating", "text").rows()
    rows, insert = [(*row, at) for at, row in enumerate(rows)], "INSERT INTO reviews VALUES (?, ?, ?, ?, ?)"
    with sqlite3.connect(tmp_path / "reviews.db") as connection:
        connection.execute("CREATE TABLE reviews (id, film, rating, text, at)")
        connection.executemany(insert, rows[:400])
    sh(root, "git", "init", "-q", "-b", "main")
    sh(root, "dvc", "init", "-q")

    def commit(message: str) -> None:
        sh(root, "git", "add", "-A")
        sh(root, "git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-qm", message)

    commit("The project")  # DVCLive, which follows the training, looks for a commit
    sh(root, "dvc", "repro", "-q", "evaluate@label", **database)
    commit("First champion")
    with sqlite3.connect(tmp_path / "reviews.db") as connection:
        connection.executemany(insert, rows[400:])
    start, before = git.head(), Path("data/models/label/model.safetensors").read_bytes()
    code, last, output = run(server, "label", **database, GIT_CONFIG_GLOBAL="/dev/null")
    assert code == 0 and " test rows" in last and "Traceback" not in output, output
    assert "tokenize label" in output.partition("Task run 'contest")[2], output  # by the champion's own base
    assert git.changed() == []
    promoted = last.startswith("label promoted")
    assert promoted or last.startswith("label refused"), last
    assert (git.head() != start) == promoted
    assert (Path("data/models/label/model.safetensors").read_bytes() != before) == promoted
    assert bool(json.loads(Path("data/reports/collect/films.json").read_text())["kept"]) == promoted
