"""The work of clean in one process: a block and some hashes of every row in memory, texts on disk."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from stages import params
from stages.blocks import Aside
from stages.duplicates import Pile, collapse, fingerprints
from stages.leakage import leaks, marks
from stages.rows import PLAIN, Said, finish, scrub


class Engine:
    def __init__(self, folder: Path, rules: params.Clean, threshold: float):
        self.rules, self.threshold = rules, threshold
        self.plain = Aside(folder / "plain", {"row": pl.Int64} | PLAIN)
        self.pile = Pile(folder / "prints", rules.near_duplicate)
        self.marked = Pile(folder / "marks", threshold)

    def scrub(self, blocks: Iterable[pl.DataFrame]) -> Iterator[Said]:
        self.blocks, at = blocks, 0
        for block in blocks:
            said = scrub(block, self.rules)
            single = said.rows.with_row_index("row", at).filter(pl.col("reason").is_null())
            self.plain.add(single)
            self.pile.add(fingerprints(single["text"], self.rules.near_duplicate, of=single["question"]))
            at += block.height
            yield said

    def repeats(self, rating: pl.Series) -> pl.Series:
        return collapse(self.plain, rating, self.pile.prints(), self.rules.near_duplicate)

    def sort_out(self, reason: pl.Series, kept: Aside, rejected: Aside) -> pl.Series:
        at, split = 0, [pl.Series("split", dtype=pl.String)]
        for block, plain in zip(self.blocks, self.plain, strict=True):
            here = reason.slice(at, block.height)
            rejected.add(block.with_row_index("row", at).with_columns(here.alias("reason")).filter(here.is_not_null()))
            plain = plain.filter(reason.gather(plain["row"]).is_null())
            stays = finish(block.filter(here.is_null()), plain, self.rules.split)
            self.marked.add(marks(stays["text"], self.threshold, stays["question"]))
            kept.add(stays)
            split.append(stays["split"])
            at += block.height
        return pl.concat(split)

    def leaks(self, kept: Aside, split: pl.Series) -> dict[str, int]:
        return leaks(kept, split, self.marked.prints(), self.threshold)
