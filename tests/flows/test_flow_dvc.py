"""flows.dvc and flows.process on real DVC projects: the graph, what is stale, and one node as a process."""

import json
import os
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from flows import dvc, process

DIAMOND = {
    "top": {"cmd": "cat seed > top.txt", "deps": ["seed"], "outs": ["top.txt"]},
    "left": {"cmd": "cat top.txt > left.txt", "deps": ["top.txt"], "outs": ["left.txt"]},
    "right": {"cmd": "wc -c < top.txt > right.txt", "deps": ["top.txt"], "outs": ["right.txt"]},
    "end": {"cmd": "cat left.txt right.txt > end.txt", "deps": ["left.txt", "right.txt"], "outs": ["end.txt"]},
}
EDGES = {"top": set(), "left": {"top"}, "right": {"top"}, "end": {"left", "right"}}


def python(code: str) -> str:
    return f"python -c {shlex.quote(code)}"


def run(node: str) -> tuple[bool, list[str]]:
    lines = []
    return dvc.reproduce(node, lines.append, threading.Event()), lines


def test_graph_is_dvcs_own(project):
    project(DIAMOND | {"each": {"foreach": ["a", "b"], "do": {"cmd": "cat end.txt > ${item}", "deps": ["end.txt"]}}})
    assert dvc.graph() == EDGES | {"each@a": {"end"}, "each@b": {"end"}}


def test_select_takes_targets_with_all_they_follow_from():
    edges = {"a@x": set(), "a@y": set(), "b": {"a@x"}, "c": {"b", "a@y"}}
    assert dvc.select(edges, ["b"]) == {"a@x": set(), "b": {"a@x"}}
    assert list(dvc.select(edges, ["a"])) == ["a@x", "a@y"]
    assert dvc.select(edges, []) == edges


def test_select_refuses_an_unknown_node_and_lists_close_ones():
    edges = {"train@full": set(), "predict@full": {"train@full"}}
    with pytest.raises(dvc.NoPipeline, match=r"no node 'train@ful' in dvc.yaml; did you mean train@full"):
        dvc.select(edges, ["train@ful"])
    with pytest.raises(dvc.NoPipeline, match=r"no node 'xyz' in dvc.yaml; there are train, predict"):
        dvc.select(edges, ["xyz"])
    with pytest.raises(dvc.NoPipeline, match="no stages"):
        dvc.select({}, [])


def test_stale_is_what_changed_and_all_below(project):
    root = project(DIAMOND | {"bare": {"cmd": "true", "deps": ["seed"]}}, seed="1")
    edges = dvc.graph()
    assert dvc.stale(edges) == set(edges)  # never run
    subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet"], check=True)
    assert dvc.stale(edges) == set()
    (root / "right.txt").unlink()
    assert dvc.stale(edges) == {"right", "end"}
    (root / "seed").write_text("2")
    assert dvc.stale(edges) == set(edges)


def test_a_project_in_use_is_stale_as_a_whole(project):
    root = project(DIAMOND, seed="1")
    run("top")
    hold(root, "top.txt")
    assert dvc.stale(EDGES) == set(EDGES)


def test_a_node_runs_once_and_is_then_unchanged(project):
    root = project({
        "size": {"cmd": "wc -c < seed > size.txt", "deps": ["seed"], "outs": ["size.txt"]},
        "copy": {"cmd": "cat size.txt > copy.txt", "deps": ["size.txt"], "outs": ["copy.txt"]},
    }, seed="12")  # fmt: skip
    ran, lines = run("size")
    assert ran and lines[:2] == ["Running stage 'size':", "> wc -c < seed > size.txt"]
    assert run("size")[0] is False
    assert run("copy")[0] is True
    (root / "seed").write_text("34")
    assert run("size")[0] is True
    assert run("copy")[0] is False  # what it reads was made anew, with the same bytes
    (root / "copy.txt").unlink()
    assert run("copy")[0] is False  # DVC still has those bytes


def test_lines_arrive_while_the_stage_runs(project):
    wait = "go = Path('go'); [time.sleep(0.1) for _ in range(150) if not go.exists()]; sys.exit(not go.exists())"
    root = project({"a": {"cmd": python(f"import sys, time; from pathlib import Path; print('waiting'); {wait}")}})
    assert dvc.reproduce("a", lambda line: (root / "go").touch() if line == "waiting" else None, threading.Event())


def test_a_carriage_return_ends_a_line():
    lines = []
    code = r"import sys; sys.stdout.write('\r 10%\r 20%\r\n\r\n'); print('é end', end='')"
    assert process.run([sys.executable, "-c", code], lines.append, threading.Event()) == 0
    assert lines == [" 10%", " 20%", "é end"]


def test_the_stage_gets_this_interpreter(project, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    project({"a": {"cmd": python("import sys; print(sys.executable)")}})
    assert Path(run("a")[1][2]).samefile(sys.executable)


def test_a_refusal_is_the_whole_cause(project):
    refusal = "refused by stages.clean places\\nexpected a table\\n   found none"
    project({"a": {"cmd": python(f"print('working'); import sys; sys.exit('{refusal}')")}})
    with pytest.raises(dvc.NodeFailed) as failure:
        run("a")
    assert str(failure.value) == "refused by stages.clean places\nexpected a table\n   found none"
    assert not isinstance(failure.value, dvc.NodeBusy)


def test_without_a_refusal_the_last_lines_are_the_cause(project):
    project({"a": {"cmd": python("print('is busy'); 1 / 0")}})
    with pytest.raises(dvc.NodeFailed, match=r"(?s)Traceback.*ZeroDivisionError: division by zero") as failure:
        run("a")
    assert not isinstance(failure.value, dvc.NodeBusy)  # whatever a stage prints, only DVC knows of locks


def hold(root: Path, path: str) -> None:
    """Lock a path of the project for writing, as another DVC that works there does."""
    (root / ".dvc/tmp").mkdir(exist_ok=True)
    holder = {"pid": os.getpid(), "cmd": "dvc repro"}
    (root / ".dvc/tmp/rwlock").write_text(json.dumps({"write": {str(root / path): holder}, "read": {}}))


def test_a_busy_path_is_told_apart(project):
    root = project(DIAMOND, seed="1")
    hold(root, "top.txt")
    with pytest.raises(dvc.NodeBusy, match="is busy"):
        run("top")


SLEEP = "import os, time; print('pid', os.getpid()); time.sleep(300)"
DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); " + SLEEP


@pytest.mark.parametrize("code", [SLEEP, DEAF], ids=["willing", "deaf"])
def test_stopping_leaves_no_process(project, gone, monkeypatch, code):
    monkeypatch.setattr(process, "GRACE", 2)
    project({"a": {"cmd": python(code)}})
    stop, pids = threading.Event(), []

    def listen(line: str) -> None:
        if line.startswith("pid"):
            pids.append(int(line.split()[1]))
            stop.set()

    with pytest.raises(process.Stopped):
        dvc.reproduce("a", listen, stop)
    assert gone(pids[0])


def test_an_interrupt_in_between_leaves_no_process(project, gone):
    project({"a": {"cmd": python(SLEEP)}})
    pids = []

    def listen(line: str) -> None:
        if line.startswith("pid"):
            pids.append(int(line.split()[1]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dvc.reproduce("a", listen, threading.Event())
    assert gone(pids[0])
    assert not json.loads(Path(".dvc/tmp/rwlock").read_text())["write"]  # DVC had the time to release its locks


def test_what_a_dead_command_left_behind_is_not_waited_for(gone):
    began, lines = time.monotonic(), []
    status = process.run(["/bin/sh", "-c", "sleep 60 & echo $!; exit 3"], lines.append, threading.Event())
    assert status == 3 and time.monotonic() - began < 30
    assert gone(int(lines[0]))


STARTER = "import sys, threading; from flows import dvc; dvc.reproduce('a', print, threading.Event())"


@pytest.mark.parametrize("code", [SLEEP, DEAF], ids=["willing", "deaf"])
def test_a_stage_does_not_outlive_who_started_it(project, gone, until, code):
    """Killed with -9, the starter itself can do nothing for it."""
    root = project({"a": {"cmd": python(code), "outs": ["a.txt"]}})
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([sys.executable, "-c", STARTER], env=environment, stdout=subprocess.PIPE, text=True) as flow:
        pid = next(int(line.split()[1]) for line in flow.stdout if line.startswith("pid"))
        flow.kill()
    assert until(lambda: gone(pid), process.GRACE + 20)
    if code == SLEEP:  # DVC had the time to release its locks
        assert until(lambda: not json.loads((root / ".dvc/tmp/rwlock").read_text() or "{}").get("write"), 20)


def test_a_command_that_is_not_there_says_so(tmp_path):
    lines = []
    assert process.run([str(tmp_path / "none")], lines.append, threading.Event()) == 127
    assert lines == [f"{tmp_path}/none: No such file or directory"]


def test_a_dvc_lock_that_is_being_written_is_read_again(project):
    root = project({"a": {"cmd": "echo 1 > a.txt", "outs": ["a.txt"]}})
    run("a")
    whole = (root / "dvc.lock").read_text()
    (root / "dvc.lock").write_text(whole[: whole.index("cmd")])
    later = threading.Timer(0.6, (root / "dvc.lock").write_text, [whole])
    later.start()
    assert dvc.graph() == {"a": set()} and not later.is_alive()
    (root / "dvc.lock").write_text(whole[: whole.index("cmd")])
    with pytest.raises(dvc.NoPipeline, match=r"dvc\.lock"):
        dvc.graph()


def test_no_project_and_no_readable_pipeline(project, tmp_path, monkeypatch):
    root = project({})
    (root / "dvc.yaml").write_text("stages: [")
    with pytest.raises(dvc.NoPipeline, match="DVC cannot read this project"):
        dvc.graph()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(dvc.NoPipeline, match="no DVC project in"):
        dvc.graph()


def test_importing_flows_loads_nothing_heavy():
    code = (
        "import sys, flows.dvc, flows.process; assert not {'dvc', 'prefect', 'torch'} & set(sys.modules); "
        "import flows.pipeline; print({'dvc', 'torch', 'transformers', 'polars'} & set(sys.modules))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
