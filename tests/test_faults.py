"""A full disk and a failing write in every stage: a refusal that names it, nothing half made, the same bytes after."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
STAGES = [stage for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"] if stage != "fetch"]
ALONE = ["unshare", "--user", "--map-root-user", "--mount"]  # a file system that goes with the process that mounted it
MAY_FIT = {"validate", "predict"}  # what they write fits into what is left, or into what they free first
GATE = {"validate"}  # removes what an earlier run let through before it looks, so that a refused table leaves none
SPACE = os.strerror(errno.ENOSPC).lower()


def own_disk() -> bool:
    tried = subprocess.run([*ALONE, "sh", "-c", "mount -t tmpfs tmpfs /tmp"], capture_output=True)
    return tried.returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not own_disk(), reason="no file system may be mounted here")
def test_every_stage_refuses_and_then_ends_with_the_same_bytes(tmp_path):
    seed = os.environ.get("REVIEWMILL_SEED", "1")
    print(f"REVIEWMILL_SEED={seed} plays this again")
    script = f'cd {tmp_path} && mount -t tmpfs -o size=64m tmpfs . && cd {tmp_path} && exec "$@"'
    words = [*ALONE, "sh", "-c", script, "sh", sys.executable, str(ROOT / "tests/faults.py"), seed, *STAGES]
    done = subprocess.run(words, capture_output=True, text=True)
    told = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("told ")]
    assert [one["stage"] for one in told if "full" in one] == [one["stage"] for one in told], done.stderr[-3000:]
    assert {one["stage"] for one in told} == set(STAGES), done.stderr[-3000:]
    for one in told:
        stage = one["stage"]
        assert one["undisturbed"] is None and one["again"] is None, one
        assert one["outputs"] or stage == "compare", one
        assert not one["left"] and not one["differs"] and not one["full_changed"], one
        assert not one["failing_changed"] or stage in GATE, one
        assert one["full"] or stage in MAY_FIT, one
        for name, found in (("full", SPACE), ("failing", "input/output error")):
            said = one[name] or f"refused by stages.{stage}\n   found {found}"  # a stage of few writes ends before it
            assert said.startswith(f"refused by stages.{stage}") and found in said, one
