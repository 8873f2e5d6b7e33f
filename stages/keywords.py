"""Keywords of reviews: what each review speaks of that the others do not.

Candidates are nouns and short noun phrases found in the review, weighted by TF-IDF over the reviews to train on.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from stages.blocks import Array
from stages.candidates import PAIR, find, of_rubrics, own
from stages.lemmas import WORKERS, Words

FEWEST = 2  # reviews to train on that have it: a word met once is a misspelling or a name that nothing can be learnt of
BLOCK = 20_000  # rows analysed at once: what bounds memory, never what comes out
PARTS = 32  # files that keys are counted in: each a 32nd of them, in memory alone
PRIME = np.uint64(0x9E3779B97F4A7C15)


def keywords(
    texts: list[str], language: str, most: int, max_share: float, rubrics: list[str], fit_on: list[bool], **options
) -> list[list[str]]:
    """Up to `most` keywords of each text, in their order in the text; often fewer. `options` as for `found`."""
    rows = pl.DataFrame({"text": texts, "rubrics": rubrics, "fit": fit_on},
                        schema={"text": pl.String, "rubrics": pl.String, "fit": pl.Boolean})  # fmt: skip
    return found(rows, language, most, max_share, **options).to_list()


def found(
    rows: pl.DataFrame, language: str, most: int, max_share: float, *, fewest: int = FEWEST, phrases: bool = True,
    workers: int = WORKERS, block: int = BLOCK,
) -> pl.Series:  # fmt: skip
    """Keywords of each of `rows` (text, rubrics, fit): a list of lemmas and phrases of two, in the text's order."""
    with tempfile.TemporaryDirectory(prefix="keywords-") as folder:
        parts = stream(
            rows.iter_slices(block), Path(folder, "aside"), language, most, max_share,
            fewest=fewest, phrases=phrases, workers=workers,
        )  # fmt: skip
        return pl.concat([pl.Series("keywords", [], dtype=pl.List(pl.String)), *parts])


def stream(
    blocks: Iterable[pl.DataFrame], folder: Path, language: str, most: int, max_share: float, *, fewest: int = FEWEST,
    phrases: bool = True, workers: int = WORKERS,
) -> Iterator[pl.Series]:  # fmt: skip
    """The same of blocks of rows, one block's keywords after another; the blocks are read once, before the first.

    Candidates stand in at least `fewest` of the rows to `fit` on and in at most `max_share` of them, and are not in
    the row's own rubrics. They are weighed by TF-IDF (Spärck Jones 1972), counted on the rows to fit on alone, so that
    no test row has a say; ties go to the earlier word. Each text is analysed once; what is kept of a block, and what is
    counted, lies in `folder` (made here) until all are counted. In memory are a block, the lemmas, and the weights of
    candidates. Raises RuntimeError if a keyword's lemmas are not in its text.
    """
    folder.mkdir()
    words, counts, total, heights = Words(language, workers), Counts(folder), 0, []
    for part in blocks:
        tokens = words.read(part["text"])
        candidates = find(tokens, phrases)
        fit = part["fit"].to_numpy()
        counts.add(candidates["row"].to_numpy(), candidates["key"].to_numpy(), fit)
        total += int(fit.sum())
        kept, said = _paths(folder, len(heights))
        own(candidates, of_rubrics(words, part["rubrics"])).write_ipc(kept)
        tokens.select("row", "lemma").write_ipc(said)
        heights.append(part.height)
    weights = counts.between(fewest, max_share * total).select("key", idf=((1 + total) / pl.col("rows")).log())
    names = words.names()
    for number, height in enumerate(heights):
        kept, said = (pl.read_ipc(path) for path in _paths(folder, number))
        yield choose(kept, said, weights, names, most, height)


def _paths(folder: Path, number: int) -> tuple[Path, Path]:
    """Where a block's candidates and its tokens lie."""
    return folder / f"{number}.candidates.arrow", folder / f"{number}.tokens.arrow"


class Counts:
    """In how many rows each key stands: keys wait on disk, in PARTS files by a hash of them, and are counted there."""

    def __init__(self, folder: Path):
        self.parts = [Array(folder / f"keys-{n}", np.uint64) for n in range(PARTS)]

    def add(self, row: np.ndarray, key: np.ndarray, fit: np.ndarray) -> None:
        """row, key: of each candidate of a block; fit: of each row, whether it counts. A row counts a key once."""
        pairs = pl.DataFrame({"row": row, "key": key}).filter(pl.Series(fit[row], dtype=pl.Boolean)).unique()
        keys = pairs["key"].to_numpy()
        part = (keys * PRIME >> np.uint64(64 - PARTS.bit_length() + 1)).astype(np.uint8)
        order = np.argsort(part, kind="stable")
        cuts = np.searchsorted(part[order], np.arange(PARTS + 1))
        for n, file in enumerate(self.parts):
            file.add(keys[order[cuts[n] : cuts[n + 1]]])

    def between(self, fewest: int, most: float) -> pl.DataFrame:
        """Keys in at least `fewest` and at most `most` rows: key UInt64, rows UInt32."""
        found = []
        for file in self.parts:
            keys, rows = np.unique(file[:], return_counts=True)
            fits = (rows >= fewest) & (rows <= most)
            found.append(pl.DataFrame({"key": keys[fits], "rows": rows[fits].astype(np.uint32)}))
        return pl.concat(found)


def choose(
    candidates: pl.DataFrame, tokens: pl.DataFrame, weights: pl.DataFrame, names: pl.Series, most: int, height: int
) -> pl.Series:
    """The keywords of one block, a list for each of its `height` rows."""
    weighed = candidates.join(weights, on="key", how="inner", maintain_order="left")
    best = (
        _apart(weighed)
        .group_by("row", "key")
        .agg(pl.len().alias("times"), pl.col("at").min(), pl.col("idf").first())
        .sort("row", -(pl.col("times") * pl.col("idf")), "at", "key")
        .filter(pl.int_range(pl.len()).over("row") < most)
        .sort("row", "at")
    )
    first, last = names.gather(best["key"] // PAIR), names.gather(best["key"] % PAIR)
    best = best.select("row", word=(first + " " + last).str.strip_prefix(" "))
    _ground(best, tokens, names)
    rows = pl.DataFrame({"row": np.arange(height, dtype=np.uint32)})
    lists = rows.join(best.group_by("row").agg(pl.col("word")), on="row", how="left", maintain_order="left")
    return lists["word"].fill_null([]).rename("keywords")


def _apart(weighed: pl.DataFrame) -> pl.DataFrame:
    """Occurrences that share no token: of overlapping phrases the rarer stays, of a phrase and its words the phrase."""
    phrase = weighed.filter(pl.col("key") // PAIR > 0).sort("at")
    before, after = pl.col("at").shift(1) + 1 == pl.col("at"), pl.col("at").shift(-1) == pl.col("at") + 1
    rarer = ~(before.fill_null(False) & (pl.col("idf").shift(1) >= pl.col("idf")).fill_null(False)) & ~(
        after.fill_null(False) & (pl.col("idf").shift(-1) > pl.col("idf")).fill_null(False)
    )
    phrase = phrase.filter(rarer)
    covered = pl.concat([phrase["at"], phrase["at"] + 1])
    single = weighed.filter((pl.col("key") // PAIR == 0) & ~pl.col("at").is_in(covered.implode()))
    return pl.concat([single, phrase])


def _ground(best: pl.DataFrame, tokens: pl.DataFrame, names: pl.Series) -> None:
    """Hold every keyword to the lemmas of its text, as strings; a mark between two words parts them."""
    said = tokens.with_columns(word=names.gather(tokens["lemma"])).group_by("row").agg(pl.col("word"))
    said = said.select("row", said=" " + pl.col("word").list.join(" ") + " ")
    held = best.join(said, on="row", how="left").select(
        "row", "word", held=pl.col("said").str.contains(" " + pl.col("word") + " ", literal=True).fill_null(False)
    )
    if not held["held"].all():
        lost = held.filter(~pl.col("held")).row(0, named=True)
        raise RuntimeError(f"the keyword {lost['word']!r} is not in its review, row {lost['row']} of its block")
