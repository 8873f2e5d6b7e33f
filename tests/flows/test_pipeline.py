"""flows.pipeline through its real command line, on small DVC projects and a server of the tests' own."""

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from functools import partial
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-u", "-m", "flows.pipeline"]


def python(code: str) -> str:
    return f"python -c {shlex.quote(code)}"


def stage(name: str, *deps: str, code: str = "") -> dict:
    """A stage that joins its deps' texts and its own name into the file `name`."""
    read = f"open({name!r}, 'w').write(''.join(open(one).read() for one in {deps!r}) + {name!r})"
    return {"cmd": python(f"{code or 'pass'}; {read}"), "deps": list(deps), "outs": [name]}


def run(server: dict, *words: str) -> tuple[int, dict[str, str], str]:
    """Exit status, state of each node as the summary has it, and the whole output."""
    done = subprocess.run([*COMMAND, *words], env=server, capture_output=True, text=True, timeout=120)
    output = done.stdout + done.stderr
    lines = output.splitlines()
    start = next((place + 1 for place, line in enumerate(lines) if line.split() == ["node", "state", "seconds"]), None)
    states = {}
    for line in lines[start:] if start else []:
        if " | " in line:
            break
        states[line.split()[0]] = line.split(maxsplit=1)[1]
    return done.returncode, {node: state.split()[0] for node, state in states.items()}, output


def start(server: dict) -> subprocess.Popen:
    heed = partial(signal.signal, signal.SIGHUP, signal.SIG_DFL)  # under nohup a child would inherit deafness to it
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(COMMAND, env=server, text=True, preexec_fn=heed, **pipe)


def until(flow: subprocess.Popen, words: str) -> str:
    """The flow's output up to the line that has `words` in it, read as it comes."""
    output = ""
    for line in flow.stdout:
        output += line
        if words in line:
            break
    return output


def test_a_diamond_runs_in_order_and_is_then_cached(project, server):
    root = project(
        {"a": stage("a.txt", "seed"), "b": stage("b.txt", "a.txt"), "c": stage("c.txt", "a.txt"),
         "d": stage("d.txt", "b.txt", "c.txt")}, seed="1",
    )  # fmt: skip
    code, states, output = run(server, "b")
    assert (code, states) == (0, {"a": "Completed", "b": "Completed"}), output
    code, states, output = run(server)
    assert (code, states) == (0, {"a": "Cached", "b": "Cached", "c": "Completed", "d": "Completed"}), output
    assert (root / "d.txt").read_text() == "1a.txtb.txt1a.txtc.txtd.txt"
    code, states, output = run(server)
    assert (code, set(states.values())) == (0, {"Cached"}), output
    assert "Running stage" not in output and "didn't change" not in output  # no process was even started


def test_a_failure_stops_only_what_follows_from_it(project, server):
    refusal = "refused by stages.clean x\nexpected a rating\n   found none\n   where data/x.csv, row 7"
    project(
        {"bad": stage("bad.txt", "seed", code=f"import sys; sys.exit({refusal!r})"),
         "below": stage("below.txt", "bad.txt"), "lowest": stage("lowest.txt", "below.txt"),
         "good": stage("good.txt", "seed"), "better": stage("better.txt", "good.txt")}, seed="1",
    )  # fmt: skip
    code, states, output = run(server)
    assert code == 1
    assert states == {
        "bad": "Failed", "below": "NotReady", "lowest": "NotReady", "good": "Completed", "better": "Completed",
    }  # fmt: skip
    assert f"bad failed:\n{refusal}\n" in output
    assert output.count("Running stage 'bad'") == 1, "a refused table is not tried again"
    assert "1 of 5 nodes failed: bad (data/x.csv, row 7); 2 not tried" in output
    assert "\nnot tried: below, lowest\n" in output
    table = [line.split(maxsplit=3) for line in output.splitlines()]
    assert ["below", "NotReady", "-", "not tried: bad failed"] in table
    assert [line[3] for line in table if line[:2] == ["bad", "Failed"]] == ["data/x.csv, row 7"]


def test_siblings_run_side_by_side(project, server):
    meet = (  # each waits to see the other's mark: one after the other, the first would wait in vain
        "import sys, time; from pathlib import Path; Path({0!r}).touch(); "
        "[time.sleep(0.1) for _ in range(300) if not Path({1!r}).exists()]; Path({1!r}).exists() or sys.exit('alone')"
    )
    root = project(
        {"l": stage("l.txt", "seed", code=meet.format("l.mark", "r.mark")),
         "r": stage("r.txt", "seed", code=meet.format("r.mark", "l.mark"))}, seed="1",
    )  # fmt: skip
    code, states, output = run(server)
    assert (code, states) == (0, {"l": "Completed", "r": "Completed"}), output
    lock = (root / "dvc.lock").read_text()
    assert "\n  l:\n" in lock and "\n  r:\n" in lock


def test_a_busy_path_is_tried_again(project, server):
    root = project({"a": stage("a.txt", "seed")}, seed="1")
    (root / ".dvc/tmp").mkdir()
    with subprocess.Popen(["dvc", "60"], executable=shutil.which("sleep")) as other:  # a DVC by its name and folder
        holder = {"pid": other.pid, "cmd": "dvc repro"}
        (root / ".dvc/tmp/rwlock").write_text(json.dumps({"write": {str(root / "a.txt"): holder}, "read": {}}))
        flow = start(server)
        output = until(flow, " - Retry 1/5 ")
        other.kill()
    output += flow.communicate(timeout=60)[0]
    assert flow.returncode == 0 and "Retry 1/5" in output, output


ONCE = "p = __import__('pathlib').Path('once'); first = not p.exists(); p.touch(); "


def test_a_network_fault_is_tried_again(project, server):
    lost = ONCE + "first and (_ for _ in ()).throw(ConnectionError('the other side is gone'))"
    project({"a": stage("a.txt", "seed", code=lost)}, seed="1")
    code, states, output = run(server)
    assert (code, states) == (0, {"a": "Completed"}), output
    assert "Retry 1/5" in output and output.count("Running stage 'a'") == 2


SLOW = """
import os, time
from pathlib import Path
from stages.files import replacing

with replacing("a.txt") as beside:
    beside.write_text("half")
    print("pid", os.getpid())
    time.sleep(0 if Path("quick").exists() else 300)
    beside.write_text("whole")
"""


def slow(project) -> Path:
    """A project of one stage, which writes as all stages here do, and sleeps in between until `quick` is there."""
    return project({"a": {"cmd": "python slow.py", "deps": ["slow.py"], "outs": ["a.txt"]}}, **{"slow.py": SLOW})


def nothing_is_left(root: Path) -> bool:
    """No half output, and nothing that DVC still holds for writing or reading."""
    held = json.loads((root / ".dvc/tmp/rwlock").read_text() or "{}")
    return not list(root.glob("*.partial")) + list(root.glob(".*.partial")) + list(root.glob("a.txt")) and not any(
        held.values()
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)])
def test_a_stopped_flow_leaves_no_stage_no_lock_no_half_output(project, server, gone, number):
    root = slow(project)
    flow = start(server)
    output = until(flow, " - pid ")  # in the flow's log while the stage sleeps
    flow.send_signal(number)
    output += flow.communicate(timeout=60)[0]
    assert flow.returncode == 128 + number, output
    assert gone(int(output.partition(" - pid ")[2].split()[0]))
    assert "Traceback" not in output
    assert nothing_is_left(root)
    (root / "quick").touch()
    code, states, output = run(server)
    assert (code, states, (root / "a.txt").read_text()) == (0, {"a": "Completed"}, "whole"), output


def ask(server: dict, path: str, **body: object) -> object:
    """What the Prefect server answers to a POST, as its UI sends it."""
    data, head = json.dumps(body).encode(), {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{server['PREFECT_API_URL']}{path}", data, head)) as answer:
        return json.load(answer)


def test_a_run_cancelled_in_the_ui_leaves_no_stage(project, server, gone):
    root = slow(project)
    flow = start(server)
    output = until(flow, " - pid ")
    run_id = re.search(r"/runs/flow-run/([0-9a-f-]{36})", output)[1]
    ask(server, f"/flow_runs/{run_id}/set_state", state={"type": "CANCELLING"})
    output += flow.communicate(timeout=60)[0]
    assert flow.returncode == 1, output
    assert gone(int(output.partition(" - pid ")[2].split()[0]))
    assert nothing_is_left(root)
    told = ask(server, "/flow_runs/filter", flow_runs={"id": {"any_": [run_id]}})
    assert told[0]["state_type"] == "CANCELLED"


def test_nodes_wait_for_their_slots(project, server):
    alone = (  # each refuses company; there are cores for both, but one GPU
        "import os, sys, time; from pathlib import Path; busy = Path('busy'); busy.exists() and sys.exit('company'); "
        "busy.touch(); time.sleep(3); busy.unlink()"
    )
    settings = "flow: {slots: {cpu: 4, gpu: 1}, stages: {l: {gpu: 1}, r: {gpu: 1}}}"
    project(
        {"l": stage("l.txt", "seed", code=alone), "r": stage("r.txt", "seed", code=alone)},
        **{"seed": "1", "params.yaml": settings},
    )
    code, states, output = run(server)
    assert (code, states) == (0, {"l": "Completed", "r": "Completed"}), output


def test_force_dry_and_downstream_are_as_dvc_has_them(project, server):
    root = project(
        {"a": stage("a.txt", "seed"), "b": stage("b.txt", "a.txt"), "c": stage("c.txt", "b.txt"),
         "d": stage("d.txt", "a.txt")}, seed="1",
    )  # fmt: skip
    nobody = server | {"PREFECT_API_URL": "http://127.0.0.1:1/api"}  # --dry asks no server
    code, _, output = run(nobody, "--dry", "b")
    assert (code, output.splitlines()[:2]) == (0, ["a  run", "b  run"]) and not (root / "a.txt").exists()
    assert run(server)[0] == 0
    code, states, output = run(server, "--force", "b")
    assert (code, states) == (0, {"a": "Completed", "b": "Completed"}), output
    assert output.count("Running stage") == 2
    (root / "b.txt").write_text("changed by hand")
    code, _, output = run(nobody, "--dry")
    assert output.splitlines()[:4] == ["a  cached", "b  run", "c  run", "d  cached"]
    (root / "seed").write_text("2")
    code, states, output = run(server, "--downstream", "b")
    assert (code, states) == (0, {"b": "Cached", "c": "Cached"}), output  # DVC gave b its bytes again, and left a
    assert (root / "a.txt").read_text() == "1a.txt"
    code, _, output = run(nobody, "--dry", "--downstream")
    assert (code, output) == (1, "--downstream needs a target: the node from which on to run\n")


def test_mistakes_on_the_command_line_are_one_message(project, server, monkeypatch, tmp_path):
    project({"train": {"foreach": ["full"], "do": stage("a.txt", "seed")}}, seed="1")
    code, _, output = run(server, "train@ful")
    assert (code, output) == (1, "no node 'train@ful' in dvc.yaml; did you mean train@full or train?\n")
    code, _, output = run(server, "--workers", "0")
    assert code == 2 and "at least 1" in output
    code, _, output = run(server | {"PREFECT_API_URL": "http://127.0.0.1:1/api"})
    assert code == 1 and output.startswith("no Prefect server answers at") and output.count("\n") == 1
    monkeypatch.chdir(tmp_path)
    code, _, output = run(server)
    assert code == 1 and output == f"no DVC project in {tmp_path}: run this from the project's root\n"


ASK = """
import json, time
from datetime import timedelta
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.client.schemas.sorting import LogSort

with get_client(sync_client=True) as client:
    runs = client.read_flow_runs()
    tasks = {task.name: task.state_name for task in client.read_task_runs()}
    logs = [log.message for log in client.read_logs(sort=LogSort.TIMESTAMP_DESC)]  # the latest 200
    flow = client.create_flow_from_name("pipeline")
    every = DeploymentScheduleCreate(schedule=IntervalSchedule(interval=timedelta(hours=1)))
    client.create_deployment(flow, "hourly", schedules=[every])
    scheduled = []
    for _ in range(100):
        scheduled = [run for run in client.read_flow_runs() if run.state_name == "Scheduled"]
        if scheduled:
            break
        time.sleep(0.2)
    print(json.dumps({"runs": len(runs), "tasks": tasks, "logs": logs, "scheduled": len(scheduled)}))
"""


def test_the_server_has_runs_logs_and_schedules(project, server):
    """These versions of prefect, fastapi and sqlalchemy do work together: `pip check` cannot say it."""
    project({"spoken": stage("a.txt", "seed", code="print('a word of the stage')")}, seed="1")
    code, _, output = run(server)
    assert code == 0, output
    asked = subprocess.run([sys.executable, "-c", ASK], env=server, capture_output=True, text=True, timeout=60)
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout.splitlines()[-1])
    assert answer["runs"] > 0 and answer["scheduled"] > 0
    assert answer["tasks"]["spoken"] == "Completed"
    assert "a word of the stage" in answer["logs"]
