"""The work of clean on the machines of a Ray cluster, by Ray Data: the functions of the local engine, the same bytes.

What rows say by themselves is a map over blocks. Which rows repeat others takes three shuffles: by the hash of the
words (equal and contradictory rows meet), by the hash of each band (rows that share one meet), by pairs of row ranges
(the two texts of a candidate pair meet). All are tasks without a state of their own, so that Ray does again what was
lost with a machine; only the driver's has to stay. The driver reads and writes the tables, block by block, and keeps
some 40 bytes of each row and 16 of each candidate pair; texts and hashes lie in the cluster's object store, which
spills to disk.

RAY_ADDRESS names the cluster (Ray's own variable); without it Ray starts one on this machine. Workers get this package
from the driver; every other one has to be installed there, those of VERSIONS at the driver's version.
"""

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from stages import minhash, params
from stages.blocks import Aside
from stages.engines import work
from stages.engines.ray_data import Dataset, arrow, connect, cpus, gathered, grouped, mapped, ray, tables
from stages.rows import Said
from stages.rules import RULES
from stages.schema import CLEAN, RAW

PARTS = 4  # of a shuffle, for each CPU of the cluster
ROW, PAIR = {"row": pl.Int64}, {"one": pl.Int64, "other": pl.Int64}


class Engine:
    def __init__(self, folder: Path, rules: params.Clean, threshold: float):
        """Connect to the cluster. Nothing is put aside in the folder."""
        connect()
        self.rules, self.threshold = rules, threshold
        self.parts = PARTS * cpus()

    def scrub(self, blocks: Iterable[pl.DataFrame]) -> Iterator[Said]:
        refs, at = [], 0
        for block in blocks:
            refs.append(ray.put(arrow(block.select(pl.int_range(pl.len()).alias("row") + at, *RAW))))
            at += block.height
        self.blocks, self.rows = blocks, at
        refs = refs or [ray.put(arrow(pl.DataFrame(schema=ROW | RAW)))]
        self.said = mapped(ray.data.from_arrow_refs(refs), work.scrub, self.rules).materialize()
        for part in tables(self.said.select_columns(["stars", "language", "reason", "told"])):
            for told in part["told"].drop_nulls():
                yield Said(_rows(part.clear()), *json.loads(told))
            yield Said(_rows(part), dict.fromkeys(RULES, 0), {rule: [] for rule in RULES})

    def repeats(self, rating: pl.Series) -> pl.Series:
        single = mapped(self.said, work.single, self.parts).materialize()
        numbers = gathered(single.select_columns(["row"]), ROW)["row"].sort().to_numpy()
        found = gathered(grouped(single, work.repeats), ROW | {"reason": pl.String})
        at = np.searchsorted(numbers, found["row"].to_numpy())
        reason = pl.Series("reason", [None], pl.String).new_from_index(0, numbers.size).scatter(at, found["reason"])
        if self.rules.near_duplicate is None:
            return reason
        left = reason.is_null().arg_true().to_numpy()
        pairs = near(self.said, numbers[left], self.rows, self.rules.near_duplicate, self.parts)
        return reason.scatter(minhash.later(reason.len(), left[pairs]), "near_duplicate")

    def sort_out(self, reason: pl.Series, kept: Aside, rejected: Aside) -> pl.Series:
        at, split = 0, [pl.Series("split", dtype=pl.String)]
        for block in self.blocks:
            gone = block.with_row_index("row", at).with_columns(reason.slice(at, block.height).alias("reason"))
            rejected.add(gone.filter(pl.col("reason").is_not_null()))
            at += block.height
        stays = ray.put(reason.is_null().to_numpy())
        self.stays = mapped(self.said, work.finish, stays, self.rules.split, self.threshold).materialize()
        for part in tables(self.stays.select_columns(list(CLEAN))):
            kept.add(part)
            split.append(part["split"])
        self.numbers = reason.is_null().arg_true().to_numpy()
        return pl.concat(split)

    def leaks(self, kept: Aside, split: pl.Series) -> dict[str, int]:
        train, test = (self.numbers[(split == name).to_numpy()] for name in ("train", "test"))
        exact = gathered(grouped(mapped(self.stays, work.heard, self.parts), work.given_away), ROW)
        rows = np.concatenate([train, test])
        pairs = near(self.stays, rows, self.rows, self.threshold, self.parts, first=train.size)
        return {"exact": exact.height, "near": int(np.unique(pairs[:, 1]).size)}


def near(
    rows: Dataset, numbers: np.ndarray, total: int, threshold: float, parts: int, first: int | None = None
) -> np.ndarray:
    """Pairs of near-duplicates as minhash.candidates and minhash.similar find them: (pairs, 2), places in `numbers`.

    numbers: which of the `total` rows, in the order they are to be paired. first: ask only for pairs of one of the
    first so many and one of the rest.
    """
    place = np.full(total, -1)
    place[numbers] = np.arange(numbers.size)
    place = ray.put(place)
    found = grouped(mapped(rows, work.banded, place, parts), work.candidates)
    pairs = np.unique(gathered(found, PAIR).to_numpy(), axis=0)
    if first is not None:
        pairs = pairs[(pairs[:, 0] < first) & (pairs[:, 1] >= first)]
    if not len(pairs):
        return pairs
    across = max(1, int(parts**0.5))
    cell = (pairs * across // numbers.size) @ (across, 1)
    both = np.unique(np.stack([pairs.ravel(), np.repeat(cell, 2)], axis=1), axis=0)  # which cells need which row
    order = np.argsort(cell, kind="stable")
    cuts = np.searchsorted(cell[order], np.arange(across * across + 1))
    of_cell = ray.put([pairs[order[a:b]] for a, b in itertools.pairwise(cuts)])
    found = grouped(mapped(rows, work.needed, place, ray.put(both)), work.similar, of_cell, threshold)
    return gathered(found, PAIR).sort("one", "other").to_numpy()


def _rows(part: pl.DataFrame) -> pl.DataFrame:
    """The rows of Said; their texts stay in the cluster."""
    return part.select(text=pl.lit(""), rating="stars", language="language", reason="reason")
