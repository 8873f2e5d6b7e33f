"""The lines of a stream of bytes, in blocks: numbered, decoded, and those that are no text marked with the reason."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

BLOCK = 4 * 2**20  # bytes read at once
LINE = 2**20  # bytes of the longest line or csv row that is read: a thousand times a long review


class Block(NamedTuple):
    """first: the number of the first line, from 1. texts: lines without their \\n. flaws: position → reason."""

    first: int
    texts: list[str]
    flaws: dict[int, str]


def blocks(stream: BinaryIO) -> Iterator[Block]:
    """All lines of a UTF-8 stream, without a byte order mark; at most BLOCK + LINE bytes of it are held at a time.

    A line with a flaw (bad_encoding, nul_byte, line_too_long) has replacement characters where it is no text, and is
    cut where it is too long.
    """
    number, rest, cut = 1, b"", None
    while chunk := stream.read(BLOCK):
        if cut is not None:  # in the midst of a line that is too long already
            _, found, chunk = chunk.partition(b"\n")
            if not found:
                continue
            yield Block(number, [cut], {0: "line_too_long"})
            number, cut = number + 1, None
        whole, found, rest = (rest + chunk).rpartition(b"\n")
        if found:
            block = _block(number, whole)
            yield block
            number += len(block.texts)
        if len(rest) > LINE:
            cut, rest = rest[:LINE].decode("utf-8", "replace"), b""
    if cut is not None:
        yield Block(number, [cut], {0: "line_too_long"})
    elif rest:
        yield _block(number, rest)


def _block(first: int, data: bytes) -> Block:
    """The lines of some bytes: decoded as one where they are all well, one by one where they are not."""
    if first == 1:
        data = data.removeprefix(b"\xef\xbb\xbf")
    lines = data.split(b"\n")
    if b"\0" not in data and max(map(len, lines)) <= LINE:
        try:
            return Block(first, data.decode().split("\n"), {})
        except UnicodeDecodeError:
            pass
    flaws = {place: reason for place, line in enumerate(lines) if (reason := _flaw(line))}
    return Block(first, [line[:LINE].decode("utf-8", "replace") for line in lines], flaws)


def _flaw(line: bytes) -> str | None:
    if len(line) > LINE:
        return "line_too_long"
    if b"\0" in line:
        return "nul_byte"
    try:
        line.decode()
    except UnicodeDecodeError:
        return "bad_encoding"
    return None
