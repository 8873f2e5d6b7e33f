"""Small DVC projects, and one Prefect server for all the tests of flows."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Make a DVC project without git in a folder of its own, and go there: `project({node: {cmd, deps, outs}})`."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    root = tmp_path / "project"

    def make(stages: dict, **files: str) -> Path:
        (root / ".dvc").mkdir(parents=True, exist_ok=True)
        (root / ".dvc/config").write_text("[core]\n    no_scm = true\n    check_update = false\n")
        (root / "dvc.yaml").write_text(json.dumps({"stages": stages}))
        for name, text in files.items():
            (root / name).write_text(text)
        monkeypatch.chdir(root)
        return root

    return make


@pytest.fixture
def deployed(project):
    """A DVC project that has these flows and some deployments of prefect.yaml: `deployed(stages, {name: changes})`."""

    def make(stages: dict, changes: dict, **files: str) -> Path:
        root = project(stages, **files)
        wanted = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
        wanted["deployments"] = [one | changes[one["name"]] for one in wanted["deployments"] if one["name"] in changes]
        assert {one["name"] for one in wanted["deployments"]} == set(changes)
        (root / "prefect.yaml").write_text(yaml.safe_dump(wanted), encoding="utf-8")
        for package in ("flows", "stages"):
            if not (root / package).exists():
                (root / package).symlink_to(ROOT / package)
        return root

    return make


@pytest.fixture
def until():
    """Ask again and again until the answer is true, and return it; a server too busy to answer has not answered yet."""

    def ask(look: Callable[[], object], seconds: float = 300) -> object:
        began, answer = time.monotonic(), None
        while not answer:
            assert time.monotonic() - began < seconds, f"not within {seconds} s"
            try:
                answer = look()
            except httpx.HTTPStatusError as error:
                assert error.response.status_code == 503, error.response.text  # SQLite: the database is locked
            time.sleep(0.3 * (not answer))
        return answer

    return ask


@pytest.fixture
def gone():
    """Has this process ended, or does it within seconds? A zombie that nobody has collected yet counts as ended."""

    def look(pid: int) -> bool:
        for _ in range(50):
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                return True
            if state == "Z":
                return True
            time.sleep(0.1)
        return False

    return look


@contextmanager
def serving(home: Path) -> Iterator[tuple[dict[str, str], subprocess.Popen]]:
    """A Prefect server while it is needed: the environment of a process that talks to it, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "1",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
        # By default a schedule of seconds has its next 100 runs written down anew each second, and SQLite is locked for
        # as long as that takes.
        "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "8",
        "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT30S",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("PREFECT_API_URL", None)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}/api"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/health", timeout=1)
                break
            except OSError:
                assert process.poll() is None, (home / "server.log").read_text()
                time.sleep(0.2)
        yield environment | {"PREFECT_API_URL": url}, process
    finally:
        with suppress(subprocess.TimeoutExpired):
            process.terminate()
            process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The environment of a process that talks to a Prefect server of these tests' own."""
    with serving(tmp_path_factory.mktemp("prefect")) as (environment, _):
        yield environment


@pytest.fixture
def mortal(tmp_path_factory):
    """A server for one test alone, which may kill it: the environment as above, and what kills it with -9."""
    with serving(tmp_path_factory.mktemp("prefect")) as (environment, process):
        yield environment, lambda: os.killpg(process.pid, signal.SIGKILL)
