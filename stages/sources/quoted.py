"""Csv with quotes, read so that one quote never closed costs its own line and not the rest of the file.

A quoted field may hold commas and line breaks (RFC 4180). Where a row cannot be read, its first line is rejected and
reading begins anew at the next, since most often the stray quote is on that line. Reading lines again could take for
ever in a file made for it, so after AGAIN of them a broken row is rejected with every line it spans.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator

from stages.refusal import Refusal
from stages.sources import lines
from stages.sources.batch import Batch, listed, texts

ROWS = 16_384  # rows in a batch
AGAIN = 1_000_000  # lines of a file that may be read again: about a second
INNER = re.compile(r'(?:^|,)[^",]+"')  # a quote inside a field that does not begin with one


def read(blocks: Iterator[lines.Block], wanted: list[str], path: str) -> Iterator[tuple[list[str], Batch]]:
    """(columns found, batch) of a csv file; an empty field is null, a blank line is no row.

    Rejects: bad_fields (not as many as in the header), bad_quotes, repeated_header, and the flaws of lines. Refuses a
    header that cannot be read or names a column twice.
    """
    feed = _Feed(blocks)
    rows = csv.reader(feed, strict=True)
    csv.field_size_limit(2**31 - 1)  # the module's own limit, 128 KiB, is less than a review may have
    found = _header(feed, rows, path)
    places = {name: found.index(name) for name in wanted if name in found}
    kept, rejects, count, again, doubtful = [], [], 0, AGAIN, 0
    while True:
        feed.taken, feed.size = [], 0
        try:
            fields = next(rows)
        except StopIteration:
            break
        except csv.Error:
            (first, text, flaw), *others = feed.taken
            reason = flaw or "bad_quotes"
            doubtful = feed.taken[-1][0] + 1
            again -= len(others)
            if again >= 0:
                feed.back.extendleft(reversed(others))
                others = []
            rejects += [(first, reason, text), *((number, reason, text) for number, text, _ in others)]
            count += 1 + len(others)
        else:
            first, whole = feed.taken[0][0], "\n".join(text for _, text, _ in feed.taken)
            flaw = next((flaw for _, _, flaw in feed.taken if flaw), None)
            if not fields and not flaw:
                continue
            if not flaw and len(fields) != len(found):
                flaw = "bad_fields"
            elif not flaw and fields == found:
                flaw = "repeated_header"
            elif not flaw and first <= doubtful and INNER.search(whole):
                flaw = "bad_quotes"  # the tail of a broken row, which may by chance have the right number of commas
            count += 1
            if flaw:
                rejects.append((first, flaw, whole))
                doubtful = feed.taken[-1][0] + 1 if first <= doubtful else doubtful
            else:
                kept.append([fields[place] or None for place in places.values()])
        if count >= ROWS:
            yield found, _batch(count, kept, rejects, list(places))
            kept, rejects, count = [], [], 0
    yield found, _batch(count, kept, rejects, list(places))


class _Feed:
    """Lines for csv.reader: remembers those taken for the row at hand, and takes back those to be read again."""

    def __init__(self, blocks: Iterator[lines.Block]):
        self.fresh = (
            (block.first + place, text, block.flaws.get(place))
            for block in blocks
            for place, text in enumerate(block.texts)
        )
        self.back, self.taken, self.size = deque(), [], 0

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self.back.popleft() if self.back else next(self.fresh)
        _, text, flaw = line
        if flaw == "line_too_long":
            if self.taken:  # a row that runs into such a line cannot be read; the line itself is next
                self.back.appendleft(line)
                raise csv.Error("a quote not closed before a line that is too long")
            self.taken.append(line)
            raise csv.Error("a line that is too long")
        self.taken.append(line)
        self.size += len(text)
        if self.size > lines.LINE and len(self.taken) > 1:
            raise csv.Error("a quote never closed")
        return text + "\n"


def _header(feed: _Feed, rows: Iterator[list[str]], path: str) -> list[str]:
    try:
        found = next(rows, [])
        flaw = next((flaw for _, _, flaw in feed.taken if flaw), None)
    except csv.Error as error:
        found, flaw = [], str(error)
    if flaw:
        raise Refusal("a header of column names", flaw, f"{path}, line 1", "mend the header, or fetch the file again")
    twice = [name for place, name in enumerate(found) if name in found[:place]]
    if twice:
        raise Refusal(
            "each column named once", f"{listed(twice)} twice in the header", f"{path}, line 1", "rename one of them"
        )
    return found


def _batch(count: int, kept: list[list], rejects: list, names: list[str]) -> Batch:
    return Batch(count, texts({name: [row[i] for row in kept] for i, name in enumerate(names)}), rejects)
