"""What goes wrong around a run of flows.pipeline: each has one clear message, and nothing that was made is lost.

No server, an unknown target and a missing project stand in test_pipeline.py; a dirty tree and a missing remote, which
only a retraining minds, in test_retrain.py.
"""

import hashlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from test_pipeline import COMMAND, start, until

COPY = "python -c \"open({1!r}, 'w').write(open({0!r}).read() + {1!r})\""


def copy(source: str, target: str) -> dict:
    return {"cmd": COPY.format(source, target), "deps": [source], "outs": [target]}


def run(server: dict, *words: str) -> tuple[int, str]:
    """Exit status and output."""
    done = subprocess.run([*COMMAND, *words], env=server, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def locked(root: Path) -> set[str]:
    return set(yaml.safe_load((root / "dvc.lock").read_text())["stages"])


def test_a_cycle_is_one_message_that_names_its_nodes(project, server):
    project({"a": copy("c.txt", "a.txt"), "b": copy("a.txt", "b.txt"), "c": copy("b.txt", "c.txt"),
             "below": copy("c.txt", "d.txt")})  # fmt: skip
    code, output = run(server)
    assert code == 1 and output.count("\n") == 1
    assert output.startswith("dvc.yaml has a cycle")
    assert set(re.findall(r"\w+", output.rpartition(":")[2])) == {"a", "b", "c"}


HELD = """
import sys, time
from pathlib import Path

with open("ran", "a") as ran:
    ran.write(sys.argv[2] + " ")
print("at work")
while not Path("go").exists():
    time.sleep(0.1)
Path(sys.argv[2]).write_text(Path(sys.argv[1]).read_text() + sys.argv[2])
"""


def held(source: str, target: str) -> dict:
    """A node that waits for the file `go`."""
    return {"cmd": f"python held.py {source} {target}", "deps": [source], "outs": [target]}


@pytest.mark.slow
def test_a_run_goes_on_when_its_server_dies(project, mortal):
    environment, kill = mortal
    root = project({"a": held("seed", "a.txt"), "b": copy("a.txt", "b.txt")}, **{"seed": "1", "held.py": HELD})
    with start(environment) as flow:
        until(flow, " - at work")
        kill()
        (root / "go").touch()
        output = flow.communicate(timeout=200)[0]
    last = output.splitlines()[-1]
    url = environment["PREFECT_API_URL"]
    assert last.startswith(f"the Prefect server at {url} stopped answering") and "2 nodes up to date" in last, output
    assert flow.returncode == 0
    assert "Traceback" not in last and output.count("goes on without it") <= 1
    assert locked(root) == {"a", "b"} and (root / "b.txt").read_text() == "1a.txtb.txt"


ROOM = """
set -e
mount -t tmpfs -o size=2m none {root} || exit 77
cp -a {given}/. {root} && cd {root}
dvc repro -q first
echo 2 > seed
set +e
{flow} --workers 1; echo "== ended with $? =="
cp dvc.lock {kept}
find . -name '*.partial'
find .dvc/cache/files -type f ! -name '.*' -exec md5sum {{}} +
mount -o remount,size=16m {root}
echo "== with room =="
{flow} --workers 1; echo "ended with $?"
dvc status; tail -qc 2 first.bin large.bin
"""
WRITE = """
import sys
from pathlib import Path
from stages.files import replacing

with replacing(sys.argv[1]) as beside:
    beside.write_bytes(b"x" * int(sys.argv[2]) + Path("seed").read_bytes())
"""


@pytest.mark.slow
def test_a_full_disk_is_named_and_costs_nothing_that_was_there(project, server, tmp_path):
    """A stage's own write fails, and another's that DVC makes into its cache; with room the next run completes."""
    write = {name: {"cmd": f"python write.py {name}.bin {size}", "deps": ["seed"], "outs": [f"{name}.bin"]}
             for name, size in (("first", 700_000), ("large", 3_000_000))}  # fmt: skip
    root = project(write, **{"seed": "1\n", "write.py": WRITE})
    given = root.rename(tmp_path / "given")
    root.mkdir()
    flow = shlex.join(COMMAND)
    script = ROOM.format(root=root, given=given, flow=flow, kept=tmp_path / "dvc.lock")
    here = {"PATH": f"{Path(sys.executable).parent}:{server['PATH']}"}
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        env=server | here, cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"a file system of its own may not be mounted here: {done.stderr}")
    output = done.stdout + done.stderr
    full, later = done.stdout.split("== with room ==\n")
    full, _, found = full.partition("== ended with 1 ==\n")
    assert found, output
    notes = dict(line.split(maxsplit=3)[::3] for line in output.splitlines() if " Failed  " in line)
    assert notes["first"].startswith("ERROR: failed to transfer") and f"'{root}/first.bin' -> " in notes["first"], (
        output
    )
    assert notes["large"].startswith("OSError: [Errno 28] No space left on device; the disk is full: make room"), output
    before = yaml.safe_load((tmp_path / "dvc.lock").read_text())["stages"]
    (kept,) = before.pop("first")["outs"]
    assert not before and kept["md5"] == hashlib.md5(b"x" * 700_000 + b"1\n").hexdigest()
    # What has its name in the cache is whole, and nothing lies half-written beside an output.
    sums = {path.replace("/", "")[-32:]: md5 for md5, path in (line.split() for line in found.splitlines())}
    assert kept["md5"] in sums and all(name == md5 for name, md5 in sums.items()), found
    assert later == "ended with 0\nData and pipelines are up to date.\n2\n2\n", output


def test_two_flows_at_once_do_the_work_once(project, server):
    """The second tries a node that the first is at until that has ended, and then finds it unchanged."""
    root = project({"a": held("seed", "a.txt"), "b": held("a.txt", "b.txt")}, **{"seed": "1", "held.py": HELD})
    flows, outputs = [], []
    for words in (" - at work", " - Retry 1/5 "):
        flows.append(start(server))
        outputs.append(until(flows[-1], words))
    (root / "go").touch()
    outputs = [output + flow.communicate(timeout=200)[0] for flow, output in zip(flows, outputs, strict=True)]
    assert [flow.returncode for flow in flows] == [0, 0], outputs
    assert "a  Completed" in outputs[0] and "a  Cached" in outputs[1]
    assert (root / "ran").read_text() == "a.txt b.txt "
    assert locked(root) == {"a", "b"} and (root / "b.txt").read_text() == "1a.txtb.txt"
