"""Files as they lie, gz, xz or zst, as one stream of bytes that refuses to swell without end."""

import gzip
import lzma
import zlib
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from stages.refusal import Refusal

MAGIC = {b"\x1f\x8b": "gz", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zst"}
# Reviews shrink three to ten times, the dullest log a hundred times: what swells more was made to fill a disk. A few
# megabytes do no harm however they were packed, and small files of equal rows are real.
RATIO = 200
FREE = 16 * 2**20  # bytes
BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, pa.ArrowException)  # what a broken file raises when read


class Unpacked:
    """The unpacked bytes of a file; `read(size)` as of any stream. Refuses when they are RATIO times the file's."""

    def __init__(self, path: Path, name: str):
        self.name, self.most, self.read_so_far = name, max(FREE, RATIO * path.stat().st_size), 0
        with path.open("rb") as file:
            head = file.read(6)
        kind = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "")
        kind = kind or Path(name).suffix[1:]  # a broken head still fails as what the name says it is
        match kind:
            case "gz":
                self.stream = gzip.GzipFile(path)
            case "xz":
                self.stream = lzma.LZMAFile(path)  # noqa: SIM115 – closed by __exit__
            case "zst":
                self.stream = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
            case _:
                self.stream, self.most = path.open("rb"), None

    @property
    def packed(self) -> bool:
        return self.most is not None

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.read_so_far += len(data)
        if self.most is not None and self.read_so_far > self.most:
            raise Refusal(
                f"a file that unpacks to at most {RATIO} times its size", f"more than {self.most:,} bytes", self.name,
                "fetch the file again; if it is meant, unpack it yourself and name the unpacked file",
            )  # fmt: skip
        return data

    def __enter__(self) -> BinaryIO:
        return self

    def __exit__(self, *_) -> None:
        self.stream.close()
