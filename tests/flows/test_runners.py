"""flows.pipeline on a Dask cluster of two worker processes with a thread each, and what stands in its way."""

import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import yaml
from prefect.settings import PREFECT_API_URL, temporary_settings
from test_pipeline import SLOW, ask, nothing_is_left, run, stage, start
from test_pipeline import until as read

from flows import runners
from stages.refusal import Refusal

ROOT = Path(__file__).parents[2]
DASK = {"params.yaml": "flow: {runner: dask, slots: {cpu: 2}}"}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A scheduler in this process and its two workers, which run in a folder that is no project."""
    distributed = pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("workers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("DVC_SITE_CACHE_DIR", str(folder / "site"))
        patch.setenv("DVC_NO_ANALYTICS", "1")
        patch.chdir(folder)
        dask = pytest.importorskip("dask")
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 0}),
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(folder)
            ) as made,
        ):
            yield made


@pytest.fixture
def on_dask(server, cluster):
    return server | {runners.ADDRESS: cluster.scheduler_address}


def workers(cluster) -> set[int]:
    return {worker.pid for worker in cluster.workers.values()}


TOLD = (
    "import psutil, sys, time; from pathlib import Path; print('a word of {0}'); "
    "Path('{0}.pids').write_text(' '.join(str(one.pid) for one in psutil.Process().parents()))"
)
MEET = (
    "; [time.sleep(0.1) for _ in range(600) if not Path('{1}.pids').exists()]; Path('{1}.pids').exists() or sys.exit(1)"
)


def test_nodes_run_on_both_workers_and_leave_what_dvc_repro_leaves(project, on_dask, cluster, until):
    root = project(
        {"a": stage("a.txt", "seed", code=TOLD.format("a")),
         "l": stage("l.txt", "a.txt", code=(TOLD + MEET).format("l", "r")),
         "r": stage("r.txt", "a.txt", code=(TOLD + MEET).format("r", "l")),
         "z": stage("z.txt", "l.txt", "r.txt", code=TOLD.format("z"))}, seed="1", **DASK,
    )  # fmt: skip
    code, states, output = run(on_dask)
    assert (code, states) == (0, dict.fromkeys("alrz", "Completed")), output
    above = {node: {int(pid) for pid in (root / f"{node}.pids").read_text().split()} for node in "alrz"}
    ran_by = {node: pids & workers(cluster) for node, pids in above.items()}
    assert all(len(pids) == 1 for pids in ran_by.values()) and ran_by["l"] | ran_by["r"] == workers(cluster)
    run_id = re.search(r"/runs/flow-run/([0-9a-f-]{36})", output)[1]

    def heard() -> set[str]:
        logs = ask(on_dask, "/logs/filter", logs={"flow_run_id": {"any_": [run_id]}})
        return {log["message"] for log in logs}

    until(lambda: {"a word of a", "a word of z"} <= heard(), 60)  # a worker, which goes on, sends its logs now and then

    lock = yaml.safe_load((root / "dvc.lock").read_text())
    for name in ("dvc.lock", "a.txt", "l.txt", "r.txt", "z.txt"):
        (root / name).unlink()
    subprocess.run([sys.executable, "-m", "dvc", "repro"], check=True, capture_output=True, timeout=120)
    assert yaml.safe_load((root / "dvc.lock").read_text()) == lock  # its entries stand in the order they came in
    code, states, output = run(on_dask)
    assert (code, set(states.values())) == (0, {"Cached"}), output


def test_a_failure_on_a_worker_is_named_and_stops_only_what_follows(project, on_dask):
    refusal = "refused by stages.clean x\nexpected a rating\n   found none\n   where data/x.csv, row 7"
    project(
        {"bad": stage("bad.txt", "seed", code=f"import sys; sys.exit({refusal!r})"),
         "below": stage("below.txt", "bad.txt"), "good": stage("good.txt", "seed")}, seed="1", **DASK,
    )  # fmt: skip
    code, states, output = run(on_dask)
    assert (code, states) == (1, {"bad": "Failed", "below": "NotReady", "good": "Completed"}), output
    assert f"bad failed:\n{refusal}\n" in output
    assert "1 of 3 nodes failed: bad (data/x.csv, row 7); 1 not tried" in output


def slow(project) -> Path:
    """test_pipeline's slow stage, which notes its pid in a file: its output goes to the server alone."""
    said = 'print("pid", os.getpid())'
    assert said in SLOW
    code = SLOW.replace(said, "Path('pid').write_text(f'{os.getpid()}.')")
    return project(
        {"a": {"cmd": "python slow.py", "deps": ["slow.py"], "outs": ["a.txt"]}}, **DASK, **{"slow.py": code}
    )


def noted(root: Path) -> int | None:
    """The pid, once it is written whole."""
    text = (root / "pid").read_text() if (root / "pid").is_file() else ""
    return int(text[:-1]) if text.endswith(".") else None


@pytest.mark.parametrize("how", ["signal", "cancel"])
def test_a_stopped_flow_leaves_no_stage_on_a_worker(project, on_dask, cluster, until, gone, how):
    root = slow(project)
    flow = start(on_dask)
    try:
        run_id = re.search(r"/runs/flow-run/([0-9a-f-]{36})", read(flow, "/runs/flow-run/"))[1]
        pid = until(lambda: noted(root), 120)
        above = psutil.Process(pid).parents()
        assert {one.pid for one in above} & workers(cluster)
        if how == "signal":
            flow.send_signal(signal.SIGTERM)
        else:
            ask(on_dask, f"/flow_runs/{run_id}/set_state", state={"type": "CANCELLING"})
        output = flow.communicate(timeout=120)[0]
    finally:
        flow.kill()
    assert flow.returncode == (128 + signal.SIGTERM if how == "signal" else 1), output
    assert gone(pid) and nothing_is_left(root)


def test_a_node_whose_worker_is_killed_has_failed(project, on_dask, cluster, until):
    root = slow(project)
    flow = start(on_dask)
    try:
        stage = psutil.Process(until(lambda: noted(root), 120))
        left = [stage, *stage.parents()]
        at = next(place for place, one in enumerate(left) if one.pid in workers(cluster))
        left[at].kill()
        output = flow.communicate(timeout=120)[0]
    finally:
        flow.kill()
    for one in left[:at]:  # DVC and the stage, which nobody stops: a limit that the README states
        with suppress(psutil.NoSuchProcess):
            one.kill()
    assert flow.returncode == 1 and "1 of 1 nodes failed: a (the worker that ran it was lost)" in output, output
    until(lambda: len(cluster.scheduler.workers) == 2)  # the other tests want both


@pytest.fixture
def expected(project, monkeypatch):
    """The refusal of a project's run on Dask, with this address and server."""
    root = project({}, **DASK)

    def ask(address: str | None, server: str | None = "http://127.0.0.1:4200/api", folder: Path = root):
        monkeypatch.delenv(runners.ADDRESS, raising=False)
        if address:
            monkeypatch.setenv(runners.ADDRESS, address)
        with temporary_settings({PREFECT_API_URL: server}), pytest.raises(Refusal) as refused:
            runners.expect("dask", folder)
        return refused.value

    return ask


def test_what_stands_in_the_way_of_a_run_on_dask_is_refused_before_it(expected, cluster, monkeypatch, tmp_path):
    monkeypatch.setattr(runners, "WAIT", 1)
    assert expected(None).where == f"the environment variable {runners.ADDRESS}"
    assert expected(None, server=None).found == "none: PREFECT_API_URL is not set"
    nobody = expected("tcp://127.0.0.1:1")
    assert nobody.expected == "a Dask scheduler that answers" and nobody.found.startswith("tcp://127.0.0.1:1: ")
    assert expected("nonsense://here").expected == "a Dask scheduler that answers"
    absent = expected(cluster.scheduler_address, folder=tmp_path / "elsewhere")
    assert absent.expected == f"this project at {tmp_path / 'elsewhere'} on each worker"
    assert absent.found.count("tcp://") == 2
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    assert expected(cluster.scheduler_address).expected == "Dask, for flow.runner: dask"


def test_the_command_line_says_it_too(project, server):
    project({"a": stage("a.txt", "seed")}, seed="1", **DASK)
    code, _, output = run(server)
    assert code == 1 and output.startswith("expected the address of a Dask scheduler\n") and "Traceback" not in output


def test_only_a_run_on_dask_imports_it():
    code = "import sys, flows.pipeline; print({'dask', 'distributed', 'prefect_dask'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "set()\n", done.stderr
