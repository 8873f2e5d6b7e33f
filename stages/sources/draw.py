"""A sample of a stream of rows, drawn by a hash of id and seed: a longer file keeps most of the same rows."""

from collections.abc import Iterator

import polars as pl

from stages.splits import fraction


class Draw:
    """Takes tables, gives back the rows to keep, in their order; `left_out` counts the others.

    most: rows to keep; None keeps all, each table as it comes. No more than four times `most` rows are held. by: whose
    hash decides, "id", or "group" for whole groups (the last may be cut); a row without a group counts as its own.
    """

    def __init__(self, most: int | None, seed: int, by: str = "id"):
        self.by = by
        self.most, self.salt, self.seen, self.left_out = most, f"sample {seed}", 0, 0
        self.held, self.height = [], 0

    def add(self, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
        if self.most is None:
            yield rows
            return
        order = fraction(rows[self.by].fill_null(rows["id"]), self.salt)
        self.held.append(rows.with_columns(_order=order, _row=pl.int_range(pl.len()) + self.seen))
        self.seen += rows.height
        self.height += rows.height
        if self.height > 2 * self.most:
            self._trim()

    def rest(self) -> Iterator[pl.DataFrame]:
        """The sample, once all tables are added."""
        if self.held:
            self._trim()
            yield self.held[0].sort("_row").drop("_order", "_row")

    def _trim(self) -> None:
        table = pl.concat(self.held)
        self.held = [table.sort("_order", "_row").head(self.most)]
        self.height = self.held[0].height
        self.left_out += table.height - self.height
