"""What DVC keeps of its nodes beside their edges: commands and paths, md5s as a commit has them, files by md5."""

from dataclasses import dataclass
from pathlib import Path

from flows import dvc
from flows.git import GitFailed, git

LOCK = "dvc.lock"
MEASURED = "measured"  # the label in dvc.yaml of an output that never repeats


class Unknown(Exception):
    """A file that a commit names by its md5 lies in no cache and no remote that was looked into."""


@dataclass(frozen=True)
class Node:
    """A node's command and its paths. kept: outputs in DVC's cache; reports: outputs in git; settled: those of these
    that repeat.
    """

    cmd: str
    deps: tuple[str, ...]
    kept: tuple[str, ...]
    reports: tuple[str, ...]
    settled: tuple[str, ...]


def nodes() -> dict[str, Node]:
    """Every node of dvc.yaml."""
    with dvc.project() as repo:
        return {
            stage.addressing: Node(
                stage.cmd or "",
                tuple(dep.def_path for dep in stage.deps if type(dep).__name__ != "ParamsDependency"),
                tuple(out.def_path for out in stage.outs if out.use_cache),
                tuple(out.def_path for out in stage.outs if not out.use_cache),
                tuple(out.def_path for out in stage.outs if not out.use_cache and MEASURED not in out.annot.labels),
            )
            for stage in repo.index.stages
        }


def changed_outputs(chosen: set[str]) -> list[str]:
    """Outputs of `chosen` nodes that are there and differ from dvc.lock: nobody else may have them."""
    with dvc.project() as repo:
        told = repo.status()
    found = []
    for node in chosen & told.keys():
        for one in told[node]:
            outs = one.get("changed outs", {}) if isinstance(one, dict) else {}
            found += [path for path, how in outs.items() if how == "modified"]
    return sorted(found)


def remotes() -> list[str]:
    """The names of DVC's remotes."""
    with dvc.project() as repo:
        return list(repo.config["remote"])


def locked(commit: str | None = None) -> dict[str, dict]:
    """The stages of dvc.lock in `commit`, or in the working directory: {cmd, deps, params, outs} of each."""
    import yaml

    try:
        text = git("show", f"{commit}:./{LOCK}") if commit else Path(LOCK).read_text("utf-8")
    except (GitFailed, FileNotFoundError):
        return {}
    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # eight times as fast, where libyaml is
    return (yaml.load(text, fast) or {}).get("stages", {})


def md5s(entries: list[dict]) -> dict[str, str]:
    """path → md5 of what stands under `deps` or `outs` in dvc.lock."""
    return {one["path"]: one["md5"] for one in entries if "md5" in one}


def in_the_workspace_alone(chosen: dict[str, Node], lock: dict[str, dict]) -> list[str]:
    """Outputs that `lock` names and that lie here, and not in the cache: a run would replace the only copy."""
    with dvc.project() as repo:
        named = {path: md5 for node in chosen for path, md5 in md5s(lock.get(node, {}).get("outs", [])).items()}
        kept = {path for node in chosen.values() for path in node.kept}
        return sorted(
            path for path in named.keys() & kept
            if Path(path).exists() and _files(repo.cache.local, named[path]) is None
        )  # fmt: skip


def lay(md5: str, target: Path, remote: str | None = None) -> None:
    """Lay the file or folder of that md5 at `target`, as links into the cache; a remote is asked for what it lacks."""
    from dvc.exceptions import DvcException
    from dvc_data.hashfile.hash_info import HashInfo

    with dvc.project() as repo:
        cache, found = repo.cache.local, _files(repo.cache.local, md5)
        looked = [f"the cache {cache.path}"]
        remote = remote or repo.config["core"].get("remote")
        if found is None and remote:
            looked.append(f"the remote {remote}")
            try:
                repo.cloud.pull([HashInfo("md5", md5)], remote=remote)  # of a folder this brings the list of its files
                repo.cloud.pull([HashInfo("md5", one) for one in _listed(cache, md5).values()], remote=remote)
            except (DvcException, OSError) as error:
                looked[-1] += f" ({error})"
            found = _files(cache, md5)
        if found is None:
            raise Unknown(f"md5 {md5} is not in {' nor in '.join(looked)}")
        for below, one in found.items():
            path = target / below if below else target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(Path(cache.oid_to_path(one)).resolve())


def cached(repo, md5: str) -> dict[str, Path] | None:
    """Path below a folder (empty for a file) → the file in DVC's cache; None where the cache lacks any of it."""
    found = _files(repo.cache.local, md5)
    return {below: Path(repo.cache.local.oid_to_path(one)) for below, one in found.items()} if found else None


def listed(repo, md5: str) -> list[str]:
    """The md5s of a folder's files, as far as DVC's cache knows them; of a file its own."""
    return list(_listed(repo.cache.local, md5).values())


def _files(cache, md5: str) -> dict[str, str] | None:
    """Path below a folder (empty for a file) → md5; None where the cache lacks any of it."""
    found = _listed(cache, md5)
    return found if found and all(cache.exists(one) for one in found.values()) else None


def _listed(cache, md5: str) -> dict[str, str]:
    """The same as far as the cache knows it."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    wanted = HashInfo("md5", md5)
    if not cache.exists(md5):
        return {}
    return {"/".join(key): of.value for key, _, of in Tree.load(cache, wanted)} if wanted.isdir else {"": md5}
