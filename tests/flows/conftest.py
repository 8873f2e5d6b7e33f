"""Small DVC projects, and one Prefect server for all the tests of flows."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

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
