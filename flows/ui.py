"""This project's own Prefect server, its worker and its deployments, behind the command line: start, stop, address.

All of it lies in `.prefect/` of the working directory: the database (unless PREFECT_API_DATABASE_CONNECTION_URL names
another), two logs, and which processes to stop. The server listens on loopback only.
"""

import argparse
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT, run
from urllib.request import urlopen

import yaml

from flows import background
from stages.files import replacing

HOST = "127.0.0.1"
PORT = 4200  # Prefect's own; PREFECT_SERVER_API_PORT asks for another
PORTS = 50  # how many are tried from there on, when the port was not asked for
POOL = "reviewmill"  # the work pool of this machine's worker
PATIENCE = 180  # seconds for a server to answer or a worker to report; a migration of the database is among them


class NotStarted(Exception):
    """What did not start, why, and where its log lies."""


def start(root: Path) -> str:
    """Start what is not running yet of server and worker, apply prefect.yaml, and return the server's address."""
    if not (root / "prefect.yaml").is_file():
        raise NotStarted(f"no prefect.yaml in {root}: run this from the project's root")
    with _state(root) as state:
        running = background.find(state.get("server")), background.find(state.get("worker"))
        if not running[0]:
            background.end(state.get("worker"))  # it would look for the server where that no longer is
            state |= {"url": f"http://{HOST}:{_port()}", "worker": None, "applied": None}
            command = ["server", "start", "--host", HOST, "--port", state["url"].rpartition(":")[2]]
            state["server"] = _launch(root, "server", command, state["url"])
            _save(root, state)
        _await("server", state["server"], root, lambda: urlopen(f"{state['url']}/api/health", timeout=5))
        if not background.find(state.get("worker")):
            log = _log(root, "worker")
            began = log.stat().st_size if log.exists() else 0
            command = ["worker", "start", "--pool", POOL, "--type", "process"]  # makes the pool where there is none
            state["worker"] = _launch(root, "worker", command, state["url"])
            _save(root, state)
            _await("worker", state["worker"], root, lambda: log.read_bytes().index(b" started!", began))
        wanted = (root / "prefect.yaml").read_text(encoding="utf-8")
        if state.get("applied") != wanted:
            print(apply(root, state["url"]))
            state["applied"] = wanted
        if "REVIEWMILL_WEBHOOK" in os.environ:
            _notify(root, state["url"])
    print(f"{'already running' if all(running) else 'running'} at {state['url']} (make quit stops it)")
    return state["url"]


def stop(root: Path) -> None:
    """End the worker with its runs, then the server; nothing that `start` did not start."""
    with _state(root) as state:
        alive = [name for name in ("worker", "server") if background.find(state.get(name))]
        for name in alive:
            background.end(state[name])
            print(f"{name} stopped")
        state.clear()
    if not alive:
        print("nothing was running")


def address(root: Path) -> str | None:
    """The address of the API of the server that runs here; None when none does."""
    state = _read(root)
    return f"{state['url']}/api" if background.find(state.get("server")) else None


def apply(root: Path, url: str) -> str:
    """Apply the deployments of prefect.yaml whose work pool there is. A schedule that was paused stays paused."""
    from prefect.client.orchestration import SyncPrefectClient

    wanted = yaml.safe_load((root / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    with SyncPrefectClient(f"{url}/api") as client:
        pools = {pool.name for pool in client.read_work_pools()}
        names = [one["name"] for one in wanted if one["work_pool"]["name"] in pools]
        paused = {
            (deployment.id, schedule.slug)
            for deployment in client.read_deployments()
            for schedule in deployment.schedules
            if not schedule.active
        }
        command = [sys.executable, "-P", "-m", "prefect", "--no-prompt", "deploy"]
        command += [word for name in names for word in ("--name", name)]
        # Prefect fills REVIEWMILL_ROOT in where it is known, and here it must stay open: each worker has its own.
        environment = {name: text for name, text in _environment(root, url).items() if name != "REVIEWMILL_ROOT"}
        if names:
            done = run(command, env=environment, cwd=root, stdout=PIPE, stderr=STDOUT, text=True)
        for deployment in client.read_deployments():
            for schedule in deployment.schedules:
                if schedule.active and (deployment.id, schedule.slug) in paused:
                    client.update_deployment_schedule(deployment.id, schedule.id, active=False)
    if names and done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-20:])
        raise NotStarted(f"prefect.yaml could not be applied; the end of what `prefect deploy` said:\n{tail}")
    others = [f"{one['name']} needs work pool {one['work_pool']['name']}" for one in wanted if one["name"] not in names]
    return "\n".join([f"deployments: {', '.join(names)}", *others])


def work(root: Path) -> None:
    """Become a worker of the server at PREFECT_API_URL that runs flows in `root`: one on each further machine."""
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        raise NotStarted("PREFECT_API_URL is not set: expected the API of a server, as http://<machine>:4200/api")
    command = [sys.executable, "-P", "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    os.chdir(root)
    os.execve(sys.executable, command, _environment(root, url.removesuffix("/api")))


def _environment(root: Path, url: str) -> dict[str, str]:
    """What server, worker and deploy run under. A profile or a cloud account of the user is not looked at."""
    inherited = {name: text for name, text in os.environ.items() if name != "REVIEWMILL_WEBHOOK"}  # no flow needs it
    return {"PREFECT_HOME": str(root / ".prefect")} | inherited | {
        # The pull step of prefect.yaml goes where this says; a run imports `flows` from there.
        "REVIEWMILL_ROOT": str(root),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")])),
        "PREFECT_API_URL": f"{url}/api",
        # Who has a deployment's place is by default known to the server's memory alone: after a kill -9 of server and
        # run together the place would stay taken, and every later night be refused.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }  # fmt: skip


def _notify(root: Path, url: str) -> None:
    environment = _environment(root, url) | {"REVIEWMILL_WEBHOOK": os.environ["REVIEWMILL_WEBHOOK"]}
    if run([sys.executable, "-m", "flows.notify"], env=environment, cwd=root).returncode:
        raise NotStarted("notifications could not be applied: the reason stands above")


def _launch(root: Path, name: str, words: list[str], url: str) -> background.Record:
    command = [sys.executable, "-P", "-m", "prefect", *words]
    return background.start(command, _log(root, name), _environment(root, url), root)


def _await(name: str, record: background.Record, root: Path, look: object) -> None:
    """Wait until `look` succeeds; the end of the log is the cause when the process ends before."""
    began = time.monotonic()
    while True:
        try:
            return look()
        except (OSError, ValueError):
            late = time.monotonic() - began > PATIENCE
            if late or not background.find(record):
                tail = "\n".join(_log(root, name).read_text(errors="replace").splitlines()[-20:])
                found = f"did not report within {PATIENCE} s" if late else "ended at once"
                raise NotStarted(f"the {name} {found}; the end of {_log(root, name)}:\n{tail}") from None
            time.sleep(0.2)


def _port() -> int:
    asked = os.environ.get("PREFECT_SERVER_API_PORT")
    first = int(asked or PORT)
    for port in range(first, first + (1 if asked else PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                print(f"port {port} is taken", file=sys.stderr)
            else:
                return port
    raise NotStarted(
        f"no free port: expected {first} on {HOST} to be free; set PREFECT_SERVER_API_PORT to one that is"
        if asked else f"no free port from {first} to {first + PORTS - 1} on {HOST}: set PREFECT_SERVER_API_PORT"
    )  # fmt: skip


def _log(root: Path, name: str) -> Path:
    return root / ".prefect" / f"{name}.log"


@contextmanager
def _state(root: Path) -> Iterator[dict]:
    """What was started here, saved again at the end. Two commands at once take turns."""
    (root / ".prefect").mkdir(mode=0o700, exist_ok=True)
    with (root / ".prefect/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = _read(root)
        try:
            yield state
        finally:
            _save(root, state)


def _read(root: Path) -> dict:
    try:
        state = json.loads((root / ".prefect/processes.json").read_text(encoding="utf-8"))
        return state if isinstance(state, dict) else {}
    except (OSError, ValueError):
        return {}


def _save(root: Path, state: dict) -> None:
    with replacing(root / ".prefect/processes.json") as beside:
        beside.write_text(json.dumps(state), encoding="utf-8")


def main(argv: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.ui", description="Prefect's server, worker, deployments.")
    parser.add_argument("do", choices=["start", "stop", "address", "work"])
    root = Path.cwd()
    try:
        match parser.parse_args(argv).do:
            case "start":
                start(root)
            case "stop":
                stop(root)
            case "work":
                work(root)
            case "address":
                print(address(root) or "")
    except NotStarted as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
