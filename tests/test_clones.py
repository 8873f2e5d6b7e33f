"""Two clean clones of the project, elsewhere, later, with another language, time zone, umask and order: equal bytes."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PARTS = ("stages", "dvc.yaml", "params.yaml", "requirements.lock", "data/reports/accepted", "tests/faults.py")
STAGES = {stage for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"] if stage != "fetch"}


def outputs(folder: Path, seed: str, umask: int, **environment: str) -> dict[str, dict[str, str]]:
    """Stage → path → sha256 of what a clone in `folder` makes of the small sample; its nodes in an order by `seed`."""
    for part in PARTS:
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, folder / part)
    done = subprocess.run(
        [sys.executable, "tests/faults.py", seed], cwd=folder, umask=umask, capture_output=True, text=True,
        encoding="utf-8", errors="replace", env=os.environ | {"PYTHONHASHSEED": "0"} | environment,
    )  # fmt: skip
    told = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("told ")]
    assert done.returncode == 0 and not [one for one in told if one["undisturbed"]], done.stderr[-3000:]
    return {one["stage"]: one["digests"] for one in told}


@pytest.mark.slow
def test_two_clones_make_the_same_bytes(tmp_path):
    seed = os.environ.get("REVIEWMILL_SEED") or str(random.SystemRandom().randrange(10**9))
    print(f"REVIEWMILL_SEED={seed} plays this again")
    here = outputs(tmp_path / "one", seed, 0o022, LANG="C.UTF-8", LC_ALL="C.UTF-8", TZ="UTC")
    there = outputs(
        tmp_path / "another, with a space" / "два", f"{seed}1", 0o077,
        LANG="ru_RU.UTF-8", LC_ALL="POSIX", TZ="Asia/Kathmandu", COLUMNS="40", HOME=str(tmp_path),
    )  # fmt: skip
    assert here.keys() == there.keys() == STAGES
    assert sum(map(len, here.values())) > 40
    assert {stage: here[stage] for stage in here if here[stage] != there[stage]} == {}
