"""Small DVC projects, and one Prefect server for all the tests of flows."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

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
    """Ask again and again until the answer is true, and return it."""

    def ask(look: Callable[[], object], seconds: float = 300) -> object:
        began = time.monotonic()
        while not (answer := look()):
            assert time.monotonic() - began < seconds, f"not within {seconds} s"
            time.sleep(0.3)
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


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The environment of a process that talks to a Prefect server of these tests' own."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_SERVICES_SCHEDULER_DEPLOYMENT_LOOP_SECONDS": "1",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("PREFECT_API_URL", None)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/api"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/health", timeout=1)
                break
            except OSError:
                assert process.poll() is None, (home / "server.log").read_text()
                time.sleep(0.2)
        yield environment | {"PREFECT_API_URL": url}
    finally:
        process.terminate()
        process.wait(20)
