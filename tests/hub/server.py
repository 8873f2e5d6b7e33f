"""A Hub on the loopback, in memory: enough of its HTTP interface for the real client to push a model and fetch it.

Covered: whoami, create a model repository, validate-yaml, repository and revision info, refs, tree, preupload, LFS
batch with PUT and verify, commit (ndjson, stale parent refused), tag, resolve by GET and HEAD.

Of datasets only reading: their info, the tree of files at the root, resolve.

Not covered: spaces, branches other than main, pull requests, folders inside a repository, multi-part and xet
transfer, paths-info, LFS redirects to another origin, rate limits, quotas, gated repositories, deletion of
repositories, rights finer than one token that may do everything, checks of a card's metadata beyond its being there.
"""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_loopback"
LFS = (".safetensors", ".bin")


class Hub:
    """Repositories by id: {private, commits: [(oid, message, {path: bytes})], tags: {name: oid}}."""

    def __init__(self):
        self.repos, self.large, self.requests = {}, {}, []
        self.before_commit = lambda repo: None  # a test's hook: what happens just before a commit arrives
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                path = unquote(urlsplit(self.path).path)
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = b"".join(iter(self.chunk, b""))
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                hub.requests.append(f"{self.command} {path}")
                allowed = path.startswith("/large/") or self.headers.get("Authorization") == f"Bearer {TOKEN}"
                status, told, headers = hub.answer(self.command, path, body, self.url()) if allowed else (401, {}, {})
                data = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                for key, value in ({"Content-Length": str(len(data))} | headers).items():
                    self.send_header(key, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_HEAD = do_POST = do_PUT = answer

            def chunk(self) -> bytes:
                size = int(self.rfile.readline(), 16)
                data = self.rfile.read(size)
                self.rfile.readline()
                return data

            def url(self) -> str:
                return "http://{}:{}".format(*self.server.server_address)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://{}:{}".format(*self.server.server_address)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def create(self, repo: str, private: bool = True, files: dict[str, bytes] | None = None):
        self.repos[repo] = {"private": private, "commits": [], "tags": {}}
        self.commit(repo, "initial commit", {".gitattributes": b""} | (files or {}))

    def commit(self, repo: str, message: str, files: dict[str, bytes]) -> str:
        commits = self.repos[repo]["commits"]
        oid = hashlib.sha1(f"{repo} {len(commits)} {message}".encode()).hexdigest()
        commits.append((oid, message, files))
        return oid

    def files(self, repo: str, revision: str = "main") -> tuple[str, dict[str, bytes]] | None:
        """The commit's id and files at a branch, tag or commit; None where there is no such revision."""
        commits = self.repos[repo]["commits"]
        oid = commits[-1][0] if revision == "main" else self.repos[repo]["tags"].get(revision, revision)
        return next(((one, files) for one, _, files in commits if one == oid), None)

    def answer(self, method: str, path: str, body: bytes, url: str) -> tuple[int, object, dict]:
        """(status, JSON or bytes, headers) of one request by a known user."""
        if method == "PUT":
            self.large[path.rpartition("/")[2]] = body
            return 200, {}, {}
        if path == "/api/whoami-v2":
            return 200, {"type": "user", "name": "mill", "orgs": []}, {}
        if path == "/api/validate-yaml":
            carded = json.loads(body)["content"].startswith("---\n")
            return (200, {"warnings": [], "errors": []}, {}) if carded else (400, {"errors": [{"message": "bare"}]}, {})
        if path == "/api/repos/create":
            asked = json.loads(body)
            repo = f"{asked['organization']}/{asked['name']}"
            if repo in self.repos:
                return 409, {"url": f"{url}/{repo}", "error": "exists"}, {}
            self.create(repo, asked.get("visibility") == "private")
            return 200, {"url": f"{url}/{repo}"}, {}
        if batch := re.fullmatch(r"/([^/]+/[^/]+)\.git/info/lfs/objects/(batch|verify)", path):
            return 200, self.batch(json.loads(body), f"{url}/{batch[1]}.git/info/lfs/objects/verify", url), {}
        if resolve := re.fullmatch(r"(?:/datasets)?/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self.resolve(*resolve.groups())
        if folder := re.fullmatch(r"/api/datasets/[^/]+/[^/]+/tree/[^/]+/(.+)", path):
            return 404, {"error": f"{folder[1]} does not exist"}, {"X-Error-Code": "EntryNotFound"}
        known = re.fullmatch(r"/api/(?:models|datasets)/([^/]+/[^/]+)(?:/([^/]+)(?:/([^/]+))?)?/?", path)
        if not known or known[1] not in self.repos:
            return 404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}
        return self.of_repo(known[1], known[2] or "revision", known[3] or "main", body, url)

    def of_repo(self, repo: str, verb: str, revision: str, body: bytes, url: str) -> tuple[int, object, dict]:
        of, there = self.repos[repo], self.files(repo, revision)
        if there is None:
            return 404, {"error": "Revision not found"}, {"X-Error-Code": "RevisionNotFound"}
        oid, files = there
        if verb == "revision":
            siblings = [{"rfilename": path} for path in files]
            return 200, {"id": repo, "sha": oid, "private": of["private"], "siblings": siblings}, {}
        if verb == "refs":
            branch = {"name": "main", "ref": "refs/heads/main", "targetCommit": oid}
            tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": o} for n, o in of["tags"].items()]
            return 200, {"branches": [branch], "converts": [], "tags": tags}, {}
        if verb == "tree":
            return 200, [{"type": "file", "path": p, "size": len(d), "oid": blob(p, d)} for p, d in files.items()], {}
        if verb == "preupload":
            told = [
                {
                    "path": path, "uploadMode": "lfs" if path.endswith(LFS) else "regular", "shouldIgnore": False,
                    "oid": blob(path, files[path]) if path in files else None,
                }
                for path in (one["path"] for one in json.loads(body)["files"])
            ]  # fmt: skip
            return 200, {"files": told}, {}
        if verb == "tag":
            name = json.loads(body)["tag"]
            if name in of["tags"]:
                return 409, {"error": "tag exists"}, {}
            of["tags"][name] = oid
            return 200, {}, {}
        self.before_commit(repo)
        return self.commit_lines(repo, [json.loads(line) for line in body.splitlines() if line], url)

    def commit_lines(self, repo: str, lines: list[dict], url: str) -> tuple[int, object, dict]:
        head, files = self.files(repo)
        header, files = lines[0]["value"], dict(files)
        if header.get("parentCommit", head) != head:
            return 412, {"error": "A commit has happened since. Please refresh and try again."}, {}
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.large:
                    return 400, {"error": f"LFS object of {value['path']} was never sent"}, {}
                files[value["path"]] = self.large[value["oid"]]
            else:
                del files[value["path"]]
        oid = self.commit(repo, header["summary"], files)
        return 200, {"commitUrl": f"{url}/{repo}/commit/{oid}", "commitOid": oid, "hookOutput": ""}, {}

    def batch(self, asked: dict, verify: str, url: str) -> dict:
        actions = {} if "objects" not in asked else {"verify": {"href": verify}}
        missing = [one for one in asked.get("objects", []) if one["oid"] not in self.large]
        objects = [one | {"actions": actions | {"upload": {"href": f"{url}/large/{one['oid']}"}}} for one in missing]
        return {"transfer": "basic", "objects": objects}

    def resolve(self, repo: str, revision: str, path: str) -> tuple[int, object, dict]:
        there = self.files(repo, revision) if repo in self.repos else None
        if there is None or path not in there[1]:
            return 404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"}
        data = there[1][path]
        return 200, data, {"X-Repo-Commit": there[0], "ETag": f'"{blob(path, data)}"'}


def blob(path: str, data: bytes) -> str:
    """What tells the client that a file has not changed: SHA-256 for LFS, git's blob id otherwise."""
    if path.endswith(LFS):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
