"""The four data stages on a real corpus: rows a second and peak memory, beside the plain way and beside bare copying.

    python -m benchmarks.data --corpus nsmc|imdb [--rows N] [--plain-rows N] [--workers-check | --engines]

A corpus is repeated up to N rows; each repetition has other words, ids and groups (benchmarks/repeated.py), so that it
is new text to every stage. collect, clean, validate and enrich run as the command lines of dvc.yaml, each a process of
its own, in a temporary folder (TMPDIR; 2,000,000 rows of IMDB want 15 GB) whose params.yaml is profiles/<corpus>.yaml
over the project's own. Next to them (a) benchmarks/plain.py on fewer rows, since it is slow, and (b) Polars reading the
corpus' parquet and writing it. Ours is timed from start to end of the command, with Python's start and all imports; (a)
and (b) only while they work, so that the ratios flatter them. Prints a table and merges it into
benchmarks/results/data.json.
"""

import argparse
import datetime
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import yaml

from benchmarks.repeated import repeated
from stages import params
from stages.sources import snapshot

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results/data.json"
STAGES = ("collect", "clean", "validate", "enrich")
PACKAGES = ("polars", "pandas", "numpy", "pyarrow", "kiwipiepy", "great_expectations", "ftfy", "datasketch")
FLOOR = """
import sys, time, polars
start = time.perf_counter()
polars.read_parquet(sys.argv[1]).write_parquet(sys.argv[2], compression="zstd")
print(time.perf_counter() - start)
"""
# A process this small starts the one that is measured: a child's peak is never less than its parent's was.
WATCH = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
seconds, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": done.returncode, "said": done.stdout, "error": done.stderr, "seconds": seconds,
                  "cpu_seconds": used.ru_utime + used.ru_stime, "peak_mib": used.ru_maxrss / 1024}))
"""
BLOCKS = """
import sys
from stages import clean, params, schema
from stages.files import write_json
source, raw, kept, lost, account, block = sys.argv[1:]
rows = clean.clean(schema.read(raw, schema.RAW), params.load().sources[source].clean, block=int(block))
schema.write(kept, rows[0], schema.CLEAN), schema.write(lost, rows[1], schema.REJECTED), write_json(account, rows[2])
"""


class Mill:
    """A folder in which the stages run: a corpus of `rows` rows and a params.yaml with the profile's rules for it."""

    def __init__(self, folder: Path, corpus: str, data: Path, rows: int):
        self.folder, self.corpus, self.rows, self.path = folder, corpus, rows, folder / "corpus.parquet"
        folder.mkdir()
        profile = params.read(ROOT / f"profiles/{corpus}.yaml")
        self.settings = params.read(ROOT / "params.yaml") | profile
        self.rules = self.settings["sources"][corpus]
        tables = repeated(pl.read_parquet(data / f"{corpus}.parquet"), self.rules["collect"]["columns"], rows)
        first = next(tables)
        with snapshot.writing((self.path, first.schema)) as (file,):
            file.add(first)
            for table in tables:
                file.add(table)
        del self.rules["collect"]["sha256"], self.rules["collect"]["sample"]
        self.rules["collect"]["path"] = str(self.path)
        self.rules["validate"]["rows"] = {"low": 1}
        self.write()

    def write(self, **enrich) -> None:
        """Write params.yaml, with other settings of enrich if given."""
        self.rules["enrich"] |= enrich
        params.check(self.settings, "the benchmark's settings")
        (self.folder / "params.yaml").write_text(yaml.safe_dump(self.settings, allow_unicode=True), encoding="utf-8")

    def run(self, words: list[str], path: str = "") -> dict:
        """A command of Python in the folder: what it said, seconds, peak memory in MiB. Stops when it fails."""
        env = os.environ | {"PYTHONPATH": path or str(ROOT), "PYTHONHASHSEED": "0", "GX_ANALYTICS_ENABLED": "false"}
        call = [sys.executable, "-S", "-c", WATCH, sys.executable, *words]
        told = json.loads(subprocess.run(call, cwd=self.folder, env=env, capture_output=True, check=True).stdout)
        if told["code"]:
            raise SystemExit(f"{shlex.join(words)} ended with {told['code']}:\n{told['said']}{told['error']}")
        return told

    def stage(self, verb: str) -> dict:
        """Run a stage by dvc.yaml's own words; rows are those that came in."""
        cmd = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"][verb]["do"]["cmd"]
        told = self.run(shlex.split(cmd.replace("${key}", self.corpus))[1:])
        report = json.loads((self.folder / f"data/reports/{verb}/{self.corpus}.json").read_text(encoding="utf-8"))
        return figures(report["rows_in"], told["seconds"], told) | {"rows_out": report["rows_out"]}

    def plain(self, verb: str, source: Path, target: Path) -> dict:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))  # datasketch may lie there
        told = self.run(["-m", "benchmarks.plain", verb, json.dumps(self.rules), str(source), str(target)], path)
        answer = json.loads(told["said"].splitlines()[-1])
        return figures(answer["rows"], answer["seconds"], told) | (
            {"near_duplicates": answer["near"]} if verb == "clean" else {}
        )

    def floor(self) -> dict:
        told = self.run(["-c", FLOOR, str(self.path), "floor.parquet"])
        return figures(self.rows, float(told["said"]), told)

    def bytes(self, folder: str = "data") -> dict[str, str]:
        """The sha256 of each file under a folder."""
        files = sorted(path for path in (self.folder / folder).rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.folder / folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }


def figures(rows: int, seconds: float, told: dict) -> dict:
    return {"rows": rows, "seconds": round(seconds, 3), "rows_per_second": round(rows / seconds, 1),
            "cpu_seconds": round(told["cpu_seconds"], 2), "peak_mib": round(told["peak_mib"])}  # fmt: skip


def side_by_side(mill: Mill, small: Mill) -> dict:
    """Ours on `mill`, (a) on `small`, (b) on `mill`; and on `small` how many rows ours and (a) both keep."""
    ours = {verb: mill.stage(verb) for verb in STAGES}
    files = [small.path, *(small.folder / f"plain-{verb}.parquet" for verb in STAGES)]
    plain = {verb: small.plain(verb, *files[n : n + 2]) for n, verb in enumerate(STAGES)}
    floor = mill.floor()
    for verb in ("collect", "clean"):
        small.stage(verb)
    kept = pl.read_parquet(small.folder / f"data/clean/{small.corpus}.parquet")["id"]
    theirs = pl.read_parquet(files[2])["id"]
    for verb, one in ours.items():
        one["ratio_to_plain"] = round(one["rows_per_second"] / plain[verb]["rows_per_second"], 2)
        one["ratio_to_floor"] = round(one["rows_per_second"] / floor["rows_per_second"], 4)
    agreement = {
        "rows": small.rows,
        "ours": kept.len(),
        "plain": theirs.len(),
        "both": int(kept.is_in(theirs.implode()).sum()),
    }
    return {"stages": ours, "plain": plain, "floor": floor, "kept": agreement}


def workers_check(mill: Mill) -> list[str]:
    """Whatever the workers and the blocks: the same bytes. What was tried; AssertionError where bytes differ."""
    for verb in STAGES:
        mill.stage(verb)
    before, tried, lines = mill.bytes(), [(1, 50_000), (2, 50_000), (2, 777)], []
    for workers, block in tried:
        mill.write(workers=workers, block=block)
        mill.stage("enrich")
        assert mill.bytes() == before, f"enrich with {workers} workers and blocks of {block} wrote other bytes"
        lines.append(f"enrich: {workers} workers, blocks of {block:,} rows: the same bytes")
    made = []
    for block in (100_000, 777):
        words = [mill.corpus, f"data/raw/{mill.corpus}.parquet", *(f"{block}/{one}" for one in "abc"), str(block)]
        mill.run(["-c", BLOCKS, *words])
        made.append(mill.bytes(str(block)))
    assert made[0] == made[1], "clean with blocks of 777 rows wrote other bytes than with blocks of 100,000"
    return [*lines, "clean: blocks of 100,000 and of 777 rows: the same bytes"]


def engines(mill: Mill) -> dict:
    """clean and enrich here and on Ray (RAY_ADDRESS, else a cluster of its own); AssertionError where bytes differ."""
    told, made = {}, []
    mill.stage("collect")
    for engine in ("local", "ray"):
        mill.settings["engine"] = engine
        mill.write()
        told[engine] = {verb: mill.stage(verb) for verb in STAGES[1:]}
        made.append({path: sha for path, sha in mill.bytes().items() if not path.startswith("docs/")})  # carry times
    assert made[0] == made[1], "Ray wrote other bytes than this process"
    for verb in ("clean", "enrich"):
        one, other = told["ray"][verb], told["local"][verb]
        one["seconds_of_ray_to_local"] = round(one["seconds"] / other["seconds"], 2)
    return told


def machine() -> dict:
    """When, of what commit, on what."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    known = {name: importlib.metadata.version(name) for name in PACKAGES if importlib.util.find_spec(name)}
    return {"date": datetime.date.today().isoformat(), "commit": git("rev-parse", "--short", "HEAD"),
            "dirty": bool(git("status", "--porcelain", "--untracked-files=no")), "cpu": cpu[1] if cpu else "unknown",
            "cores": len(os.sched_getaffinity(0)), "load": round(os.getloadavg()[0], 1),
            "versions": {"python": platform.python_version()} | known}  # fmt: skip


def show(result: dict) -> None:
    print("| | rows | rows/s | peak MiB | ratio to (a) | ratio to (b) |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    lines = [*result["stages"].items(), *((f"(a) plain {verb}", one) for verb, one in result["plain"].items()),
             ("(b) read and write", result["floor"])]  # fmt: skip
    for name, one in lines:
        ratios = (f"{one[of]:.3g}" if of in one else "" for of in ("ratio_to_plain", "ratio_to_floor"))
        print(
            f"| {name} | {one['rows']:,} | {one['rows_per_second']:,.0f} | {one['peak_mib']:,} | {' | '.join(ratios)} |"
        )
    print("Of {rows:,} rows ours keeps {ours:,}, (a) {plain:,}, both {both:,}.".format_map(result["kept"]))
    if not result["plain"]["clean"]["near_duplicates"]:
        print("datasketch is not installed: (a) looks for no near-duplicates.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", choices=("nsmc", "imdb"), required=True)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--plain-rows", type=int, default=10_000)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--workers-check", action="store_true", help="only this: bytes whatever the workers and blocks")
    parser.add_argument("--engines", action="store_true", help="only this: here and on Ray, bytes and seconds")
    asked = parser.parse_args()
    about = machine()
    with tempfile.TemporaryDirectory(prefix="reviewmill-") as folder:
        mill = Mill(Path(folder, "ours"), asked.corpus, asked.data, asked.rows)
        if asked.workers_check:
            return print(*workers_check(mill), sep="\n")
        if asked.engines:
            result = about | {"engines": engines(mill)}
            print(json.dumps(result["engines"], indent=2))
            return keep(asked.results, f"{asked.corpus}-{asked.rows}-engines", result)
        result = about | side_by_side(mill, Mill(Path(folder, "plain"), asked.corpus, asked.data, asked.plain_rows))
    show(result)
    keep(asked.results, f"{asked.corpus}-{asked.rows}", result)


def keep(path: Path, name: str, result: dict) -> None:
    """Merge a result into the file of results."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    known[name] = result
    path.write_text(json.dumps(known, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
