"""Rows of a dataset at a pinned commit, from a Hub on the loopback, by the library as a user has it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from hub.server import TOKEN, Hub

ROOT = Path(__file__).parents[2]
# The Hub's address is read when its library is imported, so a collect of a Hub dataset is a process of its own here.
PROGRAM = """
import json, sys
from stages.params import HubSource
from stages.refusal import Refusal
from stages.sources import hub
try:
    batches = list(hub.read(HubSource(kind="hub", **json.loads(sys.argv[1])), "x"))
    assert all(one.read == one.rows.height + len(one.rejects) for one in batches)
    rejects = [reject for one in batches for reject in one.rejects]
    print(json.dumps([[row for one in batches for row in one.rows.rows()], rejects]))
except Refusal as refusal:
    print(json.dumps([refusal.expected, refusal.found, refusal.where]))
"""


@pytest.fixture
def served():
    """A Hub with one dataset, and the commits of two states of it."""
    hub = Hub()
    repo = hub.create("mill/reviews", kind="dataset")
    commits = []
    for word in ("old", "new"):
        files = {}
        for split, rows in (("train", 3), ("test", 2)):
            out = io.BytesIO()
            texts = [f"{word} {split} {n}" for n in range(rows)]
            pl.DataFrame({"text": texts, "label": range(rows), "tags": [["a"]] * rows}).write_parquet(out)
            files[f"{split}.parquet"] = out.getvalue()
        commits.append(repo.commit(files))
    yield hub, commits
    hub.close()


def collected(hub: Hub, home: Path, **settings) -> list:
    told = {"repo": "mill/reviews", "split": ["train"], "columns": {"text": "text", "rating": "label"}} | settings
    own = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(told)],
        cwd=ROOT, env=os.environ | own, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])


def test_splits_of_a_pinned_commit_come_in_order_whatever_was_pushed_since(served, tmp_path):
    hub, (old, new) = served
    rows, rejects = collected(hub, tmp_path, revision=old, split=["test", "train"])
    assert [row[4] for row in rows] == [f"old {one}" for one in ("test 0", "test 1", "train 0", "train 1", "train 2")]
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4"] and [row[3] for row in rows] == list("01012")
    assert rejects == []
    assert [row[4] for row in collected(hub, tmp_path, revision=new)[0]] == [f"new train {n}" for n in range(3)]


def test_what_the_hub_does_not_give_is_refused_at_its_address(served, tmp_path):
    hub, (old, _) = served
    no_such = collected(hub, tmp_path, revision="0" * 40)
    assert no_such[0] == "mill/reviews at 000000000000, split train" and no_such[2] == "x"
    assert "dev" in collected(hub, tmp_path, revision=old, split=["dev"])[1]
    column = collected(hub, tmp_path, revision=old, columns={"text": "text", "rating": "stars"})
    assert column == ["a column stars", "text, label, tags", "x.columns.rating"]


def test_cells_of_lists_are_set_aside(served, tmp_path):
    hub, (old, _) = served
    rows, rejects = collected(hub, tmp_path, revision=old, columns={"text": "tags", "rating": "label"})
    assert rows == [] and [one[:2] for one in rejects] == [[1, "not_text"], [2, "not_text"], [3, "not_text"]]
