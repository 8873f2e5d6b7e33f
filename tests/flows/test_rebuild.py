"""flows.rebuild and flows.history over a small mill with a git history: the same again, or which way it is not."""

import base64
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from flows import audits, git, history, manifest, past, rebuild, rebuilding, receipts, replica, revisions

ROOT = Path(__file__).parents[2]
CODE = "mill_stages.py"
COMMAND = f"python {CODE}"
TRAINED = ["data/reports/train/${key}.json", "data/reports/seconds/${key}.json"]
STAGES = {
    "collect": {
        "cmd": f"{COMMAND} collect data/raw.csv data/reports/collect.json", "deps": [CODE],
        "outs": [{"data/raw.csv": {"persist": True}}, {"data/reports/collect.json": {"cache": False}}],
    },
    "clean": {"cmd": f"{COMMAND} clean data/raw.csv data/clean.csv", "deps": [CODE, "data/raw.csv"],
              "params": ["broken"], "outs": ["data/clean.csv"]},
    "train": {
        "foreach": "${recipes}",
        "do": {
            "cmd": f"{COMMAND} train ${{key}} data/clean.csv data/models/${{key}} {' '.join(TRAINED)}",
            "deps": [CODE, "data/clean.csv", "requirements.lock"], "params": ["noise", "recipes.${key}"],
            "outs": ["data/models/${key}", {TRAINED[1]: {"cache": False, "labels": ["measured"]}}],
            "metrics": [{TRAINED[0]: {"cache": False}}],
        },
    },
    "evaluate": {
        "foreach": "${recipes}",
        "do": {
            "cmd": f"{COMMAND} evaluate data/models/${{key}} data/reports/evaluate/${{key}}.json",
            "deps": [CODE, "data/models/${key}"], "metrics": [{"data/reports/evaluate/${key}.json": {"cache": False}}],
        },
    },
}  # fmt: skip
PARAMS = {"noise": False, "broken": False, "recipes": {"tone": {"scale": 2}, "stars": {"scale": 3}}}
OUTPUTS = {"data/clean.csv": "clean"} | {
    path: f"{stage}@{name}" for name in ("tone", "stars")
    for stage, path in (("train", f"data/models/{name}"), ("train", f"data/reports/train/{name}.json"),
                        ("train", f"data/reports/seconds/{name}.json"),
                        ("evaluate", f"data/reports/evaluate/{name}.json"))
}  # fmt: skip


def sh(root: Path, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def commit(root: Path, message: str) -> str:
    sh(root, "git", "add", "-A")
    sh(root, "git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-qm", message)
    return sh(root, "git", "rev-parse", "HEAD")


def settle(root: Path, patch: pytest.MonkeyPatch) -> None:
    """Go there, with an environment of its own."""
    patch.chdir(root)
    patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for name, value in {
        "WORLD": root.parent / "world.csv", "DVC_SITE_CACHE_DIR": root.parent / "site", "HOME": root.parent,
        "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
    }.items():  # fmt: skip
        patch.setenv(name, str(value))


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> Path:
    """Two commits: the first without a manifest, then another world, other settings, and a manifest."""
    root = tmp_path_factory.mktemp("grown") / "project"
    root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        settle(root, patch)
        (root.parent / "world.csv").write_text("good place\nbad place\ngood place\n")
        (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}, sort_keys=False))
        (root / "params.yaml").write_text(yaml.safe_dump(PARAMS, sort_keys=False))
        shutil.copy(Path(__file__).with_name(CODE), root / CODE)
        shutil.copy(ROOT / "requirements.lock", root)
        (root / ".gitignore").write_text("/data/*\n!/data/reports/\n__pycache__/\n/.rebuild/\n")
        (root / ".dvcignore").write_text("__pycache__\n.rebuild\n")
        sh(root, "git", "init", "-q", "-b", "main")
        sh(root, "dvc", "init", "-q")
        sh(root, "dvc", "config", "core.analytics", "false")
        sh(root, "dvc", "repro", "-q")
        commit(root, "First")
        sh(root, "git", "tag", "v1")
        (root.parent / "world.csv").write_text("good place\nbad place\nan odd place\n")
        (root / "params.yaml").write_text(
            yaml.safe_dump(PARAMS | {"recipes": {"tone": {"scale": 5}, "stars": {"scale": 3}}})
        )
        sh(root, "dvc", "repro", "-q", "--force")
        assert manifest.update() == []
        commit(root, "Second")
        sh(root, "git", "tag", "v2")
    return root


@pytest.fixture
def project(grown, tmp_path, monkeypatch) -> Path:
    """A copy of it, gone to."""
    root = tmp_path / "project"
    shutil.copytree(grown, root, symlinks=True)
    shutil.copy(grown.parent / "world.csv", tmp_path)
    settle(root, monkeypatch)
    monkeypatch.setattr(replica, "packages", lambda python, stop: {})  # it loads torch, which one test is enough for
    return root


def tree(root: Path) -> dict[str, str]:
    """Every file of the project but git's, DVC's temporary ones, the scratch folder and the history of audits."""
    left_out = (".git", ".dvc/tmp", ".rebuild", str(audits.FOLDER))
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
            if not name.startswith(left_out) and "__pycache__" not in name}  # fmt: skip


def verdicts(told: dict) -> dict[str, str]:
    return {one["path"]: one["verdict"] for one in told["outputs"]}


def change(root: Path, **settings) -> None:
    (root / "params.yaml").write_text(yaml.safe_dump(yaml.safe_load((root / "params.yaml").read_text()) | settings))


def why(told: dict, path: str) -> str:
    return next(one["why"] for one in told["outputs"] if one["path"] == path)


packages = replica.packages


def quiet(_line: str) -> None:
    pass


def test_both_commits_come_out_the_same_and_the_workspace_stays_as_it_was(project, monkeypatch):
    monkeypatch.setattr(replica, "packages", packages)
    before, told = tree(project), rebuilding.rebuild("v2", emit=quiet)
    assert told["status"] == 0 and told["verdict"] == "identical", rebuild.table(told)
    assert told["env"] == "own, as installed here", "gigabytes, where the demo's packages beside it are held against it"
    assert {one["path"]: one["node"] for one in told["outputs"]} == OUTPUTS
    assert {one["by"] for one in told["outputs"]} == {"sha256"} and told["notes"] == []
    assert told["capability"] and told["torch"].startswith("2.") and told["capability"] in rebuild.table(told)
    found = verdicts(told)
    assert {path for path in found if found[path] == "measured"} == {
        *(f"data/reports/{kind}/{name}.json" for kind in ("seconds", "train") for name in ("tone", "stars")),
    }  # fmt: skip
    assert why(told, "data/reports/train/tone.json").startswith("only train_seconds: ")
    assert all(found[path] == "identical" for path in found if "seconds" not in path and "/train/" not in path)

    # The first is older than the manifest, and its world is no longer there to be collected.
    first = rebuilding.rebuild("v1", emit=quiet)
    assert first["status"] == 0 and {one["by"] for one in first["outputs"]} == {"md5"}
    assert first["notes"] == ["no manifest.json in that commit: compared by the md5 of its dvc.lock"]
    assert tree(project) == before and git.git("worktree", "list").count("\n") == 0
    assert [one.name for one in (project / ".rebuild").iterdir()] == []

    lines = audits.read()
    assert [(one["rev"], one["verdict"], one["counts"]["others"]) for one in lines] == [
        ("v2", "identical", 0), ("v1", "identical", 0),
    ]  # fmt: skip
    page = audits.PAGE.read_text()
    assert page.count("<tr>") == 3 and page.index("v1") < page.index("v2") and "<script" not in page


def test_one_recipe_and_the_data_from_the_cache(project):
    told = rebuilding.rebuild("v2", "tone", source="cache", emit=quiet)
    assert told["status"] == 0
    assert set(verdicts(told)) == {path for path, node in OUTPUTS.items() if node.endswith("@tone")}
    with pytest.raises(revisions.Unknown, match=r"no recipe 'tune' in \w{12}; there are stars, tone"):
        rebuilding.rebuild("v2", "tune", emit=quiet)


def test_a_nondeterministic_stage_is_named_with_its_tensor_and_what_follows_is_still_judged(project):
    change(project, noise=True)
    sh(project, "dvc", "repro", "-q")
    manifest.update()
    commit(project, "Noise")
    told = rebuilding.rebuild("HEAD", emit=quiet)
    assert told["status"] == 1 and told["verdict"] == "differs"
    found = verdicts(told)
    assert {path for path in found if found[path] == "differs"} == {"data/models/tone", "data/models/stars"}
    assert "model.safetensors: tensor last.weight differs by up to " in why(told, "data/models/tone")
    assert "in 1 of 4 values; 1 of 2 tensors differ" in why(told, "data/models/tone")
    assert found["data/reports/evaluate/tone.json"] == "identical"
    assert "data/models/tone" in rebuild.table(told).splitlines()[2] and audits.read()[-1]["verdict"] == "differs"


def test_an_altered_raw_snapshot_is_not_built_from(project):
    raw = past.at("v2").outs["data/raw.csv"][1]["md5"]
    kept = project / f".dvc/cache/files/md5/{raw[:2]}/{raw[2:]}"
    kept.chmod(0o644)
    kept.write_bytes(kept.read_bytes().replace(b"odd", b"old"))
    told = rebuilding.rebuild("v2", emit=quiet)
    assert told["status"] == 3 and told["verdict"] == "inputs missing" and told["outputs"] == []
    assert "data/raw.csv of collect (md5 " in told["why"] and "altered, its bytes have md5" in told["why"]


def test_a_missing_raw_snapshot_is_named_with_its_node_and_the_remote_asked_and_comes_from_there(project, tmp_path):
    sh(project, "dvc", "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    raw = past.at("v1").outs["data/raw.csv"][1]["md5"]
    (project / f".dvc/cache/files/md5/{raw[:2]}/{raw[2:]}").unlink()
    told = rebuilding.rebuild("v1", emit=quiet)
    assert told["status"] == 3 and f"data/raw.csv of collect (md5 {raw}): not in the cache " in told["why"]
    assert "not on the remote store" in told["why"]
    assert rebuilding.rebuild("v2", emit=quiet)["status"] == 0

    (tmp_path / f"store/files/md5/{raw[:2]}").mkdir(parents=True)
    (tmp_path / f"store/files/md5/{raw[:2]}/{raw[2:]}").write_text("good place\nbad place\ngood place\n")
    before = tree(project)
    assert rebuilding.rebuild("v1", emit=quiet)["status"] == 0
    assert tree(project) == before  # what the remote sent went into the replica's cache


def test_a_lost_snapshot_is_made_again_only_where_that_is_asked_for_and_gives_its_very_bytes(project):
    raw = past.at("v2").outs["data/raw.csv"][1]["md5"]
    (project / f".dvc/cache/files/md5/{raw[:2]}/{raw[2:]}").unlink()
    assert rebuilding.rebuild("v2", "tone", emit=quiet)["verdict"] == "inputs missing"
    told = rebuilding.rebuild("v2", "tone", collect=True, emit=quiet)
    assert told["status"] == 0
    assert told["notes"] == ["lost, and made again to the byte by their own nodes: data/raw.csv"]
    (project.parent / "world.csv").write_text("another world\n")
    told = rebuilding.rebuild("v2", "tone", collect=True, emit=quiet)
    assert told["status"] == 3 and "made again: altered, its bytes have md5" in told["why"]


def test_a_lock_of_other_code_is_called_stale(project):
    (project / CODE).write_text((project / CODE).read_text().replace("sorted(set(", "sorted(list("))
    commit(project, "Code without a run")
    (project / "params.yaml").write_text(
        yaml.safe_dump(PARAMS | {"recipes": PARAMS["recipes"] | {"new": {"scale": 1}}})
    )
    commit(project, "A recipe without a run")
    told = rebuilding.rebuild("HEAD", emit=quiet)
    assert "in its dvc.yaml and never run in that commit: train@new, evaluate@new" in told["notes"]
    said = "dvc.lock is of other mill_stages.py, params.yaml: recipes.tone"
    assert f"train@tone was stale in that commit, {said}" in told["notes"]
    assert "clean was stale in that commit, dvc.lock is of other mill_stages.py" in told["notes"]


def test_a_failed_node_says_why_and_what_was_not_tried(project):
    change(project, broken=True)
    commit(project, "A setting that no run has seen")
    told = rebuilding.rebuild("HEAD", "tone", emit=quiet)
    found = verdicts(told)
    assert told["status"] == 1 and told["verdict"] == "failed" and "found a broken one" in told["why"]
    assert found["data/clean.csv"] == "failed" and found["data/models/tone"] == "untried"
    assert why(told, "data/reports/evaluate/tone.json") == "clean failed"


def wheel(folder: Path) -> None:
    """A package `borrowed` that lends the packages of this interpreter to whatever environment it is installed in."""
    folder.mkdir()
    sites = [path for path in sys.path if path.endswith("site-packages")]
    files = {  # to all but pip, which would hold the two sets of packages against each other
        "borrowed.pth": f"import sys; sys.path += [] if 'pip' in sys.orig_argv else {sites!r}\n",
        "borrowed-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: borrowed\nVersion: 1.0\n",
        "borrowed-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
             f"{len(text)}" for name, text in files.items()]  # fmt: skip
    files["borrowed-1.0.dist-info/RECORD"] = "\n".join([*lines, "borrowed-1.0.dist-info/RECORD,,"]) + "\n"
    with zipfile.ZipFile(folder / "borrowed-1.0-py3-none-any.whl", "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)


def test_a_commit_runs_with_its_own_packages_made_once_or_says_that_they_cannot_be_had(project, tmp_path, monkeypatch):
    wheel(tmp_path / "wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    (project / "requirements.lock").write_text("borrowed==1.0\n")
    sh(project, "dvc", "repro", "-q")
    commit(project, "Other packages")
    said = []
    told = rebuilding.rebuild("HEAD", "tone", emit=said.append, keep=True)
    assert told["status"] == 0 and told["env"] == "own", rebuild.table(told)
    (home,) = (path for path in (project / ".rebuild/envs").iterdir() if path.is_dir())
    assert home.name == hashlib.sha256(b"borrowed==1.0\n").hexdigest()[:12]
    (kept,) = (path for path in (project / ".rebuild").glob("*-*") if path.is_dir())
    assert json.loads((kept / "data/reports/seconds/tone.json").read_text())["python"] == str(home)
    assert any("installing" in line for line in said)
    said.clear()
    assert rebuilding.rebuild("HEAD", "tone", emit=said.append)["status"] == 0
    assert not any("installing" in line for line in said) and kept.is_dir()

    (project / "requirements.lock").write_text(f"borrowed==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    sh(project, "dvc", "repro", "-q")
    commit(project, "Packages that are not what they were")
    told = rebuilding.rebuild("HEAD", "tone", emit=quiet)
    assert told["verdict"] == "not installable" and "HASHES" in told["why"] and "borrowed==1.0" in told["why"]

    (project / "requirements.lock").write_text("borrowed==1.1\n")
    sh(project, "dvc", "repro", "-q")
    commit(project, "Packages that nobody has")
    told = rebuilding.rebuild("HEAD", emit=quiet)
    assert told["status"] == 4 and told["verdict"] == "not installable" and "borrowed==1.1" in told["why"]
    told = rebuilding.rebuild("HEAD", "tone", env="current", emit=quiet)
    assert told["status"] == 0 and told["env"].startswith("current, ") and " differ: " in told["env"]


def test_the_command_line_prints_json_or_a_table_and_its_status_is_the_verdict(project):
    words = [sys.executable, "-m", "flows.rebuild"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([*words, "v2", "--recipe", "tone", "--json"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"] == {"identical": 3, "measured": 2, "others": 0}
    done = subprocess.run([*words, "v9"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "no commit, tag or branch 'v9' here" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stopped_rebuild_leaves_nothing_and_a_killed_one_is_cleared_away_by_the_next(project, until, gone):
    head = "def clean(raw: str, table: str) -> None:\n"
    never = "    Path(os.environ['MARK']).write_text(str(os.getpid())); time.sleep(600)\n"
    (project / CODE).write_text((project / CODE).read_text().replace(head, head + never))
    commit(project, "A stage that never ends")
    mark = project.parent / "mark"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MARK": str(mark)}

    def start() -> subprocess.Popen:
        mark.unlink(missing_ok=True)
        words = [sys.executable, "-m", "flows.rebuild", "HEAD", "--recipe", "tone"]
        started = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: mark.is_file() and mark.read_text())
        return started

    first = start()
    stage = int(mark.read_text())
    first.send_signal(signal.SIGTERM)
    assert first.wait(120) == 128 + signal.SIGTERM and gone(stage)
    assert not list((project / ".rebuild").glob("*-*")) and git.git("worktree", "list").count("\n") == 0
    assert audits.read() == []

    second = start()
    stage = int(mark.read_text())
    os.kill(second.pid, signal.SIGKILL)
    second.wait(60)
    os.killpg(os.getpgid(stage), signal.SIGKILL)
    assert [path for path in (project / ".rebuild").glob("*-*") if path.is_dir()]
    replica.sweep((project / ".rebuild").resolve())
    assert not list((project / ".rebuild").glob("*-*")) and git.git("worktree", "list").count("\n") == 0


def test_the_audit_draws_by_its_seed_among_the_commits_with_a_model(project, server):
    assert rebuild.models() == git.git("log", "--reverse", "--format=%H").split()
    code = "from flows import rebuild; s = rebuild.audit(seed=7, return_state=True); print(s.name, s.message)"
    environment = server | os.environ | {"PYTHONPATH": str(ROOT), "PREFECT_API_URL": server["PREFECT_API_URL"],
                                         "PREFECT_HOME": server["PREFECT_HOME"]}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=600)
    drawn = random.Random(7).choice(rebuild.models())
    assert done.stdout.strip() == f"Completed seed 7, {drawn[:12]}: identical", done.stdout + done.stderr
    assert f"seed 7 draws {drawn[:12]} of 2 commits" in done.stderr


def test_every_past_model_has_its_line_with_the_last_verdict_on_it(project, capsys):
    told = {(one["recipe"], one["commit"]): one for one in history.models()}
    first, second = git.git("rev-parse", "v1"), git.git("rev-parse", "v2")
    assert set(told) == {("tone", first), ("stars", first), ("tone", second), ("stars", second)}
    lock = hashlib.sha256((project / "requirements.lock").read_bytes()).hexdigest()[:12]
    assert {one["packages"] for one in told.values()} == {lock}
    assert {one["metric"] for one in told.values()} == {f"size {len(json.dumps({'scale': 5})):.3f}"}
    assert {one["last rebuilt"] for one in told.values()} == {"never"}
    audits.add({
        "at": "2026-11-22 06:00", "commit": second, "date": "2026-11-22", "rev": "v2", "recipe": "tone", "why": "",
        "source": "raw", "env": "own", "verdict": "differs", "seconds": 1.0,
        "counts": {"identical": 1, "measured": 0, "others": 1},
    })  # fmt: skip
    history.main([])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["commit", "date", "recipe"] and len(lines) == 5
    assert [line.endswith("2026-11-22 06:00 differs") for line in lines[1:]] == [
        line.startswith(second[:12]) and " tone " in line for line in lines[1:]
    ]  # fmt: skip


def test_the_trace_leads_from_a_model_to_the_raw_rows_by_hashes_and_says_where_a_node_is_stale(project):
    entries = manifest.read()
    lines = list(history.trace("tone", "v2"))
    assert [line.split()[0] for line in lines[:3]] == ["data/models/tone", "data/clean.csv", "data/raw.csv"]
    assert [len(line) - len(line.lstrip()) for line in lines] == [0, 2, 4, 6]
    assert all(entries[path]["sha256"][:16] in line for path, line in
               zip(("data/models/tone", "data/clean.csv", "data/raw.csv"), lines, strict=False))  # fmt: skip
    assert lines[3].strip().startswith("brought in by collect")
    older = list(history.trace("data/models/tone", "v1"))
    assert older[0].startswith("no manifest.json entry") and "  md5 " in older[1]
    (project.parent / "world.csv").write_text("yet another world\n")
    sh(project, "dvc", "repro", "-q", "--force", "--single-item", "collect")
    assert any("and" not in line and line.endswith("clean is stale") for line in history.trace("tone"))
    with pytest.raises(history.dvc.NoPipeline, match="recipes: stars, tone"):
        list(history.trace("tune"))


def test_the_data_of_a_model_is_the_enriched_table_that_its_rows_were_drawn_from():
    table = {"path": "data/enriched/a.parquet", "md5": "0123456789abcdef"}
    lock = {
        "enrich@a": {"outs": [table]}, "train@r": {},
        "tokenize@r": {"deps": [{"path": "stages/tokenize.py", "md5": "ff"}, table], "outs": []},
        "publish@r": {"params": {"params.yaml": {"publish.r": {"repo": "mill/r"}}}},
    }  # fmt: skip
    then = past.Past("c0ffee" * 6, lock)
    assert history._data(then, "r") == "0123456789ab" and history._data(then, "s") == "–"
    assert history._published(then, "r", None) == "unknown (for mill/r@git-c0ffeec0ffee)"


def test_a_model_is_published_where_a_receipt_says_that_it_was_read_back(project):
    commit = git.git("rev-parse", "v2")
    receipt = {"repo": "mill/tone", "tag": f"git-{commit[:12]}", "git_commit": commit, "at": "2026-11-22 05:00"}
    receipts.path("tone", receipt["tag"]).parent.mkdir(parents=True)
    receipts.path("tone", receipt["tag"]).write_text(json.dumps(receipt))
    receipts.path("tone", "rollback-0").write_text(
        json.dumps(receipt | {"tag": "rollback-0", "at": "2026-11-23 05:00"})
    )
    told = {(one["recipe"], one["commit"]): one["published"] for one in history.models()}
    assert told["tone", commit] == f"mill/tone@git-{commit[:12]}, mill/tone@rollback-0"
    assert {place for model, place in told.items() if model != ("tone", commit)} == {"–"}


def test_a_published_model_leads_to_its_commit(project, tmp_path):
    from hub.server import TOKEN, Hub

    hub = Hub()
    try:
        told = {"git_commit": git.git("rev-parse", "v1"), "git_dirty": False}
        repo = hub.create("mill/tone", files={"provenance.json": json.dumps(told).encode()})
        repo.tag("git-abc", repo.resolve("main"))
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
        environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "hf"),
                        "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(ROOT)}  # fmt: skip

        def ask(rev: str) -> subprocess.CompletedProcess:
            code = f"from flows import revisions; print(revisions.commit_of({rev!r}))"
            return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)

        done = ask("mill/tone@git-abc")
        assert done.stdout.strip() == told["git_commit"], done.stderr
        assert "the Hub gave no provenance.json of it" in ask("mill/tone@git-none").stderr
        elsewhere = json.dumps({"git_commit": "ab" * 20}).encode()
        oid = repo.commit({"provenance.json": elsewhere})
        assert "which this clone has not" in ask(f"mill/tone@{oid}").stderr
    finally:
        hub.close()
