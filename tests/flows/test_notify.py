"""flows.notify against a real server of Prefect and a receiver of webhooks on this machine."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

TOKEN = "a-token-nobody-may-see"
EMIT = """
import json, sys
from prefect.events import emit_event
name, payload = sys.argv[1:]
resource = {"prefect.resource.id": "reviewmill.retrain"}
emit_event(f"reviewmill.retrain.{name}", resource=resource, payload=json.loads(payload))
"""


@pytest.fixture
def receiver():
    """An address that takes webhooks, and what has come there."""
    arrived = []

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            arrived.append((self.path, json.loads(body)["text"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receive) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{TOKEN}", arrived
        server.shutdown()


def python(environment: dict, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    return f"{done.returncode} {done.stdout}{done.stderr}"


def test_a_failure_and_a_promotion_arrive_once_each(server, receiver, until):
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.states import Completed, Failed

    address, arrived = receiver
    environment = server | {"REVIEWMILL_WEBHOOK": address}
    for _ in range(2):  # a second time changes nothing
        said = python(environment, "-m", "flows.notify")
        assert said == "0 notifications: reviewmill-failed, reviewmill-refused, reviewmill-promoted\n"
    assert python(server, "-m", "flows.notify").startswith("0 notifications: as they were")

    with SyncPrefectClient(server["PREFECT_API_URL"]) as client:
        flow = client.create_flow_from_name("pipeline")
        deployment = client.create_deployment(flow, "told")
        for state in (Completed(), Failed(message='1 of 5 nodes failed: "bad"')):
            run = client.create_flow_run_from_deployment(deployment)
            client.set_flow_run_state(run.id, state, force=True)
    until(lambda: arrived)
    python(environment, "-c", EMIT, "promoted", '{"commit": "abc", "margin": 0.03, "reason": "0.81 > 0.78"}')
    until(lambda: len(arrived) > 1)
    python(environment, "-c", EMIT, "refused", '{"reason": "no better"}')
    until(lambda: len(arrived) > 2)
    (_, failure), (path, promotion), (_, refusal) = arrived
    assert failure == f'told/{run.name} Failed: 1 of 5 nodes failed: "bad" '
    assert path == f"/{TOKEN}"
    assert promotion == "challenger promoted: commit abc, margin 0.03, reason 0.81 > 0.78"
    assert refusal == "challenger refused: reason no better"

    for kept in Path(server["PREFECT_HOME"]).rglob("*"):
        assert kept.is_dir() or TOKEN.encode() not in kept.read_bytes(), f"{kept} holds the webhook's address"

    said = python(server | {"REVIEWMILL_WEBHOOK": ""}, "-m", "flows.notify")
    assert said == "0 notifications: none (REVIEWMILL_WEBHOOK is empty)\n"
    with SyncPrefectClient(server["PREFECT_API_URL"]) as client:
        assert not [one.name for one in client.read_automations() if one.name.startswith("reviewmill")]


def test_a_wrong_address_is_refused_and_not_shown(server):
    said = python(server | {"REVIEWMILL_WEBHOOK": f"hooks.example.org/{TOKEN}"}, "-m", "flows.notify")
    assert said == "1 REVIEWMILL_WEBHOOK: expected http://… or https://…, found something else\n"
