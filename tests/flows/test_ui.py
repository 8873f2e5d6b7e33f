"""flows.ui and flows.background: one server and worker, started, found again, lost and stopped for real."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from flows import background, ui

SLEEP = "python -c \"import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(600)\""


def environment(port: int) -> dict[str, str]:
    left = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")}
    return left | {
        "PREFECT_SERVER_API_PORT": str(port), "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }  # fmt: skip


def command(words: str, port: int) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "flows.ui", words], env=environment(port), text=True, timeout=600,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def in_a_terminal_that_closes(words: str, port: int) -> str:
    """Run it with a terminal as its own, read all it says, and close the terminal as a window is closed."""
    child, terminal = pty.fork()
    if not child:
        os.execve(sys.executable, [sys.executable, "-m", "flows.ui", words], environment(port))
    said = b""
    try:
        while chunk := os.read(terminal, 4096):
            said += chunk
    except OSError:  # the command has ended, and the terminal with it
        pass
    os.close(terminal)
    os.waitpid(child, 0)
    return said.decode()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def bystander():
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        yield process
        process.kill()


def test_a_life_of_server_and_worker(deployed, port, bystander, gone, until):
    from prefect.client.orchestration import SyncPrefectClient

    root = deployed({"a": {"cmd": SLEEP}}, {"repro-nightly": {}})
    (root / ".prefect").mkdir()
    stale = {"pid": bystander.pid, "born": 1.0}  # a number that was a server's before the machine started anew
    (root / ".prefect/processes.json").write_text(json.dumps({"url": "x", "server": stale, "worker": stale}))
    try:
        said = in_a_terminal_that_closes("start", port)
        state = json.loads((root / ".prefect/processes.json").read_text())
        assert f"running at http://127.0.0.1:{port} " in said and "deployments: repro-nightly" in said, said
        api = f"http://127.0.0.1:{port}/api"
        assert command("address", port) == (0, f"{api}\n")
        assert json.load(urllib.request.urlopen(f"{api}/health")) is True
        settings = json.load(urllib.request.urlopen(f"{api}/admin/settings"))
        assert settings["server"]["analytics_enabled"] is False
        server = background.find(state["server"])
        listens = {one.laddr.ip for one in server.net_connections() if one.status == psutil.CONN_LISTEN}
        assert listens == {"127.0.0.1"}

        code, said = command("start", port)
        assert code == 0 and said.startswith("already running at") and said.count("\n") == 1, said
        assert json.loads((root / ".prefect/processes.json").read_text()) == state

        os.kill(state["worker"]["pid"], signal.SIGKILL)
        code, said = command("start", port)
        again = json.loads((root / ".prefect/processes.json").read_text())
        assert code == 0 and again["server"] == state["server"] and again["worker"] != state["worker"], said

        with SyncPrefectClient(api) as client:
            deployment = client.read_deployment_by_name("pipeline/repro-nightly")
            assert [schedule.schedule.timezone for schedule in deployment.schedules] == ["UTC"]
            client.update_deployment_schedule(deployment.id, deployment.schedules[0].id, active=False)
            ui.apply(root, f"http://127.0.0.1:{port}")
            deployment = client.read_deployment(deployment.id)
            assert [schedule.active for schedule in deployment.schedules] == [False], "a pause is kept"
            client.create_flow_run_from_deployment(deployment.id)
        stage = int(until((root / "pid").exists) and until((root / "pid").read_text))
        family = [one.pid for one in background.find(again["worker"]).children(recursive=True)]
        assert stage in family
    finally:
        code, said = command("stop", port)
    assert (code, said) == (0, "worker stopped\nserver stopped\n")
    assert all(map(gone, [state["server"]["pid"], again["worker"]["pid"], *family]))
    assert bystander.poll() is None, "only what was started here is stopped"
    assert command("stop", port) == (0, "nothing was running\n")
    assert command("address", port) == (0, "\n")


def test_a_port_that_is_taken(deployed, port, monkeypatch, capsys):
    deployed({}, {"repro-nightly": {}})
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        code, said = command("start", port)
        assert code == 1 and f"no free port: expected {port} on 127.0.0.1 to be free" in said, said
        monkeypatch.delenv("PREFECT_SERVER_API_PORT", raising=False)
        monkeypatch.setattr(ui, "PORT", port)
        assert ui._port() > port
        assert f"port {port} is taken" in capsys.readouterr().err


def test_a_server_that_cannot_start_says_why(deployed, port, monkeypatch):
    root = deployed({}, {"repro-nightly": {}})
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", str(port))
    monkeypatch.setattr(ui, "_launch", lambda root, name, words, url: background.start(
        [sys.executable, "-c", "print('no such database')"], ui._log(root, name), dict(os.environ), root
    ))  # fmt: skip
    with pytest.raises(ui.NotStarted, match=r"(?s)server ended at once; the end of .*server.log:\nno such database"):
        ui.start(root)


def test_outside_a_project(tmp_path, monkeypatch):
    with pytest.raises(ui.NotStarted, match=r"no prefect\.yaml in"):
        ui.start(tmp_path)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(ui.NotStarted, match="PREFECT_API_URL is not set"):
        ui.work(tmp_path)


def test_a_deaf_family_is_killed_and_its_orphans_too(tmp_path, gone, until):
    deaf = "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    child = deaf + "print('up', flush=True); time.sleep(600)"
    parent = f"{deaf}subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True); time.sleep(600)"
    record = background.start([sys.executable, "-c", parent], tmp_path / "log", dict(os.environ), tmp_path)
    until(lambda: "up" in (tmp_path / "log").read_text())
    family = background.find(record).children()
    background.end(record, grace=0.5)
    assert gone(record["pid"]) and len(family) == 1 and gone(family[0].pid)
    assert background.find(record) is None


def test_a_reused_number_is_not_found(bystander):
    born = psutil.Process(bystander.pid).create_time()
    assert background.find({"pid": bystander.pid, "born": born}).pid == bystander.pid
    for record in ({"pid": bystander.pid, "born": born - 60}, {"pid": bystander.pid}, {}, None):
        assert background.find(record) is None
        background.end(record)
    assert bystander.poll() is None
