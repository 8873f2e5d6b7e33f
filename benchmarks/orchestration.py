"""What it costs to let the flow run the graph: `dvc repro` and the flow side by side, and what a kill leaves behind.

    python -m benchmarks.orchestration [--nodes 40] [--repeats 3] [--work 8] [--rounds 20] [--kills 40] [--seed 1]

In a folder of its own, with a Prefect server of its own: a graph of small nodes with nothing to do (`--nodes`), first
run whole and then unchanged, by `dvc repro` and by `python -m flows.pipeline`, in turn, medians of `--repeats` and
their ratio; the bare processes of as many stages, so that what each adds per node can be said; four nodes that each
keep one core busy for `--work` seconds, one after another and side by side; `--rounds` of four nodes at once, with each
entry of dvc.lock looked at; and `--kills` SIGKILLs, each of the flow, the worker that started it, their server, a DVC
process or a stage (drawn by `--seed`) at a random moment. The next run begins at once and alone has to bring outputs
and dvc.lock to what an undisturbed `dvc repro` makes beside it. Prints the tables and writes
benchmarks/results/orchestration.json.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import yaml

from flows import ui

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results/orchestration.json"
DVC = [sys.executable, "-P", "-m", "dvc", "--wait-for-lock", "repro"]
FLOW = [sys.executable, "-m", "flows.pipeline"]
# What a node does: read its input, keep one core busy for so many seconds, write what follows from both.
WORK = """\
import hashlib, sys, time
source, seconds, target = sys.argv[1], float(sys.argv[2]), sys.argv[3]
end = time.process_time() + seconds
while time.process_time() < end:
    hashlib.sha256(b"x" * 65536).digest()
open(target, "w").write(hashlib.sha256(open(source, "rb").read() + target.encode()).hexdigest())
"""
VICTIMS = ("flow", "worker", "server", "dvc", "stage")
# What a process is by its command line; the first that fits.
KINDS = {"leash.py": "leash", "work.py": "stage", "-m dvc": "dvc", "worker start": "worker", "": "flow"}
TORN = (".dvc/tmp/rwlock", "dvc.lock")  # what DVC writes in place, so that a kill may leave it empty or cut short


def graph(folder: Path, nodes: int, seconds: float, chains: int) -> dict[str, str]:
    """Make `folder` a DVC project: `chains` chains of together `nodes` nodes. Returns output → the bytes to expect."""
    folder.mkdir(parents=True)
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text("[core]\n    no_scm = true\n    check_update = false\n    analytics = false\n")
    (folder / ".dvcignore").write_text("__pycache__/\n")
    (folder / "work.py").write_text(WORK)
    (folder / "source.txt").write_text("0")
    stages, expected, before = {}, {}, {}
    for node in range(nodes):
        chain = node % chains
        source, target = before.get(chain, "source.txt"), f"out{node}.txt"
        stages[f"node{node}"] = {
            "cmd": f"python work.py {source} {seconds} {target}", "deps": [source, "work.py"], "outs": [target],
        }  # fmt: skip
        before[chain] = target
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    return expect(folder, stages, expected)


def expect(folder: Path, stages: dict, expected: dict[str, str]) -> dict[str, str]:
    """What each output has to hold, from the source as it is now, computed here."""
    held = {"source.txt": (folder / "source.txt").read_text()}
    for one in stages.values():
        source, target = one["deps"][0], one["outs"][0]
        held[target] = hashlib.sha256(held[source].encode() + target.encode()).hexdigest()
    return expected | {name: text for name, text in held.items() if name != "source.txt"}


def change(folder: Path, number: int) -> dict[str, str]:
    """Give all nodes something new to do. Returns output → the bytes to expect."""
    (folder / "source.txt").write_text(str(number))
    return expect(folder, yaml.safe_load((folder / "dvc.yaml").read_text())["stages"], {})


def run(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Seconds of the whole process; ends the benchmark where it fails."""
    start = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command[1:])} in {folder} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return time.monotonic() - start


def same(folder: Path, expected: dict[str, str]) -> bool:
    """All outputs as expected, and an entry of dvc.lock for each node with the md5 of what lies there."""
    lock = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]
    recorded = {out["path"]: out["md5"] for entry in lock.values() for out in entry["outs"]}
    return recorded.keys() == expected.keys() and all(
        (folder / name).read_text() == text and recorded[name] == hashlib.md5(text.encode()).hexdigest()
        for name, text in expected.items()
    )


@contextmanager
def server(home: Path):
    """A Prefect server on a free port of this machine: the environment of whoever talks to it, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home.mkdir(exist_ok=True)
    environment = os.environ | {
        "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "ERROR", "DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(ROOT),
        "DVC_SITE_CACHE_DIR": str(home / "site"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    environment.pop("PREFECT_API_URL", None)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    url = f"http://127.0.0.1:{port}/api"
    try:
        for _ in range(600):
            with suppress(OSError):
                urllib.request.urlopen(f"{url}/health", timeout=1)
                break
            time.sleep(0.2)
        yield environment | {"PREFECT_API_URL": url}, process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def costs(folder: Path, environment: dict, nodes: int, repeats: int) -> dict:
    """Full and unchanged runs of `nodes` nodes with nothing to do: seconds by DVC, by the flow, and bare."""
    took = {name: {"full": [], "unchanged": []} for name in ("dvc repro", "flow")}
    bare, number = [], 0
    graph(folder, nodes, 0.0, chains=4)
    for _ in range(repeats):
        for name, command in (("dvc repro", DVC), ("flow", FLOW)):
            number += 1
            expected = change(folder, number)
            took[name]["full"].append(run(command, folder, environment))
            assert same(folder, expected)
            took[name]["unchanged"].append(run(command, folder, environment))
        stage = [sys.executable, "work.py", "source.txt", "0", "bare.txt"]
        bare.append(nodes * statistics.median(run(stage, folder, environment) for _ in range(5)))
        (folder / "bare.txt").unlink()
    median = {name: {what: statistics.median(all_) for what, all_ in of.items()} for name, of in took.items()}
    alone = statistics.median(bare)
    return {
        "nodes": nodes, "repeats": repeats, "seconds": median, "all": took, "bare_seconds": alone,
        "over_bare_per_node": {name: (of["full"] - alone) / nodes for name, of in median.items()},
        "flow_over_dvc": {what: median["flow"][what] / median["dvc repro"][what] for what in ("full", "unchanged")},
    }  # fmt: skip


def parallel(folder: Path, environment: dict, work: float, repeats: int) -> dict:
    """Four nodes of one busy core each: `dvc repro`, the flow one at a time, the flow side by side; in turn."""
    ways = {"dvc repro": DVC, "flow, 1 at a time": [*FLOW, "--workers", "1"], "flow, 2 at a time": FLOW}
    took, number = {name: [] for name in ways}, 0
    graph(folder, 4, work, chains=4)
    for _ in range(repeats):
        for name, command in ways.items():
            number += 1
            expected = change(folder, number)
            took[name].append(run(command, folder, environment))
            assert same(folder, expected)
    median = {name: statistics.median(all_) for name, all_ in took.items()}
    return {"work": work, "repeats": repeats, "seconds": median, "all": took,
            "speedup": median["dvc repro"] / median["flow, 2 at a time"]}  # fmt: skip


def rounds(folder: Path, environment: dict, count: int) -> dict:
    """Four nodes at once, again and again: how many rounds lost an entry of dvc.lock, or failed."""
    graph(folder, 4, 0.2, chains=4)
    lost = complaints = 0
    for number in range(1, count + 1):
        expected = change(folder, number)
        done = subprocess.run([*FLOW, "--workers", "4"], cwd=folder, env=environment, capture_output=True, text=True)
        complaints += done.returncode != 0
        lost += not same(folder, expected)
    return {"rounds": count, "lost": lost, "failed": complaints}


def processes(folder: Path) -> list[tuple[int, str]]:
    """(pid, command line) of every process that works in `folder`."""
    found = []
    for path in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if path.name.isdigit() and (path / "cwd").readlink() == folder:
                found.append((int(path.name), (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
    return found


def kind(command: str) -> str:
    return next(name for words, name in KINDS.items() if words in command)


def made(folder: Path) -> dict[str, str]:
    """sha256 of each output, and of dvc.lock as far as it does not say which of two nodes ended first."""
    lock = json.dumps(yaml.safe_load((folder / "dvc.lock").read_text()), sort_keys=True).encode()
    texts = {path.name: path.read_bytes() for path in folder.glob("out*.txt")} | {"dvc.lock": lock}
    return {name: hashlib.sha256(text).hexdigest() for name, text in sorted(texts.items())}


@contextmanager
def worker(folder: Path, environment: dict):
    """A worker of that server, of which a run of the pipeline in `folder` has been asked: its process."""
    from prefect.client.orchestration import SyncPrefectClient

    wanted = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    nightly = next(one for one in wanted["deployments"] if one["name"] == "repro-nightly")
    # No limit: the place of a run that was killed in an earlier round would stay taken for minutes.
    nightly |= {"schedules": [], "concurrency_limit": None}
    (folder / "prefect.yaml").write_text(yaml.safe_dump(wanted | {"deployments": [nightly]}))
    for package in ("flows", "stages"):
        if not (folder / package).exists():
            (folder / package).symlink_to(ROOT / package)
    environment = environment | {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_LOGGING_LEVEL": "INFO"}
    log = folder / "worker.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.ui", "work"], cwd=folder, env=environment, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        await_(lambda: " started!" in log.read_text(), "the worker's start")
        ui.apply(folder, environment["PREFECT_API_URL"].removesuffix("/api"))
        with SyncPrefectClient(environment["PREFECT_API_URL"]) as client:
            deployment = client.read_deployment_by_name("pipeline/repro-nightly")
            client.create_flow_run_from_deployment(deployment.id)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_(look: Callable[[], object], what: str, seconds: float = 180) -> object:
    began = time.monotonic()
    while not (answer := look()):
        if time.monotonic() - began > seconds:
            sys.exit(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)
    return answer


def strike(folder: Path, victim: str, serving: subprocess.Popen, running: Callable[[], bool]) -> bool:
    """Kill one process of that kind, as soon as there is one; False when the run ended before."""
    if victim == "server":
        os.killpg(serving.pid, signal.SIGKILL)
        return True
    while True:
        for pid, command in processes(folder):
            if kind(command) == victim:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    return True
        if not running():
            return False
        time.sleep(0.01)


def torn(folder: Path) -> list[str]:
    """Which of DVC's files no longer say anything."""
    found = []
    for name in TORN:
        with suppress(FileNotFoundError):
            text = (folder / name).read_text()
            try:
                sound = isinstance(yaml.safe_load(text), dict)
            except yaml.YAMLError:
                sound = False
            if not sound:
                found.append(name)
    return found


def disturbed(
    folder: Path, home: Path, victim: str, moment: float
) -> tuple[bool, set[int], subprocess.CompletedProcess]:
    """A run in which `victim` is killed, and the next: whether anything was killed, what it left running, the next."""

    def next_run(environment: dict) -> tuple[set[int], subprocess.CompletedProcess]:
        left = {pid for pid, command in processes(folder) if kind(command) != "worker"}
        return left, subprocess.run(FLOW, cwd=folder, env=environment, capture_output=True, text=True)

    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    with server(home) as (environment, serving):
        if victim == "worker":
            with worker(folder, environment):
                await_(lambda: "flow" in {kind(command) for _, command in processes(folder)}, "a run by the worker")
                time.sleep(moment)
                hit = strike(folder, victim, serving, lambda: True)
                return hit, *next_run(environment)
        flow = subprocess.Popen(FLOW, cwd=folder, env=environment, **quiet)
        time.sleep(moment)
        hit = strike(folder, victim, serving, lambda: flow.poll() is None)
        try:
            flow.wait(300)
        except subprocess.TimeoutExpired:
            sys.exit(f"the flow does not end after a kill of {victim}")
        if victim != "server":
            return hit, *next_run(environment)
    with server(home) as (environment, _):
        return hit, *next_run(environment)


def killed(folder: Path, home: Path, count: int, seed: int) -> dict:
    """Kill something at a random moment, and let the next run begin at once: how often that brought all to be right."""
    draw, outcomes, twin = random.Random(seed), [], folder.with_name("undisturbed")
    for one in (folder, twin):
        graph(one, 8, 0.3, chains=4)
    undisturbed = os.environ | {"DVC_SITE_CACHE_DIR": str(home / "twin"), "DVC_NO_ANALYTICS": "1"}
    with server(home) as (environment, _):
        long = run(FLOW, folder, environment)
    run(DVC, twin, undisturbed)
    print(f"seed {seed}; an undisturbed run takes {long:.1f} s", flush=True)
    drawn, number = [], 0
    while len(outcomes) < count:
        drawn = drawn or draw.sample(VICTIMS, len(VICTIMS))  # each as often, in no order
        victim, moment, number = drawn[-1], draw.uniform(0.0, long), number + 1
        for one in (folder, twin):
            expected = change(one, number)
        run(DVC, twin, undisturbed)
        hit, left, again = disturbed(folder, home, victim, moment)
        outlived = still(left)
        broken = torn(folder) if again.returncode else []
        whole = again.returncode == 0 and same(folder, expected) and made(folder) == made(twin)
        if not hit and whole:
            continue  # the run was over before: another moment is drawn
        drawn.pop()
        outcomes.append(
            {"victim": victim, "moment": round(moment, 2), "whole": whole, "left": outlived, "torn": broken}
        )
        said = ["whole" if whole else "NOT WHOLE", *(f"{outlived} left" for _ in range(outlived > 0)), *broken]
        print(f"kill {len(outcomes)} of {count}, {victim} at {moment:.1f} s: {', '.join(said)}", flush=True)
        if not whole:
            print(
                f"the next run ended with {again.returncode}\n{again.stdout[-3000:]}{again.stderr[-3000:]}",
                file=sys.stderr,
            )
            for name in broken:  # by hand, which is what was not to be needed: for the rounds that follow
                (folder / name).unlink()
    per = {who: [one for one in outcomes if one["victim"] == who] for who in VICTIMS}
    return {
        "kills": count, "seed": seed, "undisturbed_seconds": long, "whole": sum(one["whole"] for one in outcomes),
        "left_something_running": sum(one["left"] > 0 for one in outcomes),
        "torn_by_dvc": sum(bool(one["torn"]) for one in outcomes),
        "by_victim": {
            who: {
                "kills": len(of), "whole": sum(one["whole"] for one in of), "left": sum(one["left"] > 0 for one in of),
                "torn": sum(bool(one["torn"]) for one in of),
            } for who, of in per.items()
        },
        "each": outcomes,
    }  # fmt: skip


def still(pids: set[int], seconds: float = 60) -> int:
    """How many of these processes do not end by themselves."""
    began, alive = time.monotonic(), pids
    while alive and time.monotonic() - began < seconds:
        alive = {pid for pid in alive if psutil.pid_exists(pid)}
        time.sleep(0.2)
    return len(alive)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("nodes", 40), ("repeats", 3), ("rounds", 20), ("kills", 40), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--work", type=float, default=8.0)
    asked = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="orchestration-")).resolve()
    told = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    try:
        with server(scratch / "server") as (environment, _):
            if asked.repeats:
                told["costs"] = costs(scratch / "costs", environment, asked.nodes, asked.repeats)
                print(json.dumps({name: told["costs"][name] for name in ("seconds", "flow_over_dvc")}, indent=1))
                told["parallel"] = parallel(scratch / "parallel", environment, asked.work, asked.repeats)
                print(json.dumps(told["parallel"], indent=1))
            if asked.rounds:
                told["rounds"] = rounds(scratch / "rounds", environment, asked.rounds)
                print(json.dumps(told["rounds"]))
        if asked.kills:
            told["kills"] = killed(scratch / "kills", scratch / "home", asked.kills, asked.seed)
            print(json.dumps({name: told["kills"][name] for name in told["kills"] if name != "each"}, indent=1))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    RESULTS.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
