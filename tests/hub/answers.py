"""What the Hub answers: a call by somebody with some rights → status, body and headers. What is covered: hub.server."""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlencode

import yaml
from hub.store import Entry, Repo, Stale, Store, is_large

SECRET = b"of the storage's signed addresses"
NO_REPO = "RepoNotFound", "Repository not found"
NO_REVISION = "RevisionNotFound", "Invalid rev id"
NO_ENTRY = "EntryNotFound", "A file with this name doesn't exist"
HEAD = re.compile(r"\A---\n(.*?)\n---(\n|\Z)", re.S)


@dataclass
class Answer:
    status: int
    data: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: object, status: int = 200, headers: dict | None = None) -> "Answer":
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | (headers or {}))

    @classmethod
    def no(cls, status: int, text: str, code: str = "") -> "Answer":
        headers = {"X-Error-Message": text} | ({"X-Error-Code": code} if code else {})
        return cls.json({"error": text}, status, headers)


class Refused(Exception):
    """An answer that ends the call."""

    def __init__(self, answer: Answer):
        self.answer = answer


class Answers:
    def __init__(self, store: Store, url: str, storage: str, page: int):
        self.store, self.url, self.storage, self.page = store, url, storage, page

    # --- the origin with the large files -----------------------------------------------------------------------------

    def stored(self, method: str, address: SplitResult, body: bytes, headers: Message, bearer: bool) -> Answer:
        signature = parse_qs(address.query).get("signature", [""])[0]
        if bearer or not hmac.compare_digest(signature, _signature(address.path)):
            return Answer.no(400, "one signed address, and no other authorization")
        kind, owner, name, oid = address.path.strip("/").split("/")
        repo = self.store.repo(f"{owner}/{name}", kind)
        if method == "PUT":
            if hashlib.sha256(body).hexdigest() != oid:
                return Answer.no(400, "not the bytes that were announced")
            repo.keep(body)
            return Answer(200)
        return _ranged(repo.large(oid).read_bytes(), headers, {"ETag": f'"{oid}"'})

    def _signed(self, kind: str, repo: str, oid: str) -> str:
        path = f"/{'dataset' if kind else 'model'}/{repo}/{oid}"
        return f"{self.storage}{path}?signature={_signature(path)}"

    # --- the Hub's own -----------------------------------------------------------------------------------------------

    def told(self, method: str, address: SplitResult, body: bytes, headers: Message, rights: str | None) -> Answer:
        """rights: write, read, none; None for a token that nobody has."""
        query = parse_qs(address.query)
        try:
            if rights is None:
                return Answer.no(401, "Invalid username or password.")
            for methods, pattern, name in ROUTES:
                if method in methods.split() and (found := re.fullmatch(pattern, address.path)):
                    words = {key: unquote(word) for key, word in found.groupdict().items() if word is not None}
                    self.rights, self.query, self.headers, self.method = rights, query, headers, method
                    return getattr(self, f"_{name}")(body, **words)
            return Answer.no(404, f"this Hub does not know {method} {address.path}")
        except Refused as refused:
            return refused.answer

    def _repo(self, kind: str, repo: str, write: bool = False) -> Repo:
        """The repository, for one who may read, or write, it; its existence is nobody else's business."""
        found = self.store.repo(repo, {"datasets": "dataset"}.get(kind.strip("/"), "model"))
        if not found.exists() or (found.private and self.rights == "none"):
            raise Refused(Answer.no(401 if self.rights == "none" else 404, NO_REPO[1], NO_REPO[0]))
        if write:
            self._writes()
        return found

    def _writes(self) -> None:
        if self.rights != "write":
            raise Refused(Answer.no(401 if self.rights == "none" else 403, "a token with the right to write is needed"))

    def _commit_of(self, repo: Repo, revision: str) -> str:
        if (commit := repo.resolve(revision)) is None:
            raise Refused(Answer.no(404, f"{NO_REVISION[1]}: {revision}", NO_REVISION[0]))
        return commit

    def _whoami(self, body: bytes) -> Answer:
        if self.rights == "none":
            return Answer.no(401, "Invalid username or password.")
        return Answer.json({"type": "user", "name": "mill", "orgs": [], "auth": {"accessToken": {"role": self.rights}}})

    def _yaml(self, body: bytes) -> Answer:
        head = HEAD.match(json.loads(body)["content"].replace("\r\n", "\n"))
        try:
            said = yaml.safe_load(head[1]) if head else None
        except yaml.YAMLError as error:
            return Answer.json({"errors": [{"message": str(error)}], "warnings": []}, 400)
        warnings = [] if said else [{"message": "empty or missing yaml metadata in repo card"}]
        return Answer.json({"errors": [], "warnings": warnings})

    def _create(self, body: bytes) -> Answer:
        self._writes()
        asked = json.loads(body)
        kind, name = asked.get("type") or "model", f"{asked.get('organization') or 'mill'}/{asked['name']}"
        repo, url = self.store.repo(name, kind), f"{self.url}/{'datasets/' * (kind == 'dataset')}{name}"
        if not repo.create(asked.get("visibility") == "private"):
            return Answer.json({"error": "You already created this repo", "url": url}, 409)
        return Answer.json({"url": url, "name": name})

    def _delete(self, body: bytes) -> Answer:
        asked = json.loads(body)
        self._repo(f"{asked.get('type') or 'model'}s", f"{asked['organization']}/{asked['name']}", True).delete()
        return Answer.json({})

    def _settings(self, body: bytes, kind: str, repo: str) -> Answer:
        asked = json.loads(body)
        self._repo(kind, repo, True).private = asked.get("visibility") == "private" or asked.get("private") is True
        return Answer.json({})

    def _info(self, body: bytes, kind: str, repo: str, rev: str = "main") -> Answer:
        of = self._repo(kind, repo)
        commit = self._commit_of(of, rev)
        siblings = [{"rfilename": path} for path in of.tree(commit)]
        return Answer.json({"id": repo, "sha": commit, "private": of.private, "tags": [], "siblings": siblings})

    def _refs(self, body: bytes, kind: str, repo: str) -> Answer:
        of = self._repo(kind, repo)
        told = {ours: [{"name": name, "ref": f"refs/{theirs}/{name}", "targetCommit": oid}
                       for name, oid in of.refs(theirs).items()]
                for ours, theirs in (("branches", "heads"), ("tags", "tags"))}  # fmt: skip
        return Answer.json({"converts": []} | told)

    def _commits(self, body: bytes, kind: str, repo: str, rev: str) -> Answer:
        of = self._repo(kind, repo)
        told = [{"id": oid, "title": title, "message": "", "date": date, "authors": [{"user": "mill"}]}
                for oid, date, title in of.log(self._commit_of(of, rev))]  # fmt: skip
        return self._paged(told, f"/api/{kind}/{repo}/commits/{quote(rev, safe='')}")

    def _tree(self, body: bytes, kind: str, repo: str, rev: str, path: str = "") -> Answer:
        of = self._repo(kind, repo)
        below = f"{path}/" if path else ""
        files = {name: one for name, one in of.tree(self._commit_of(of, rev)).items() if name.startswith(below)}
        if path and not files:
            return Answer.no(404, f"{path} does not exist", NO_ENTRY[0])
        folders = {name[: at + len(below)] for name in files for at, mark in enumerate(name[len(below) :])
                   if mark == "/"}  # fmt: skip
        told = [_entry(name, one) for name, one in files.items()]
        told += [{"type": "directory", "oid": "0" * 40, "size": 0, "path": name} for name in sorted(folders)]
        if self.query.get("recursive", ["false"])[0].lower() != "true":
            told = [one for one in told if "/" not in one["path"][len(below) :]]
        return self._paged(told, f"/api/{kind}/{repo}/tree/{quote(rev, safe='')}{f'/{path}' if path else ''}")

    def _paged(self, told: list, path: str) -> Answer:
        start = int(self.query.get("cursor", ["0"])[0])
        query = {key: words[0] for key, words in self.query.items()} | {"cursor": start + self.page}
        more = {"Link": f'<{self.url}{path}?{urlencode(query)}>; rel="next"'} if len(told) > start + self.page else {}
        return Answer.json(told[start : start + self.page], headers=more)

    def _paths(self, body: bytes, kind: str, repo: str, rev: str) -> Answer:
        of = self._repo(kind, repo)
        tree = of.tree(self._commit_of(of, rev))
        return Answer.json([_entry(path, tree[path]) for path in parse_qs(body.decode())["paths"] if path in tree])

    def _preupload(self, body: bytes, kind: str, repo: str, rev: str) -> Answer:
        of, asked = self._repo(kind, repo, True), json.loads(body)
        tree = of.tree(self._commit_of(of, rev))
        files = []
        for one in asked["files"]:
            there, large = tree.get(one["path"]), is_large(one["path"], one["size"])
            files.append({
                "path": one["path"], "uploadMode": "lfs" if large else "regular",
                "shouldIgnore": of.ignores(one["path"], asked.get("gitIgnore")),
                "oid": (there.large or there.oid) if there else None,
            })  # fmt: skip
        return Answer.json({"files": files})

    def _batch(self, body: bytes, repo: str, kind: str = "") -> Answer:
        of = self._repo(kind, repo, True)
        verify = {"href": f"{self.url}/{kind}{repo}.git/info/lfs/objects/verify"}
        objects = [
            one if of.large(one["oid"]).exists()
            else one | {"actions": {"upload": {"href": self._signed(kind, repo, one["oid"])}, "verify": verify}}
            for one in json.loads(body)["objects"]
        ]  # fmt: skip
        return Answer.json({"transfer": "basic", "objects": objects})

    def _verify(self, body: bytes, repo: str, kind: str = "") -> Answer:
        asked = json.loads(body)
        there = self._repo(kind, repo, True).large(asked["oid"])
        whole = there.exists() and there.stat().st_size == asked["size"]
        return Answer.json({}) if whole else Answer.no(404, "no such object was sent")

    def _commit(self, body: bytes, kind: str, repo: str, rev: str) -> Answer:
        of = self._repo(kind, repo, True)
        if rev != "main":
            return Answer.no(404, f"{NO_REVISION[1]}: {rev}", NO_REVISION[0])
        (_, header), *lines = ((one["key"], one["value"]) for one in map(json.loads, body.splitlines()))
        head = of.resolve("main")
        if header.get("parentCommit", head) != head:
            return Answer.no(412, "A commit has happened since. Please refresh and try again.")
        added, gone, there = {}, [], of.tree()
        for key, value in lines:
            path = value["path"]
            if key == "file":
                added[path] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                if not of.large(value["oid"]).exists():
                    return Answer.no(400, f"the LFS object of {path} was never sent")
                added[path] = value["oid"]
            else:
                named = [name for name in there if name == path or name.startswith(f"{path.rstrip('/')}/")]
                if not named:
                    return Answer.no(404, NO_ENTRY[1], NO_ENTRY[0])
                gone += named
        try:
            oid = of.change(added, gone, header["summary"], head)
        except Stale:
            return Answer.no(412, "A commit has happened since. Please refresh and try again.")
        prefix = "datasets/" if kind == "datasets" else ""
        url = f"{self.url}/{prefix}{repo}/commit/{oid}"
        return Answer.json({"success": True, "commitUrl": url, "commitOid": oid, "hookOutput": ""})

    def _tag(self, body: bytes, kind: str, repo: str, rev: str) -> Answer:
        of, name = self._repo(kind, repo, True), json.loads(body)["tag"]
        if not of.tag(name, self._commit_of(of, rev)):
            return Answer.no(409, f"Tag {name} already exists")
        return Answer.json({})

    def _resolve(self, body: bytes, repo: str, rev: str, path: str, kind: str = "") -> Answer:
        of = self._repo(kind, repo)
        commit = self._commit_of(of, rev)
        told = {"X-Repo-Commit": commit}
        if (one := of.tree(commit).get(path)) is None:
            return Answer.json({"error": NO_ENTRY[1]}, 404, told | {"X-Error-Code": NO_ENTRY[0]})
        if not one.large:
            return _ranged(of.content(one), self.headers, told | {"ETag": f'"{one.oid}"'})
        told |= {"ETag": f'"{one.oid}"', "X-Linked-Etag": f'"{one.large}"', "X-Linked-Size": str(one.size)}
        return Answer(302, b"", told | {"Location": self._signed(kind, repo, one.large)})


def _entry(path: str, one: Entry) -> dict:
    large = {"lfs": {"oid": one.large, "size": one.size, "pointerSize": one.pointer}} if one.large else {}
    return {"type": "file", "oid": one.oid, "size": one.size, "path": path} | large


def _ranged(data: bytes, headers: Message, told: dict) -> Answer:
    asked = re.fullmatch(r"bytes=(\d+)-", headers.get("Range") or "")
    told = {"Accept-Ranges": "bytes"} | told
    if not asked:
        return Answer(200, data, told)
    start = int(asked[1])
    return Answer(206, data[start:], told | {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})


def _signature(path: str) -> str:
    return hmac.new(SECRET, path.encode(), "sha256").hexdigest()


_OF, _NAME = r"/api/(?P<kind>models|datasets)", r"(?P<repo>[^/]+/[^/]+)"
# Methods, path, and the method of Answers that answers it; words in the path become its arguments.
ROUTES = (
    ("GET", r"/api/whoami-v2", "whoami"),
    ("POST", r"/api/validate-yaml", "yaml"),
    ("POST", r"/api/repos/create", "create"),
    ("DELETE", r"/api/repos/delete", "delete"),
    ("PUT", rf"{_OF}/{_NAME}/settings", "settings"),
    ("GET", rf"{_OF}/{_NAME}/refs", "refs"),
    ("GET", rf"{_OF}/{_NAME}/commits/(?P<rev>[^/]+)", "commits"),
    ("GET", rf"{_OF}/{_NAME}/tree/(?P<rev>[^/]+)(?:/(?P<path>.+?))?/?", "tree"),
    ("POST", rf"{_OF}/{_NAME}/paths-info/(?P<rev>[^/]+)", "paths"),
    ("POST", rf"{_OF}/{_NAME}/preupload/(?P<rev>[^/]+)", "preupload"),
    ("POST", rf"{_OF}/{_NAME}/commit/(?P<rev>[^/]+)", "commit"),
    ("POST", rf"{_OF}/{_NAME}/tag/(?P<rev>[^/]+)", "tag"),
    ("GET", rf"{_OF}/{_NAME}(?:/revision/(?P<rev>[^/]+))?/?", "info"),
    ("POST", rf"/(?P<kind>datasets/)?{_NAME}\.git/info/lfs/objects/batch", "batch"),
    ("POST", rf"/(?P<kind>datasets/)?{_NAME}\.git/info/lfs/objects/verify", "verify"),
    ("GET HEAD", rf"/(?P<kind>datasets/)?{_NAME}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "resolve"),
)
