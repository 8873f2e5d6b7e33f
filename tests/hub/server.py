"""A Hub on the loopback over git (hub.store): the HTTP subset that the real client needs to publish and to fetch.

Covered, of models and datasets: bearer tokens (one that writes, one that reads; none: public repositories only),
whoami, create, delete and visibility, info by revision, refs, tree (recursive or one level, in pages), paths-info,
commits (in pages), validate-yaml, preupload with oids and .gitignore, LFS batch, PUT and verify, ndjson commit with 412
on a stale parent, tags with 409 on one that exists, resolve by GET and HEAD with ETag, Range and, of large files, a
redirect to another origin with a signed address, where a bearer token is refused. Faults on demand: hub.faults.

Not covered: spaces, branches made by clients, pull requests, multi-part and xet transfer, copies between repositories,
deleted tags, rate-limit headers, quotas, gated and renamed repositories, rights by namespace, the Hub's checks of a
card's content beyond that its YAML parses, pickle and malware scans, git's own protocol, and a CDN that lags behind.
The real Hub answers an unknown repository by 401 where no token is sent, as this does, and compresses text, which this
does not. The same contract test runs against both: tests/test_hub_contract.py.
"""

import socket
import tempfile
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from hub.answers import Answer, Answers
from hub.faults import AFTER, BEFORE, DROP, Faults
from hub.store import Repo, Store

TOKEN, READER = "hf_loopback", "hf_loopback_reader"


class Hub:
    """Two origins: `url`, which knows who asks, and `storage`, which holds large files. folder: of an earlier one."""

    def __init__(self, folder: Path | None = None):
        self._own = None if folder else tempfile.TemporaryDirectory(prefix="hub-", ignore_cleanup_errors=True)
        self.store, self.faults = Store(Path(folder or self._own.name)), Faults()
        self.rights = {TOKEN: "write", READER: "read", "": "none"}  # by token
        self.strays: list[str] = []  # calls of the storage origin that brought a bearer token along
        self.page = 1000  # entries of a tree or of commits in one answer
        self._storage, self.storage = self._serve("storage")
        self._main, self.url = self._serve("main")

    def close(self) -> None:
        for server in (self._main, self._storage):
            server.shutdown()
            server.server_close()
        if self._own:
            self._own.cleanup()

    def repo(self, name: str, kind: str = "model") -> Repo:
        return self.store.repo(name, kind)

    def create(
        self, name: str, private: bool = True, files: dict[str, bytes] | None = None, kind: str = "model"
    ) -> Repo:
        """A repository made by hand, with a commit of `files` on top of its first."""
        repo = self.repo(name, kind)
        repo.create(private)
        if files:
            repo.commit(files)
        return repo

    @property
    def requests(self) -> list[str]:
        return self.faults.calls

    def _serve(self, origin: str) -> tuple[ThreadingHTTPServer, str]:
        server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self, "origin": origin}))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server, "http://{}:{}".format(*server.server_address)


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_) -> None:
        """A caller that was killed in mid-call is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hub: Hub
    origin: str

    def answer(self) -> None:
        body = self._body()
        address = urlsplit(self.path)
        call = f"{self.command} {address.path}" if self.origin == "main" else f"{self.command} STORAGE{address.path}"
        fault = self.hub.faults.at(call)
        if fault and fault.moment == BEFORE:
            return self._lose() if fault.status == DROP else self._send(_error(fault))
        answers = Answers(self.hub.store, self.hub.url, self.hub.storage, self.hub.page)
        bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if self.origin == "storage":
            if bearer:
                self.hub.strays.append(call)
            told = answers.stored(self.command, address, body, self.headers, bool(bearer))
        else:
            told = answers.told(self.command, address, body, self.headers, self.hub.rights.get(bearer))
        if fault and fault.moment == AFTER:
            return self._lose() if fault.status == DROP else self._send(_error(fault))
        self._send(told)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _send(self, told: Answer) -> None:
        self.send_response(told.status)
        for key, value in ({"Content-Length": str(len(told.data))} | told.headers).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told.data)

    def _lose(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_) -> None:
        pass


def _error(fault) -> Answer:
    return Answer.json({"error": "this was to go wrong"}, fault.status, fault.headers)
