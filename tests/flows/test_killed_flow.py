"""SIGKILL of a flow while its stages run: the next flow alone brings the bytes of an undisturbed run.

REVIEWMILL_SEED=<what a run printed> plays it again, as far as the machine's own timing allows;
REVIEWMILL_FLOW_KILLS says how many kills the long form takes.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FLOW = [sys.executable, "-u", "-m", "flows.pipeline"]
CODE = """
import hashlib, sys, time
from pathlib import Path
source, target = map(Path, sys.argv[1:])
print("at work", flush=True)
time.sleep(0.5)
target.write_text(hashlib.sha256(source.read_bytes() + target.name.encode()).hexdigest())
"""
EDGES = {"a": "seed", "b": "a", "c": "b", "x": "seed", "y": "x"}


def killed_and_run_again(root: Path, server: dict, kills: int) -> None:
    seed = os.environ.get("REVIEWMILL_SEED") or str(random.SystemRandom().randrange(10**9))
    print(f"REVIEWMILL_SEED={seed} plays this again")
    draw = random.Random(int(seed))
    for number in range(kills):
        (root / "seed").write_text(str(number))
        flow = subprocess.Popen(
            FLOW, env=server, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        with flow:
            assert any(" - at work" in line for line in flow.stdout), "a stage has begun"
            time.sleep(draw.uniform(0, 2))
            assert flow.poll() is None, "it is killed before its end: three nodes in a row take longer"
            os.killpg(flow.pid, signal.SIGKILL)
        again = subprocess.run(FLOW, env=server, text=True, capture_output=True, timeout=300)
        assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
        made = {name: (root / name).read_text() for name in EDGES}
        clean = subprocess.run(
            [sys.executable, "-P", "-m", "dvc", "status"], env=server, text=True, capture_output=True
        )
        assert "up to date" in clean.stdout, clean.stdout + clean.stderr
        subprocess.run([sys.executable, "-P", "-m", "dvc", "-q", "repro", "--force"], env=server, check=True)
        assert made == {name: (root / name).read_text() for name in EDGES}, f"kill {number + 1} of {kills}"


@pytest.fixture
def chains(project) -> Path:
    nodes = {name: {"cmd": f"python work.py {source} {name}", "deps": [source], "outs": [name]}
             for name, source in EDGES.items()}  # fmt: skip
    return project(nodes, **{"work.py": CODE, "seed": "0"})


@pytest.mark.slow
def test_a_few_kills_of_a_flow(chains, server):
    killed_and_run_again(chains, server, 2)


@pytest.mark.soak
def test_many_kills_of_a_flow(chains, server):
    killed_and_run_again(chains, server, int(os.environ.get("REVIEWMILL_FLOW_KILLS", "20")))
