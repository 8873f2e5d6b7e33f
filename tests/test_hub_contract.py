"""What publishing counts on, asked of the Hub on the loopback, and of the real one where a token for tests is given.

REVIEWMILL_HUB_TOKEN (or HF_TOKEN_TEST) and REVIEWMILL_HUB_NAMESPACE: where two private repositories are made for the
length of the test. REVIEWMILL_HUB_ENDPOINT: another Hub than the one that the client knows.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from hub.faults import BEFORE
from hub.server import READER, TOKEN, Hub
from hub.store import Repo

ROOT = Path(__file__).parents[1]
GIVEN = os.environ.get("REVIEWMILL_HUB_TOKEN") or os.environ.get("HF_TOKEN_TEST")
NAMESPACE = os.environ.get("REVIEWMILL_HUB_NAMESPACE")
TREE = {"README.md": True, "config.json": True, "model.safetensors": True}
WANTED = {
    "made anew is private": True,
    "made again is as it was": True,
    "a new one has .gitattributes alone": [".gitattributes"],
    "hidden from a stranger": True,
    "head is the commit's answer": True,
    "the tree has the bytes": TREE,
    "weights lie in LFS, settings in git": [True, False],
    "titles, the newest first": ["Publish git-0123456789ab"],
    "the same files make no commit": True,
    "a stale parent": 412,
    "what is not there cannot be deleted": 404,
    "a tag names its commit": True,
    "a tag again at its commit": 409,
    "a tag again elsewhere": 409,
    "and it has not moved": True,
    "deleted with the same commit": [".gitattributes", "config.json", "model.safetensors"],
    "copied from an earlier commit": TREE,
    "a file at a commit": True,
    "no such file": None,
    "downloaded by tag": TREE,
    "deleted": True,
}


def asked(folder: Path, token: str, namespace: str, **more: str) -> tuple[dict, str]:
    """check → what was found; and what went wrong, if something did."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    env |= {"HF_TOKEN": token, "HF_HOME": str(folder / "hf"), "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(ROOT),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1"} | more  # fmt: skip
    words = [sys.executable, str(ROOT / "tests/hub/contract.py"), namespace]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=600)
    found = {}
    for line in done.stdout.splitlines():
        found |= json.loads(line)
    return found, done.stderr[-3000:] if done.returncode else ""


@pytest.fixture
def hub():
    hub = Hub()
    yield hub
    hub.close()


WHOLE = {f"{kind}: {name}": wanted for kind in ("model", "dataset") for name, wanted in WANTED.items()}


def test_the_hub_on_the_loopback_keeps_the_contract_in_pages_too(hub, tmp_path):
    hub.page = 2
    assert asked(tmp_path, TOKEN, "mill", HF_ENDPOINT=hub.url) == (WHOLE, "")
    assert not hub.strays, "the token went to the origin of large files"
    assert any("PUT STORAGE" in call for call in hub.requests) and any("GET STORAGE" in call for call in hub.requests)


@pytest.mark.skipif(
    not (GIVEN and NAMESPACE), reason="no REVIEWMILL_HUB_TOKEN and REVIEWMILL_HUB_NAMESPACE: no real Hub"
)
def test_the_real_hub_keeps_the_same_contract(tmp_path):
    endpoint = os.environ.get("REVIEWMILL_HUB_ENDPOINT")
    assert asked(tmp_path, GIVEN, NAMESPACE, **({"HF_ENDPOINT": endpoint} if endpoint else {})) == (WHOLE, "")


# --- what only the one on the loopback can be asked -------------------------------------------------------------------


def call(url: str, method: str = "GET", token: str = TOKEN, data: bytes | None = None) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_it_survives_its_own_restart(tmp_path):
    first = Hub(tmp_path)
    repo = first.create("mill/one", files={"model.safetensors": b"large", "config.json": b"{}"})
    repo.tag("v1", repo.resolve("main"))
    told = repo.log(), repo.tags, repo.files(), repo.private
    first.close()
    second = Hub(tmp_path)
    repo = second.repo("mill/one")
    assert (repo.log(), repo.tags, repo.files(), repo.private) == told and repo.fsck() == ""
    status, data = call(f"{second.url}/mill/one/resolve/v1/config.json")
    assert (status, data) == (200, b"{}")
    second.close()


def test_large_files_are_given_to_a_signed_address_without_a_token_alone(hub):
    hub.create("mill/one", files={"model.safetensors": b"large"})
    request = urllib.request.Request(f"{hub.url}/mill/one/resolve/main/model.safetensors", method="HEAD")
    request.add_unredirected_header("Authorization", f"Bearer {TOKEN}")
    with urllib.request.urlopen(request) as answer:
        signed = answer.url
    assert signed.startswith(hub.storage) and call(signed, token="") == (200, b"large")
    assert call(signed)[0] == 400 and hub.strays == [f"GET STORAGE{signed.partition(hub.storage)[2].partition('?')[0]}"]
    assert call(signed.partition("?")[0], token="")[0] == 400
    assert call(signed, "PUT", "", b"other bytes")[0] == 400


@pytest.mark.parametrize(("token", "status"), [(TOKEN, 200), (READER, 200), ("", 401), ("hf_wrong", 401)])
def test_a_private_repository_is_seen_by_those_with_a_token(hub, token, status):
    hub.create("mill/one")
    assert call(f"{hub.url}/api/models/mill/one", token=token)[0] == status


def test_who_may_read_may_not_write(hub):
    hub.create("mill/one")
    assert call(f"{hub.url}/api/models/mill/one/tag/main", "POST", READER, b'{"tag": "v1"}')[0] == 403
    assert hub.repo("mill/one").tags == {}


def test_a_fault_meets_the_nth_call_and_no_other(hub):
    hub.create("mill/one")
    hub.faults.plant("GET .*/refs", nth=2, status=503, moment=BEFORE)
    refs = f"{hub.url}/api/models/mill/one/refs"
    assert [call(refs)[0] for _ in range(3)] == [200, 503, 200]


def test_a_call_that_is_lost_after_its_effect_has_had_it(hub):
    hub.create("mill/one")
    url, data = f"{hub.url}/api/models/mill/one/tag/main", b'{"tag": "v1"}'
    hub.faults.plant("POST .*/tag/", moment="before", status=500)
    assert call(url, "POST", TOKEN, data)[0] == 500 and hub.repo("mill/one").tags == {}
    hub.faults.clear()
    hub.faults.plant("POST .*/tag/", moment="after", status=500)
    assert call(url, "POST", TOKEN, data)[0] == 500 and list(hub.repo("mill/one").tags) == ["v1"]
    assert call(url, "POST", TOKEN, data)[0] == 409


def test_two_commits_on_one_parent_are_one(hub):
    repo: Repo = hub.create("mill/one")
    parent, line = repo.resolve("main"), {"key": "file", "value": {"path": "a", "content": "YQ=="}}
    head = {"key": "header", "value": {"summary": "one", "parentCommit": parent}}
    data = b"\n".join(json.dumps(one).encode() for one in (head, line))
    url = f"{hub.url}/api/models/mill/one/commit/main"
    assert [call(url, "POST", TOKEN, data)[0] for _ in range(2)] == [200, 412]
    assert len(repo.log()) == 2 and repo.files()["a"] == b"a"
