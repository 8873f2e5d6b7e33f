"""Ray Data as this project uses it: a cluster to connect to, and tables in Arrow that functions are mapped over."""

import logging
import os
import re
import socket
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import polars as pl
import pyarrow as pa

import stages
from stages.refusal import Refusal

try:
    import ray
    from ray.data import Dataset
    from ray.data.context import DataContext, ShuffleStrategy
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise Refusal("Ray, for engine: ray", "no such package", "params.yaml: engine",
                  "make install, which brings Ray, or write local") from error  # fmt: skip

WAIT = 10  # seconds for a cluster to answer
VERSIONS = ("polars", "numpy", "pyarrow", "ftfy", "py3langid", "pymorphy3", "kiwipiepy")  # what decides the bytes


def connect() -> None:
    """Join the cluster that RAY_ADDRESS names, or start one here. Refuses an address where none answers."""
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = os.environ.get("RAY_ADDRESS", "local")  # "local": never a cluster that happens to run here
    try:
        if named := re.fullmatch(r"([\w.-]+):(\d+)", address):  # Ray asks minutes long where nobody answers
            socket.create_connection((named[1], int(named[2])), WAIT).close()
        ray.init(address, include_dashboard=False if address == "local" else None, log_to_driver=False,
                 logging_level="error", runtime_env={"py_modules": [str(Path(stages.__file__).parent)]})  # fmt: skip
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise Refusal(
            "a Ray cluster", f"{address}: {str(error).splitlines()[0]}", "the environment variable RAY_ADDRESS",
            "start it with `ray start --head`, or unset the variable to have one started here",
        ) from error  # fmt: skip
    here, away = _versions(), ray.remote(num_cpus=0)(_versions)
    for node in ray.nodes():
        at = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        if node["Alive"] and (there := ray.get(away.options(scheduling_strategy=at).remote())) != here:
            raise Refusal(
                f"the driver's packages on every machine: {here}", str(there), f"the machine {node['NodeName']}",
                "install the driver's requirements.lock there: another release may clean and hash otherwise",
            )  # fmt: skip
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    context = DataContext.get_current()
    context.execution_options.preserve_order = True  # the tables are written in the source's order
    context.shuffle_strategy = ShuffleStrategy.SORT_SHUFFLE_PULL_BASED  # tasks alone: the others lose an actor's rows
    context.enable_progress_bars = False


def _versions() -> dict[str, str]:
    return {name: version(name) for name in VERSIONS}


def mapped(rows: Dataset, of: Callable, *args: object) -> Dataset:
    """`of` an Arrow table, of each block of rows. A reference among args comes to it as what it means."""
    return rows.map_batches(_given, batch_size=None, batch_format="pyarrow", fn_args=(of, *args))


def grouped(rows: Dataset, of: Callable, *args: object) -> Dataset:
    """`of` an Arrow table, of all rows that have the same `part`, in no order."""
    rows = rows.materialize()
    if not rows.count():
        return rows
    return rows.groupby("part").map_groups(_given, batch_format="pyarrow", fn_args=(of, *args))


def _given(table: pa.Table, of: Callable, *args: object) -> pa.Table:
    return of(table, *(ray.get(one) if isinstance(one, ray.ObjectRef) else one for one in args))


def cpus() -> int:
    """CPUs of the cluster, at least 1."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def arrow(rows: pl.DataFrame) -> pa.Table:
    """In the layout that every part of Ray and Arrow can sort."""
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())


def tables(rows: Dataset) -> Iterator[pl.DataFrame]:
    for block in rows.iter_batches(batch_size=None, batch_format="pyarrow"):
        yield pl.from_arrow(block)


def gathered(rows: Dataset, columns: dict) -> pl.DataFrame:
    """All rows, at the driver."""
    return pl.concat(
        [pl.DataFrame(schema=columns), *(part.select(list(columns)) for part in tables(rows) if part.height)]
    )
