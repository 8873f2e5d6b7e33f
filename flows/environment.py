"""requirements.lock and what is installed: `python -m flows.environment` names what differs.

And an environment made from the lock of any commit, by the steps of `make install`, for a rebuild of that commit.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from flows import process

LOCK = Path("requirements.lock")
# What `make demo` adds to the environment that this runs in: no stage knows it, so it makes no stage stale.
DEMO = Path(__file__).parents[1] / "demo/requirements.lock"
TAIL = 15  # lines of pip's that are told
MARKER = ".installed"
EXEMPT = {"pip", "setuptools", "reviewmill"}  # what every environment has of its own, and this project
# redis asks for it before Python 3.11.3; the lock is of a later one (`make install`).
OLDER = 'async-timeout==5.0.1; python_full_version < "3.11.3"'
PIN = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*===?\s*([^\s;#\\]+)")


class NotInstallable(Exception):
    """A lock that cannot be installed, or not any more; the text holds pip's own words."""


def pinned(lock: str) -> dict[str, str]:
    """Name as PEP 503 writes it → version, of every package of a lock.

    >>> pinned("# made by hand\\nRuamel.YAML==1.0\\ntorch==2.13.0+cpu\\n")
    {'ruamel-yaml': '1.0', 'torch': '2.13.0'}
    """
    found = {}
    for line in lock.splitlines():
        if pin := PIN.match(line):
            found[canonicalize_name(pin[1])] = _version(canonicalize_name(pin[1]), pin[2])
    return found


def installed() -> dict[str, str]:
    """The same of what this interpreter would import."""
    found = {}
    for one in metadata.distributions():
        name = canonicalize_name(one.metadata["Name"] or "")
        found.setdefault(name, _version(name, one.version))
    return found


def differences(lock: str, further: str = "") -> list[str]:
    """What is installed here against a lock, each on a line; none where they are the same.

    further: another lock, whose packages may be missing, and where they are there have to be those it pins.
    """
    wanted, here = pinned(lock), installed()
    wanted |= {name: version for name, version in pinned(further).items() if name in here and name not in wanted}
    older = Requirement(OLDER)
    if older.marker.evaluate():
        wanted.setdefault(canonicalize_name(older.name), str(next(iter(older.specifier)).version))
    wanted = {name: version for name, version in wanted.items() if name not in EXEMPT}
    spare = EXEMPT | _asked_by("torch")  # its CUDA build brings libraries that a lock of the CPU's knows nothing of
    told = [f"{name} {version} is not installed" for name, version in wanted.items() if name not in here]
    told += [f"{name} {here[name]} is installed, and the lock lacks it" for name in here.keys() - wanted.keys() - spare]
    told += [
        f"{name} {here[name]} is installed, and the lock has {version}"
        for name, version in wanted.items()
        if here.get(name, version) != version
    ]
    return sorted(told)


def apart(lock: str) -> list[str]:
    """The same, where the demo's packages may be installed beside the lock's."""
    return differences(lock, DEMO.read_text("utf-8") if DEMO.is_file() else "")


def made(lock: bytes, folder: Path, emit: Callable[[str], None], stop: threading.Event) -> Path:
    """The interpreter of an environment with exactly `lock`, below `folder`: made once, and then the same again.

    Two that want it at once take turns; one that was stopped half-way is made anew.
    """
    home = folder / hashlib.sha256(lock).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    with folder.joinpath(f"{home.name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        python, marker = home / "bin/python", home / MARKER
        if not marker.is_file() or marker.read_text() != sys.version:
            emit(f"installing the packages of requirements.lock {home.name} (a few minutes, once)")
            shutil.rmtree(home, ignore_errors=True)
            _install(lock, home, python, stop)
            marker.write_text(sys.version)
    return python


def _install(lock: bytes, home: Path, python: Path, stop: threading.Event) -> None:
    _do([sys.executable, "-m", "venv", str(home)], stop)
    (home / LOCK).write_bytes(lock)
    pip, given = [str(python), "-m", "pip", "--disable-pip-version-check"], str(home / LOCK)
    names = pinned(lock.decode())
    torch = [f"torch{'===' if _gpu() else '=='}{names['torch']}"] if "torch" in names else []
    if torch:  # first and by itself, and once more for what its CUDA build alone asks for, as in `make install`
        _do([*pip, "install", "-qq", "--no-deps", *torch], stop)
    _do([*pip, "install", "-qq", "--no-deps", "-r", given], stop)
    if torch:
        _do([*pip, "install", "-qq", *torch], stop)
    if "redis" in names:
        _do([*pip, "install", "-qq", OLDER], stop)
    _do([*pip, "check"], stop)


def _do(command: list[str], stop: threading.Event) -> None:
    lines: list[str] = []
    if process.run(command, lines.append, stop):
        said = "\n".join(lines[-TAIL:]) or "it said nothing"
        raise NotInstallable(f"`{' '.join(command[1:])}` failed:\n{said}")


def _gpu() -> bool:
    try:
        return subprocess.run(["nvidia-smi"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def _asked_by(name: str) -> set[str]:
    """All that an installed package asks for, and what that asks for."""
    found, todo = set(), [name]
    while todo:
        try:
            wanted = metadata.requires(todo.pop()) or []
        except metadata.PackageNotFoundError:
            continue
        for one in wanted:
            try:
                asked = Requirement(one)
            except InvalidRequirement:
                continue
            called = canonicalize_name(asked.name)
            if called not in found and (asked.marker is None or asked.marker.evaluate({"extra": ""})):
                found.add(called)
                todo.append(called)
    return found


def _version(name: str, version: str) -> str:
    """Without torch's local part, which says where it was built and not what it is."""
    return version.partition("+")[0] if name == "torch" else version


def main() -> None:
    """Exit status 1 where the installed packages are not those of requirements.lock."""
    if not LOCK.is_file():
        sys.exit(f"no {LOCK} in {Path.cwd()}: run this from the project's root")
    if found := apart(LOCK.read_text("utf-8")):
        listed = "\n".join(f"  - {one}" for one in found)
        sys.exit(f"what is installed is not {LOCK}:\n{listed}\n`make install` installs it; `make lock` renews it")


if __name__ == "__main__":
    main()
