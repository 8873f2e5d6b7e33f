"""The GitHub workflow's own scripts, run by bash: what a pull request does to metrics and parameters, told once."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FLOW = yaml.safe_load((ROOT / ".github/workflows/checks.yaml").read_text("utf-8"))
METRIC = "data/reports/headline/sample/tone-full.json"


def script(word: str) -> str:
    """The one script of the job that holds `word`."""
    (found,) = (step["run"] for step in FLOW["jobs"]["differences"]["steps"] if word in step.get("run", ""))
    return found


@pytest.fixture
def bash(tmp_path):
    """Run a script in `project` as GitHub does; what the run's summary says then."""

    def run(text: str, **more: str) -> str:
        (tmp_path / "temp").mkdir(exist_ok=True)
        summary = tmp_path / "summary.md"
        summary.unlink(missing_ok=True)
        path = f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        told = {"PATH": path, "GITHUB_STEP_SUMMARY": str(summary), "RUNNER_TEMP": str(tmp_path / "temp")}
        command = ["bash", "-e", "-c", text]
        done = subprocess.run(
            command, cwd=tmp_path / "project", env=os.environ | told | more, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return summary.read_text("utf-8") if summary.exists() else ""

    return run


def test_pull_requests_from_forks_whose_branches_share_a_name_do_not_cancel_each_other():
    group = FLOW["concurrency"]["group"]
    assert "github.event.pull_request.number || github.ref" in group and "head_ref" not in group


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def base(tmp_path) -> str:
    """The first of two commits of a project with the real graph: the second changes a metric and a parameter."""
    root = tmp_path / "project"
    (root / METRIC).parent.mkdir(parents=True)
    for part in ("dvc.yaml", "params.yaml", ".dvcignore"):
        shutil.copy(ROOT / part, root)
    (root / METRIC).write_text(json.dumps({"metric": "accuracy", "value": 0.5}))
    git(root, "init", "-q")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=root, check=True)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    first = git(root, "rev-parse", "HEAD")
    (root / METRIC).write_text(json.dumps({"metric": "accuracy", "value": 0.75}))
    text = (root / "params.yaml").read_text("utf-8")
    (root / "params.yaml").write_text(re.sub(r"^seed: .*$", "seed: 7", text, flags=re.M), "utf-8")
    git(root, "commit", "-qam", "two")
    return first


def test_the_summary_tells_both_differences(bash, base):
    told = bash(script("metrics diff"), BASE=base)
    assert told.startswith("<!-- reviewmill: differences -->") and base[:12] in told
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in told.splitlines() if line[:1] == "|"]
    assert [METRIC, "value", "0.5", "0.75", "0.25"] in rows
    assert ["params.yaml", "seed", "20261121", "7"] in rows
    nothing = bash(script("metrics diff"), BASE="HEAD")
    assert nothing.count("No difference.") == 2 and "|" not in nothing


def test_one_comment_is_written_then_kept_up_to_date(bash, base, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gh").write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncase "$*" in *--jq*) cat {tmp_path}/comments;; esac\n'
    )
    (tmp_path / "bin/gh").chmod(0o755)
    environment = {"GITHUB_REPOSITORY": "mill/reviewmill", "NUMBER": "7"}
    bash(script("metrics diff"), BASE=base)
    for there in ("", "41\n42\n"):
        (tmp_path / "comments").write_text(there)
        bash(script("gh api"), **environment)
    _, post, _, patch = (tmp_path / "calls").read_text().splitlines()
    assert post == "api --method POST repos/mill/reviewmill/issues/7/comments -F body=@comment.md --silent"
    assert patch == "api --method PATCH repos/mill/reviewmill/issues/comments/41 -F body=@comment.md --silent"
    said = (tmp_path / "project/comment.md").read_text("utf-8")
    assert said == (tmp_path / "temp/differences.md").read_text("utf-8")
    (tmp_path / "temp/differences.md").write_text("line\n" * 400)
    bash(script("gh api"), **environment)
    assert (tmp_path / "project/comment.md").read_text().count("\n") == 302


def test_the_workflow_asks_for_no_more_than_it_needs():
    assert FLOW["permissions"] == {} and FLOW[True].keys() == {"push", "pull_request"}  # YAML reads `on` as true
    assert FLOW["jobs"]["checks"]["permissions"] == {"contents": "read"}
    assert FLOW["jobs"]["differences"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    steps = [step for job in FLOW["jobs"].values() for step in job["steps"]]
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]) for step in steps if "uses" in step)
    assert not [step for step in steps if "${{" in step.get("run", "")]  # nothing of a pull request is pasted in
    assert (ROOT / ".ci/run").exists() and any(step.get("run") == ".ci/run" for step in FLOW["jobs"]["checks"]["steps"])
