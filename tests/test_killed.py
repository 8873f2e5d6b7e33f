"""SIGKILL at random moments, of a training, of a DAG: the next run ends as an undisturbed one, byte by byte.

Of a flow: tests/flows/test_killed_flow.py.

REVIEWMILL_SEED=<what a run printed> plays it again, as far as the machine's own timing allows; REVIEWMILL_KILLS and
REVIEWMILL_TRAINING_KILLS say how many kills the long form takes.
"""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from faults import UNLIKE, settings
from small_mill import RECIPES, train_words

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
DVC = [sys.executable, "-P", "-m", "dvc", "--wait-for-lock", "repro"]
RECOVER = [sys.executable, "-m", "flows.recover"]


@pytest.fixture
def draw() -> random.Random:
    seed = os.environ.get("REVIEWMILL_SEED") or str(random.SystemRandom().randrange(10**9))
    print(f"REVIEWMILL_SEED={seed} plays this again")
    return random.Random(int(seed))


def environment(*paths: Path, **more: str) -> dict[str, str]:
    inherited = {name: text for name, text in os.environ.items() if name != "PREFECT_API_URL"}
    path = os.pathsep.join(map(str, [*paths, ROOT]))
    return inherited | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": path, "DVC_NO_ANALYTICS": "1",
                        "PYTHONHASHSEED": "0", "TQDM_DISABLE": "1"} | more  # fmt: skip


def ended(words: list[str], folder: Path, **more: str) -> str:
    done = subprocess.run(words, cwd=folder, env=environment(**more), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def killed(words: list[str], folder: Path, after: float, **more: str) -> bool:
    """Start it, kill its process group after so many seconds; False when it had ended well before that."""
    started = {"cwd": folder, "env": environment(**more), "start_new_session": True}
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **started) as process:
        try:
            _, said = process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return True
    assert process.returncode == 0, said[-3000:]
    return False


def digests(folder: Path) -> dict[str, str]:
    """Path → sha256 of all that is to be the same each time."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "data").rglob("*"))
        if path.is_file() and not UNLIKE.search(str(path.relative_to(folder)))
    }


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["t5-full", "t5-lora", "bert-full", "bert-lora"])
def test_a_killed_training_goes_on_to_the_same_bytes(mill, in_mill, write_settings, name):
    write_settings()
    words = [sys.executable, "-m", "stages.train", *train_words(name, RECIPES[name]["model"]["base"], to="-killed")]
    first = subprocess.run(words, env=environment(ROOT / "tests/dying", DIES_AT="2"), capture_output=True, text=True)
    assert first.returncode == -signal.SIGKILL, first.stderr[-3000:]
    assert not (in_mill / f"data/models/{name}-killed").exists()
    again = subprocess.run(words, env=environment(), capture_output=True, text=True)
    assert again.returncode == 0, again.stderr[-3000:]
    assert "going on from step 4 of 10" in again.stdout
    models = [
        folder / name for folder, name in ((mill / "data/models", name), (in_mill / "data/models", f"{name}-killed"))
    ]
    told = [{path.name: path.read_bytes() for path in sorted(model.iterdir()) if path.is_file()} for model in models]
    assert told[0] == told[1]
    for kind in ("train", "curves"):
        told = [(root / f"data/reports/{kind}/{out}.json").read_bytes()
                for root, out in ((mill, name), (in_mill, f"{name}-killed"))]  # fmt: skip
        assert told[0] == told[1]
    assert not list((in_mill / "data/models").glob(".*"))


@pytest.mark.soak
def test_many_kills_of_training(mill, in_mill, write_settings, draw):
    write_settings()
    left = int(os.environ.get("REVIEWMILL_TRAINING_KILLS", "20"))
    whole = 20.0
    while left:
        name = draw.choice(["t5-full", "t5-lora", "bert-full", "bert-lora"])
        out, began, hit = in_mill / f"data/models/{name}-k", time.monotonic(), 0
        words = [sys.executable, "-m", "stages.train", *train_words(name, RECIPES[name]["model"]["base"], to="-k")]
        while left and killed(words, in_mill, draw.uniform(whole / 3, whole * 1.2)):
            left, hit = left - 1, hit + 1
        if not out.exists():
            ended(words, in_mill)
        whole = whole if hit else time.monotonic() - began
        told = [{path.name: path.read_bytes() for path in sorted(model.iterdir()) if path.is_file()}
                for model in (mill / "data/models" / name, out)]  # fmt: skip
        assert told[0] == told[1], f"{name} after {hit} kills"
        shutil.rmtree(out)


# --- a DAG ------------------------------------------------------------------------------------------------------------


CODE = """\
import hashlib, sys, time
from pathlib import Path
source, target = map(Path, sys.argv[1:])
time.sleep(0.3)
beside = target.with_name(f".{target.name}.1.partial")
target.parent.mkdir(parents=True, exist_ok=True)
beside.write_text(hashlib.sha256(source.read_bytes() + target.name.encode()).hexdigest())
beside.replace(target)
"""


def chain(folder: Path) -> Path:
    """A DVC project of five small nodes in two chains."""
    folder.mkdir()
    (folder / "work.py").write_text(CODE)
    (folder / "seed").write_text("1")
    stages = {}
    for name, source in {"a": "seed", "b": "data/a", "c": "data/b", "x": "seed", "y": "data/x"}.items():
        cmd = f"python work.py {source} data/{name}"
        stages[name] = {"cmd": cmd, "deps": [source], "outs": [f"data/{name}"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    ended([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], folder)
    return folder


def small(folder: Path) -> Path:
    """The project's own DAG with everything in it small: tests/faults.py."""
    folder.mkdir()
    for part in ("stages", "dvc.yaml", ".dvcignore", "requirements.lock", "data/reports/accepted"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    (folder / "params.yaml").write_text(yaml.safe_dump(settings(), allow_unicode=True), "utf-8")
    ended([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], folder)
    return folder


def campaign(folder: Path, command: list[str], kills: int, draw: random.Random, whole: float) -> None:
    """Kill `command` again and again, each time somewhere else, and let it go on from there; compare at each end."""
    expected = digests(folder)
    assert expected
    left, ends = kills, 0

    def anew() -> None:
        shutil.rmtree(folder / "data")
        if (ROOT / "data/reports/accepted").is_dir() and (folder / "params.yaml").is_file():
            shutil.copytree(ROOT / "data/reports/accepted", folder / "data/reports/accepted")
        (folder / "dvc.lock").unlink()
        shutil.rmtree(folder / ".dvc/cache")
        for kept in ("dvc.lock.good", "dvc.lock.torn"):
            (folder / ".dvc/tmp" / kept).unlink(missing_ok=True)

    anew()
    while left:
        if killed(command, folder, draw.uniform(0.5, whole)):
            left -= 1
            ended(RECOVER, folder)
        else:
            ends += 1
            assert digests(folder) == expected, f"after {kills - left} kills"
            anew()
    ended(command, folder)
    assert digests(folder) == expected
    assert not list(folder.rglob(".*.partial"))
    print(f"{kills} kills, {ends + 1} runs to the end, all with the same bytes")


def test_a_few_kills_of_a_dag(tmp_path, draw):
    folder = chain(tmp_path / "chain")
    ended(DVC, folder)
    began = time.monotonic()
    ended([*DVC, "--force"], folder)
    campaign(folder, DVC, 3, draw, time.monotonic() - began)


def test_what_dvc_removed_before_a_stage_that_failed_comes_back_from_its_cache(tmp_path):
    """A stage leaves its former output where it was; DVC has moved that away before, and still has it."""
    folder = chain(tmp_path / "chain")
    ended(DVC, folder)
    before, lock = digests(folder), (folder / "dvc.lock").read_bytes()
    (folder / "work.py").write_text("raise SystemExit('refused')")
    (folder / "seed").write_text("2")
    done = subprocess.run([*DVC, "a"], cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode and "refused" in done.stderr
    assert not (folder / "data/a").exists() and (folder / "dvc.lock").read_bytes() == lock
    ended([sys.executable, "-m", "dvc", "checkout", "a"], folder)
    assert digests(folder) == before


@pytest.mark.soak
def test_many_kills_of_the_dag(tmp_path, draw):
    folder = small(tmp_path / "small")
    began = time.monotonic()
    ended(DVC, folder)
    kills = int(os.environ.get("REVIEWMILL_KILLS", "200"))
    # A node takes some seconds: most kills fall within one, and the DAG goes on from it.
    campaign(folder, DVC, kills, draw, (time.monotonic() - began) / 4)
