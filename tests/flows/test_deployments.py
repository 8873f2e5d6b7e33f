"""prefect.yaml: what it declares, and what a real server and a real worker make of it."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from flows import ui

ROOT = Path(__file__).parents[2]
WAIT = "import sys, time; from pathlib import Path; [time.sleep(0.2) for _ in range(1500) if not Path('go').exists()]"
QUICK = {"a": {"cmd": "cp seed a.txt", "deps": ["seed"], "outs": ["a.txt"]}}
HELD = {name: {"cmd": f"python -c \"{WAIT}; sys.exit(not Path('go').exists())\""} for name in ("nightly", "weekly")}
PIPELINE = {"entrypoint": "flows.pipeline.pipeline", "parameters": {}}


def declared() -> dict[str, dict]:
    return {one["name"]: one for one in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}


def every(seconds: int, name: str) -> dict:
    return {"schedules": [{"slug": name, "interval": seconds, "timezone": "UTC"}]}


@pytest.fixture
def client(server):
    from prefect.client.orchestration import SyncPrefectClient

    with SyncPrefectClient(server["PREFECT_API_URL"]) as client:
        yield client


@pytest.fixture
def work(server, until):
    """Apply prefect.yaml of a project and start a worker for it: `work(root)`."""
    workers = []

    def start(root: Path) -> None:
        environment = server | {
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_WORKER_PREFETCH_SECONDS": "1",
            "PREFECT_SERVER_API_PORT": "0",
        }
        with (root / "worker.log").open("w") as log:
            words = [sys.executable, "-m", "flows.ui", "work"]
            workers.append(subprocess.Popen(words, env=environment, cwd=root, stdout=log, stderr=log))
        until(lambda: " started!" in (root / "worker.log").read_text())
        ui.apply(root, server["PREFECT_API_URL"].removesuffix("/api"))

    yield start
    for worker in workers:
        ui.background.end({"pid": worker.pid, "born": ui.background.psutil.Process(worker.pid).create_time()})
        worker.wait(60)


def runs(client, deployment) -> list:
    from prefect.client.schemas.filters import FlowRunFilter

    mine = FlowRunFilter.model_validate({"deployment_id": {"any_": [deployment.id]}})
    return client.read_flow_runs(flow_run_filter=mine)


def named(client, deployment, *states: str) -> list:
    return [run for run in runs(client, deployment) if run.state_name in states]


def test_every_deployment_says_when_where_and_what_of_overlaps():
    for name, one in declared().items():
        assert one["concurrency_limit"]["limit"] == 1, name
        assert one["concurrency_limit"]["collision_strategy"] in ("CANCEL_NEW", "ENQUEUE"), name
        for schedule in one.get("schedules", []):
            assert schedule["slug"] and schedule["timezone"] == "UTC" and schedule["cron"], name
    assert {"repro-nightly", "retrain-weekly", "rebuild-audit"} <= {
        name for name, one in declared().items() if one.get("schedules")
    }
    text = (ROOT / "prefect.yaml").read_text()
    assert not re.findall(r"(?:/home|/root|/Users|/tmp|~)[/\w]*", text), "a path of one machine"
    assert "{{ $REVIEWMILL_ROOT }}" in text


@pytest.mark.parametrize("name", declared())
def test_every_entrypoint_is_a_flow(name):
    from prefect import Flow
    from prefect.flows import load_flow_from_entrypoint

    flow = load_flow_from_entrypoint(declared()[name]["entrypoint"])
    assert isinstance(flow, Flow) and flow.validate_parameters(declared()[name].get("parameters", {})) is not None


@pytest.mark.slow
def test_a_schedule_fires_pauses_and_resumes(deployed, work, client, until):
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import IntervalSchedule

    root = deployed(QUICK, {"repro-nightly": every(10, "nightly")}, seed="1")
    work(root)
    deployment = client.read_deployment_by_name("pipeline/repro-nightly")
    run = until(lambda: named(client, deployment, "Completed"))[0]
    assert run.auto_scheduled and run.start_time >= run.expected_start_time
    assert (root / "a.txt").read_text() == "1"

    schedule = deployment.schedules[0]
    client.update_deployment_schedule(deployment.id, schedule.id, active=False)
    # What has been handed to the worker already goes on; nothing waits for its hour any more.
    until(lambda: not any(run.state.is_scheduled() for run in runs(client, deployment)))
    before = {run.id for run in runs(client, deployment)}
    # A schedule that no worker looks at says that the scheduler has been at work since.
    control = client.read_deployment(
        client.create_deployment(
            deployment.flow_id, "control",
            schedules=[DeploymentScheduleCreate(schedule=IntervalSchedule(interval=timedelta(seconds=2)))],
        )
    )  # fmt: skip
    seen = {run.id for run in until(lambda: runs(client, control))}
    until(lambda: len({run.id for run in runs(client, control)} - seen) > 3)
    assert {run.id for run in runs(client, deployment)} == before

    resumed = datetime.now(UTC)
    client.update_deployment_schedule(deployment.id, schedule.id, active=True)
    begun = "Running", "Completed"
    until(lambda: [run for run in named(client, deployment, *begun) if run.expected_start_time > resumed])
    for one in (deployment, control):
        client.delete_deployment(one.id)


@pytest.mark.soak
def test_overlapping_runs_are_refused_or_wait_as_declared(deployed, work, client, until):
    root = deployed(
        HELD, {"repro-nightly": {"schedules": []}, "retrain-weekly": PIPELINE | {"schedules": []}},
    )  # fmt: skip
    work(root)
    nightly, weekly = (
        client.read_deployment_by_name(f"pipeline/{name}") for name in ("repro-nightly", "retrain-weekly")
    )

    def ask(deployment, target: str) -> object:
        return client.create_flow_run_from_deployment(deployment.id, parameters={"targets": [target]}).id

    def state(run) -> object:
        return client.read_flow_run(run).state

    first, begun = ask(nightly, "nightly"), ask(weekly, "weekly")
    until(lambda: state(first).is_running() and state(begun).is_running())
    refused, waiting = ask(nightly, "nightly"), ask(weekly, "weekly")
    until(lambda: state(refused).is_final())
    assert (state(refused).name, state(refused).message) == ("Cancelled", "Deployment concurrency limit reached.")
    until(lambda: state(waiting).name == "AwaitingConcurrencySlot")
    assert state(first).is_running() and state(begun).is_running()
    (root / "go").touch()
    until(lambda: all(state(run).is_final() for run in (first, begun, waiting)))
    assert [state(run).name for run in (first, begun, waiting)] == ["Completed"] * 3
    assert client.read_flow_run(waiting).start_time >= client.read_flow_run(begun).end_time
    for one in (nightly, weekly):
        client.delete_deployment(one.id)


@pytest.fixture
def own(deployed):
    """A project's own server and worker, as `make ui` starts them: `own("start")`, and the address of their API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")} | {
        "PREFECT_SERVER_API_PORT": str(port), "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_WORKER_PREFETCH_SECONDS": "1", "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION": "30",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip

    def command(word: str) -> str:
        subprocess.run([sys.executable, "-m", "flows.ui", word], env=environment, check=True, timeout=600)
        return f"http://127.0.0.1:{port}/api"

    yield command
    command("stop")


@pytest.mark.soak
def test_what_a_stopped_server_missed_runs_once_when_it_is_back(deployed, own, until):
    """Runs are written down ahead; after the downtime all that were due come at once, and CANCEL_NEW refuses most."""
    from prefect.client.orchestration import SyncPrefectClient

    root = deployed(QUICK, {"repro-nightly": every(10, "nightly")}, seed="1")
    url = own("start")
    # The worker ends first, and takes the runs along that it has begun: what is left has nobody begun.
    ui.background.end(json.loads((root / ".prefect/processes.json").read_text())["worker"])
    with SyncPrefectClient(url) as client:
        deployment = client.read_deployment_by_name("pipeline/repro-nightly")

        def waiting() -> list:
            found = runs(client, deployment)
            left = [run for run in found if run.state.is_scheduled()]
            return left if len(left) > 9 and all(run.state.is_final() for run in found if run not in left) else []

        planned = sorted(until(waiting), key=lambda run: run.expected_start_time)
    own("stop")
    third = planned[2].expected_start_time
    until(lambda: datetime.now(UTC) > third)  # the downtime itself
    own("start")
    with SyncPrefectClient(url) as client:
        ids = {run.id for run in planned}

        def caught_up() -> list:
            found = [run for run in runs(client, deployment) if run.id in ids]
            begun = [run.start_time for run in found if run.state_name == "Completed"]
            # What fell due until the first of them ran: the server and the worker take a while to be back.
            due = [run for run in found if begun and run.expected_start_time < min(begun)]
            return due if all(run.state.is_final() for run in due) else []

        due = until(caught_up)
    names = sorted(run.state_name for run in due)
    assert len(names) >= 3 and min(run.expected_start_time for run in due) == planned[0].expected_start_time
    assert names == [*["Cancelled"] * (len(names) - 1), "Completed"], names


@pytest.mark.soak
def test_a_run_that_is_lost_with_its_server_gives_its_place_back(deployed, own, until):
    """As when the machine loses its power: nobody is left to tell the server that the run has ended."""
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.states import Pending

    root = deployed(QUICK, {"repro-nightly": {"schedules": []}}, seed="1")
    url = own("start")
    started = json.loads((root / ".prefect/processes.json").read_text())
    ui.background.end(started["worker"])  # this test is the worker
    with SyncPrefectClient(url) as client:
        deployment = client.read_deployment_by_name("pipeline/repro-nightly").id
        lost, refused = (client.create_flow_run_from_deployment(deployment).id for _ in range(2))
        names = [client.set_flow_run_state(run, Pending()).state.name for run in (lost, refused)]
    assert names == ["Pending", "Cancelled"]
    for process in ui.background.family([ui.background.find(started["server"])]):
        process.kill()
    own("start")
    with SyncPrefectClient(url) as client:

        def accepted() -> bool:
            run = client.create_flow_run_from_deployment(deployment).id
            until(lambda: client.read_flow_run(run).state.is_final())
            return client.read_flow_run(run).state.name == "Completed"

        until(accepted)


@pytest.fixture
def cluster(deployed, server, client, monkeypatch):
    """The deployment for Kubernetes, applied with its pool as the README says."""
    monkeypatch.setenv("REVIEWMILL_IMAGE", "registry.example.org/reviewmill:1")
    root = deployed(QUICK, {"repro-kubernetes": {}}, seed="1")
    url = server["PREFECT_API_URL"].removesuffix("/api")
    assert "repro-kubernetes needs work pool reviewmill-kubernetes" in ui.apply(root, url)
    words = "work-pool create reviewmill-kubernetes --type kubernetes --base-job-template flows/kubernetes.json"
    subprocess.run([sys.executable, "-m", "prefect", "--no-prompt", *words.split()], env=server, cwd=root, check=True)
    assert "deployments: repro-kubernetes" in ui.apply(root, url)
    yield client.read_deployment_by_name("pipeline/repro-kubernetes"), client.read_work_pool("reviewmill-kubernetes")
    client.delete_work_pool("reviewmill-kubernetes")


# The fields of a Job that the manifest may use, from Kubernetes' API reference for batch/v1.
JOB = {"backoffLimit": int, "parallelism": int, "completions": int, "ttlSecondsAfterFinished": int, "template": dict}
POD = {
    "restartPolicy": str, "serviceAccountName": str, "terminationGracePeriodSeconds": int, "containers": list,
    "volumes": list,
}  # fmt: skip
CONTAINER = {
    "name": str, "image": str, "imagePullPolicy": str, "args": (str, list), "env": (dict, list), "resources": dict,
    "volumeMounts": list,
}  # fmt: skip


def fits(found: dict, fields: dict) -> None:
    for name, value in found.items():
        assert isinstance(value, fields[name]), f"{name}: {value!r}"


def test_the_job_for_kubernetes_renders(cluster, server):
    """As far as it goes without a cluster: the server takes pool and deployment, and the job's manifest is whole."""
    from prefect.client.orchestration import PrefectClient
    from prefect.workers.base import BaseJobConfiguration

    deployment, pool = cluster
    assert pool.type == "kubernetes" and deployment.work_pool_name == pool.name and not deployment.schedules

    class Configuration(BaseJobConfiguration):
        job_manifest: dict

    async def render() -> Configuration:
        values = deployment.job_variables | {"name": "some-run"}
        async with PrefectClient(server["PREFECT_API_URL"]) as client:
            return await Configuration.from_template_and_values(pool.base_job_template, values, client=client)

    job = asyncio.run(render()).job_manifest
    assert (job["apiVersion"], job["kind"], job["metadata"]["generateName"]) == ("batch/v1", "Job", "some-run-")
    fits(job["spec"], JOB)
    pod = job["spec"]["template"]["spec"]
    fits(pod, POD)
    (container,), (volume,) = pod["containers"], pod["volumes"]
    fits(container, CONTAINER)
    assert pod["restartPolicy"] == "Never" and job["spec"]["backoffLimit"] == 0, "Prefect tries again, not Kubernetes"
    assert container["image"] == "registry.example.org/reviewmill:1"
    assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": container["env"]["REVIEWMILL_ROOT"]}]
    assert volume["persistentVolumeClaim"] == {"claimName": "reviewmill"}
    assert container["resources"]["limits"] == {"memory": "8Gi", "nvidia.com/gpu": 0}
    assert "{{" not in str(job), "a placeholder that nothing fills"


def test_a_job_without_its_volume_is_refused(cluster, client):
    from prefect.exceptions import PrefectHTTPStatusError

    deployment, _ = cluster
    with pytest.raises(PrefectHTTPStatusError, match=r"409|422"):
        client.create_flow_run_from_deployment(deployment.id, job_variables={"gpus": "many"})
