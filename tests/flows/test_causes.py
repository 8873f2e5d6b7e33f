"""flows.causes: what a failed node said, where to mend it, and whether the network was at fault."""

import pytest

from flows import causes

REFUSAL = "refused by stages.collect places\nexpected to read https://h/x.csv\n   found {}\n   where sources.places\n"


@pytest.mark.parametrize(
    "last",
    [
        "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='h', port=443): Max retries exceeded",
        "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='h', port=443): Read timed out. (read timeout=5)",
        "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>",
        "urllib.error.HTTPError: HTTP Error 503: Service Unavailable",
        "requests.exceptions.HTTPError: 429 Client Error: Too Many Requests for url: https://h/",
        "http.client.RemoteDisconnected: Remote end closed connection without response",
        "ConnectionResetError: [Errno 104] Connection reset by peer",
        "TimeoutError: timed out",
        "httpx.ConnectTimeout: timed out",
        "aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host h:443",
        'botocore.exceptions.EndpointConnectionError: Could not connect to the endpoint URL: "https://h"',
        "ERROR: unexpected error - [Errno 111] Connection refused",
        "ERROR: unexpected error - ConnectTimeoutError: Connect timeout on endpoint URL",
        REFUSAL.format("ClientConnectorError: Cannot connect to host h:443"),
        REFUSAL.format("connection timed out"),
    ],
)
def test_the_network_is_known_by_its_errors(last):
    assert causes.offline(f"Traceback (most recent call last):\n  ...\n{last}")


@pytest.mark.parametrize(
    "last",
    [
        REFUSAL.format("3 rows, the first: 'ConnectionError: read timed out'"),
        REFUSAL.format("FileNotFoundError: https://host/x.csv"),
        "refused by stages.clean places\nexpected rows\n   found none\n   where connection refused.csv",
        "ValueError: connection refused",
        "urllib.error.HTTPError: HTTP Error 404: Not Found",
        "ERROR: failed to reproduce 'a': failed to run: python -m stages.a, exited with 1",
        "the review says TimeoutError: connection reset",
    ],
)
def test_a_refused_table_is_no_fault_of_the_network(last):
    assert not causes.offline(last)


@pytest.mark.parametrize(
    "last",
    [
        "OSError: [Errno 28] No space left on device",
        "polars.exceptions.ComputeError: No space left on device (os error 28)",
        "sqlite3.OperationalError: database or disk is full",
        "ERROR: failed to transfer '0a' - [Errno 122] Disk quota exceeded: 'a' -> '.dvc/cache/0a'",
        REFUSAL.format("OSError: [Errno 28] No space left on device: 'data/x'").rstrip(),
    ],
)
def test_a_full_disk_is_known_and_what_to_do_is_said(last):
    cause = (
        f"Traceback (most recent call last):\n  ...\n{last}\nERROR: failed to reproduce 'a': No space left on device"
    )
    assert causes.full(cause)
    said, _, what = causes.address(cause).partition("; the disk is full: ")
    assert said in last and ("space" in said or "disk" in said.lower()) and what.startswith("make room and run again")
    assert not causes.full("ValueError: a row: 'no'\nthe review says: No space left on device")


def test_the_address_is_what_the_refusal_says():
    listed = (
        "refused by stages.validate places\nexpected places to meet its critical expectations\n   found 2 failed\n"
        "      - rows: observed 5 rows, bound 10 or more; sources.places.validate.rows\n"
        "      - rating.1: observed 0.5 of rows, bound 0.2; sources.places.validate.rating_share.1.high\n"
        "   where data/clean/places.parquet, 5 rows\n      do look at the rows"
    )
    assert causes.address(listed) == (
        "data/clean/places.parquet, 5 rows; sources.places.validate.rows; "
        "sources.places.validate.rating_share.1.high"
    )  # fmt: skip
    settings = (
        "refused by stages.train x\nexpected settings that can be run\n   found 1 mistake\n"
        "      - recipes.x.method.lora.rnk: unknown key; write rank\n   where params.yaml\n      do mend it"
    )
    assert causes.address(settings) == "params.yaml; recipes.x.method.lora.rnk"
    crash = "Traceback (most recent call last):\nZeroDivisionError: division by zero\nERROR: failed to reproduce 'a': …"
    assert causes.address(crash) == "ZeroDivisionError: division by zero"
    assert causes.address("") == ""
