"""flows.recover on real DVC projects: what a SIGKILL leaves is mended, what is whole or in use is left alone."""

import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows import recover, torn
from stages import seal

ROOT = Path(__file__).parents[2]
RUNS = "open('ran', 'a').write({0!r}); open({0!r}, 'w').write(open({1!r}).read() + {0!r})"
DVC = [sys.executable, "-P", "-m", "dvc"]


def stage(name: str, dep: str) -> dict:
    return {"cmd": f"python -c {shlex.quote(RUNS.format(name, dep))}", "deps": [dep], "outs": [name]}


CHAIN = {"one": stage("a", "seed"), "two": stage("b", "a"), "three": stage("c", "b")}


def dvc(*words: str) -> subprocess.CompletedProcess:
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run([*DVC, *words], env=env, capture_output=True, text=True)


def told() -> list[str]:
    lines = []
    recover.recover(lines.append)
    return lines


def command(folder: Path) -> subprocess.CompletedProcess:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-m", "flows.recover"], cwd=folder, env=env, capture_output=True, text=True)


@pytest.fixture
def ran(project) -> Path:
    """A project whose three nodes have run and whose dvc.lock has been copied beside."""
    root = project(CHAIN, seed="1")
    assert dvc("repro").returncode == 0
    assert told() == []
    return root


def assert_nothing_runs_again(root: Path) -> None:
    done = dvc("repro")
    assert done.returncode == 0 and (root / "ran").read_text() == "abc", done.stdout + done.stderr


@pytest.mark.parametrize("torn", [b"", b'{"write": {"/x', b"[]", b'{"write": {"/x": {}}}', b"\xff"])
def test_an_unreadable_list_of_locks_is_dropped(ran, torn):
    (ran / ".dvc/tmp/rwlock").write_bytes(torn)
    assert dvc("repro").returncode != 0, "DVC mends this itself now: no need to"
    assert told() == ["recovered: .dvc/tmp/rwlock was unreadable, and was dropped"]
    assert_nothing_runs_again(ran)
    assert told() == []


def locks(root: Path, pid: int) -> Path:
    path = root / ".dvc/tmp/rwlock"
    path.write_text(json.dumps({"write": {str(root / "a"): {"pid": pid, "cmd": "dvc repro"}}, "read": {}}))
    return path


def test_a_lock_of_a_number_given_to_another_is_dropped(ran):
    with subprocess.Popen(["sleep", "300"]) as other:
        locks(ran, other.pid)
        assert dvc("repro").returncode != 0
        assert "which is no DVC of this project" in told()[0]
        other.kill()
    assert_nothing_runs_again(ran)


def test_a_lock_of_the_dead_is_left_to_dvc(ran):
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    path = locks(ran, gone.pid)
    before = path.read_bytes()
    assert told() == [] and path.read_bytes() == before
    assert_nothing_runs_again(ran)


def test_an_empty_lock_file_comes_back_from_the_copy_and_nothing_runs_again(ran):
    whole = (ran / "dvc.lock").read_bytes()
    (ran / "dvc.lock").write_bytes(b"")
    assert dvc("repro").returncode != 0, "DVC takes an empty dvc.lock now"
    assert told() == ["recovered: dvc.lock was empty: 0 of its nodes were read, 3 taken from the last good copy"]
    assert (ran / "dvc.lock").read_bytes() == whole
    assert_nothing_runs_again(ran)


def test_wherever_it_is_cut_the_copy_ends_it(ran):
    whole = (ran / "dvc.lock").read_bytes()
    ends = [number + 1 for number, sign in enumerate(whole[:-1]) if sign == ord("\n")]
    for length in [*range(0, len(whole), 11), *ends]:
        (ran / "dvc.lock").write_bytes(whole[:length])
        assert len(told()) == 1, length
        assert (ran / "dvc.lock").read_bytes() == whole, length


def test_what_a_torn_file_has_is_newer_than_the_copy(ran):
    """All three nodes ran anew after the copy; the cut lost two of them."""
    (ran / "seed").write_text("2")
    assert dvc("repro").returncode == 0
    newer = (ran / "dvc.lock").read_text()
    (ran / "dvc.lock").write_text(newer[: newer.index("\n  two:") + 30])
    assert told() == ["recovered: dvc.lock was cut off: 1 of its nodes were read, 2 taken from the last good copy"]
    (ran / "ran").unlink()
    done = dvc("repro")
    # The run-cache of DVC knows what the nodes made: not even those run again.
    assert done.returncode == 0 and not (ran / "ran").exists(), done.stdout + done.stderr
    assert (ran / "dvc.lock").read_text().count("md5:") == newer.count("md5:")


def git(*words: str) -> None:
    own = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", *own, *words], check=True, capture_output=True)


def commit(root: Path) -> bytes:
    git("init", "-q")
    git("add", "dvc.yaml", "dvc.lock", "seed")
    git("commit", "-qm", "one")
    return (root / "dvc.lock").read_bytes()


def test_without_a_copy_it_comes_back_from_git(ran):
    whole = commit(ran)
    torn.GOOD.unlink()
    (ran / "dvc.lock").write_bytes(b"")
    told()
    assert (ran / "dvc.lock").read_bytes() == whole


def test_the_copy_of_another_commit_does_not_count(ran):
    whole = commit(ran)
    (ran / "seed").write_text("2")
    assert dvc("repro").returncode == 0
    torn.keep()
    assert torn._good() != whole
    git("commit", "-qm", "two", "--allow-empty")
    (ran / "dvc.lock").write_bytes(b"")
    told()
    assert (ran / "dvc.lock").read_bytes() == whole


def test_a_beginning_that_git_restored_is_whole(ran):
    shorter = (ran / "dvc.lock").read_text()
    shorter = shorter[: shorter.index("  three:")]
    (ran / "dvc.lock").write_text(shorter)
    commit(ran)
    torn.GOOD.write_text(torn._stamp() + "\n" + (ran / "dvc.lock").read_text() + "  three:\n    cmd: x\n")
    assert told() == [] and (ran / "dvc.lock").read_text() == shorter


def test_without_any_copy_the_nodes_run_again(project):
    root = project(CHAIN, seed="1")
    assert dvc("repro").returncode == 0
    (root / "dvc.lock").write_bytes(b"sche")
    assert "no copy of it is left" in told()[0] and torn.TORN.read_bytes() == b"sche"
    done = dvc("repro")
    assert done.returncode == 0, done.stderr


def test_a_merge_is_for_people_to_end(ran):
    text = "<<<<<<< ours\n" + (ran / "dvc.lock").read_text() + ">>>>>>> theirs\n"
    (ran / "dvc.lock").write_text(text)
    kept = torn.GOOD.read_bytes()
    assert told() == [] and (ran / "dvc.lock").read_text() == text and torn.GOOD.read_bytes() == kept


def test_a_good_node_is_copied_at_once(ran):
    before = torn.GOOD.read_bytes()
    (ran / "seed").write_text("3")
    assert dvc("repro", "one").returncode == 0
    torn.keep()
    assert torn.GOOD.read_bytes().partition(b"\n")[2] == (ran / "dvc.lock").read_bytes()
    assert torn.GOOD.read_bytes() != before


def test_half_outputs_and_torn_checkpoints_go_and_whole_ones_stay(ran):
    models = ran / "data/models"
    whole, flipped, bare = (models / f".m.checkpoints/abc/checkpoint-{n}" for n in (1, 2, 3))
    for folder in (whole, flipped, bare, models / ".m.77.partial", models / "m"):
        folder.mkdir(parents=True)
        (folder / "weights").write_bytes(b"0123")
    for folder in (whole, flipped):
        seal.seal(folder)
    (flipped / "weights").write_bytes(b"0133")
    (ran / ".a.12.partial").write_text("half")
    (ran / ".a.partial").write_text("somebody's")
    (ran / ".a.l0mpgi_m.partial/words").mkdir(parents=True)
    (ran / ".a.csv.parts.partial").mkdir()
    lines = told()
    assert len(lines) == 5 and all("recovered: " in line for line in lines), lines
    assert seal.whole(whole) and (models / "m/weights").exists() and (ran / ".a.partial").exists()
    assert sorted(path.name for path in whole.parent.iterdir()) == ["checkpoint-1"]
    assert not (ran / ".a.l0mpgi_m.partial").exists() and (ran / ".a.csv.parts.partial").exists()
    assert not (models / ".m.77.partial").exists() and not (ran / ".a.12.partial").exists()
    assert told() == []


SLOW = """\
import os, sys, time
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""


@pytest.fixture
def slow(project, until):
    """Start DVC in a project whose only stage sleeps; (root, the DVC process, the number of the stage's process)."""
    started = []

    def start() -> tuple[Path, subprocess.Popen, int]:
        root = project({"slow": {"cmd": "python -m stages.slow pid", "deps": ["seed"], "outs": ["out"]}}, seed="1")
        (root / "stages").mkdir()
        (root / "stages/slow.py").write_text(SLOW)
        env = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        words = [*DVC, "--wait-for-lock", "repro", "--single-item", "slow"]
        started.append(subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        pid = int(until(lambda: (root / "pid").is_file() and (root / "pid").read_text()))
        started.append(psutil.Process(pid))
        return root, started[-2], pid

    yield start
    for one in started:
        if one.poll() is None if isinstance(one, subprocess.Popen) else one.is_running():
            one.kill()


def test_an_orphaned_stage_is_named_and_ended(slow, gone, tmp_path):
    root, process, pid = slow()
    process.kill()
    process.wait()
    neighbour = tmp_path / "neighbour"
    (neighbour / ".dvc").mkdir(parents=True)
    assert command(neighbour).stdout == "nothing to recover\n"  # a checkout beside: not its business
    assert psutil.pid_exists(pid) and not gone_now(pid)
    done = command(root)
    assert f"recovered: process {pid} (-m stages.slow pid) had outlived the run" in done.stdout, done
    assert gone(pid)


def gone_now(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_nothing_but_a_torn_dvc_lock_is_touched_while_dvc_is_at_work(slow):
    root, process, pid = slow()
    (root / ".dvc/tmp/rwlock").write_bytes(b"")
    (root / "dvc.lock").write_bytes(b"")
    done = command(root)
    assert done.returncode == 1 and f"process {process.pid} (" in done.stderr and not gone_now(pid)
    assert (root / ".dvc/tmp/rwlock").read_bytes() == b""
    assert not (root / "dvc.lock").exists() and "no copy of it is left" in done.stdout


def test_a_stage_started_by_hand_is_somebody_at_work(ran, until):
    (ran / "stages").mkdir()
    (ran / "stages/slow.py").write_text(SLOW)
    (ran / "dvc.lock").write_bytes(b"")
    with subprocess.Popen([sys.executable, "-m", "stages.slow", "pid"]) as mine:
        until(lambda: (ran / "pid").is_file())
        with pytest.raises(recover.AtWork, match=rf"process {mine.pid} \(-m stages.slow pid\)"):
            told()
        mine.kill()
    assert told() == []  # dvc.lock was mended at once


def test_while_another_flow_is_at_work_a_torn_dvc_lock_alone_is_mended(ran):
    whole = (ran / "dvc.lock").read_bytes()
    (ran / "dvc.lock").write_bytes(b"")
    (ran / ".dvc/tmp/rwlock").write_bytes(b"")
    with (ran / ".dvc/tmp/flow.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        with pytest.raises(recover.AtWork, match="another flow"):
            told()
    assert (ran / "dvc.lock").read_bytes() == whole
    assert (ran / ".dvc/tmp/rwlock").read_bytes() == b""


def test_a_dvc_lock_that_dvc_may_be_writing_is_not_touched(ran):
    (ran / "dvc.lock").write_bytes(b"")
    with (ran / ".dvc/tmp/lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(recover.AtWork, match="another DVC"):
            told()
    assert (ran / "dvc.lock").read_bytes() == b""


def test_two_at_once_mend_it_once(ran):
    (ran / "dvc.lock").write_bytes(b"")
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    words = {"cwd": ran, "env": env, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-m", "flows.recover"], **words) for _ in range(2)]
    said = sorted(one.communicate(timeout=120)[0] for one in both)
    assert [one.returncode for one in both] == [0, 0]
    assert said[0] == "nothing to recover\n" and said[1].startswith("recovered: dvc.lock was empty")


KILLED = """\
import os, signal, sys
from pathlib import Path
from flows import recover
left = int(sys.argv[1])
def fatal(real):
    def call(*words, **more):
        global left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*words, **more)
    return call
for name in ("replace", "unlink", "write_bytes", "rmdir"):
    setattr(Path, name, fatal(getattr(Path, name)))
os.rmdir, os.unlink = fatal(os.rmdir), fatal(os.unlink)
recover.recover(print)
"""


def test_killed_at_each_of_its_own_writes_it_ends_what_it_began(ran):
    whole, torn = (ran / "dvc.lock").read_bytes(), ran / "data/.m.checkpoints/k/checkpoint-1"
    for number in range(1, 100):
        (ran / "dvc.lock").write_bytes(whole[:700])
        (ran / ".dvc/tmp/rwlock").write_bytes(b"")
        torn.mkdir(parents=True, exist_ok=True)
        (torn / "weights").write_bytes(b"half")
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", KILLED, str(number)], env=env, capture_output=True, text=True)
        told()
        assert (ran / "dvc.lock").read_bytes() == whole and not (ran / ".dvc/tmp/rwlock").exists()
        assert not torn.parent.parent.exists()
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert number > 5, "it was hardly ever killed"
    assert_nothing_runs_again(ran)


def test_a_flow_recovers_before_anything_else(project, server):
    root = project(CHAIN, seed="1")
    flow = [sys.executable, "-m", "flows.pipeline"]
    done = subprocess.run(flow, env=server, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    whole = (root / "dvc.lock").read_bytes()
    (root / "dvc.lock").write_bytes(whole[:-200])
    (root / ".dvc/tmp/rwlock").write_bytes(b"")
    done = subprocess.run(flow, env=server, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "3 nodes up to date: 0 ran, 3 cached" in done.stdout + done.stderr
    assert (root / "dvc.lock").read_bytes() == whole and done.stdout.count("recovered: ") == 2
    assert (root / "ran").read_text() == "abc"


def test_a_look_at_a_whole_project_is_quick(ran):
    began = time.process_time()
    assert told() == []
    assert time.process_time() - began < 5
