"""Memory of stages that stream: a process of each kind on N rows and on 4N, and what the further rows cost in peak."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from stages.schema import CLEAN, write

ROOT = Path(__file__).parents[1]
ROWS, CHARS = 15_000, 2_000  # 4N rows hold 120 MB of text, 90 MB more than N
MOST = 1000  # bytes a further row may cost: half its text
# What is freed goes back at once, and one thread works: how long an allocator keeps what is not asked here.
FRUGAL = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0", "POLARS_MAX_THREADS": "1", "MALLOC_ARENA_MAX": "1",
          "ARROW_DEFAULT_MEMORY_POOL": "system"}  # fmt: skip
# Small row groups: one is in memory whole, whatever the number of rows.
WORK = r"""
import re, sys
from pathlib import Path
from stages import blocks, enrich, measures, params, schema
blocks.GROUP = 2000
kind, valid, folder = sys.argv[1:]
source = blocks.Source(valid, schema.CLEAN, 2000)
if kind == "enrich":
    table, _ = enrich.sift(source, params.Enrich(language="de", keywords=2), Path(folder))
    table.write(Path(folder, "enriched.parquet"))
else:
    assert measures.of_source(source, 50, "en", None).height == source.rows
    blocks.sink(source.scan(), Path(folder, "valid.parquet"))
# not ru_maxrss, which begins with what the parent held
print(int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024)
"""


def peak(folder: Path, kind: str, rows: int) -> int:
    """Bytes that a process of this kind of work had at most."""
    texts = pl.Series([f"Pizza und Wein {n % 500} " for n in range(rows)]) + "sehr gut " * (CHARS // 9)
    table = pl.DataFrame({"text": texts}).with_columns(
        id=pl.int_range(rows).cast(pl.String), group=pl.lit("g"), rubrics=pl.lit(""), rating=pl.lit(5),
        split=pl.lit("train"), question=pl.lit(None, pl.String), guide=pl.lit(None, pl.String), mark=pl.lit(1.0),
    )  # fmt: skip
    made = folder / f"{kind}-{rows}"
    made.mkdir()
    write(made / "clean.parquet", table, CLEAN)
    call = [sys.executable, "-c", WORK, kind, str(made / "clean.parquet"), str(made)]
    told = subprocess.run(call, cwd=ROOT, env=os.environ | FRUGAL, capture_output=True, text=True, check=True)
    return int(told.stdout)


@pytest.mark.parametrize("kind", ["enrich", "validate"])
def test_further_rows_cost_a_part_of_their_text(tmp_path, kind):
    few, many = (peak(tmp_path, kind, rows) for rows in (ROWS, 4 * ROWS))
    assert (many - few) / (3 * ROWS) < MOST
