"""A file from elsewhere (https, s3): the file system that has it, what that answers, a copy of the file."""

from pathlib import Path

from stages.refusal import Refusal

PACKAGES = {"s3": "s3fs", "http": "aiohttp", "https": "aiohttp"}  # what fsspec needs beside itself
CHUNK = 2**20  # bytes copied at once


def protocol_of(name: str) -> str:
    """What stands before `://`; a bare path is a "file"."""
    return name.partition("://")[0] if "://" in name else "file"


def copied(name: str, folder: str, at: str) -> Path:
    """A file from elsewhere, copied into `folder`; `at` is where the settings name it."""
    system, path = system_of(name, at), Path(folder) / "copy"

    def copy() -> None:
        with system.open(name, "rb") as there, path.open("wb") as mine:
            while data := there.read(CHUNK):
                mine.write(data)

    asked(copy, name, at)
    return path


def system_of(name: str, at: str):  # -> fsspec.AbstractFileSystem, which is imported only where it is used
    import fsspec

    protocol = protocol_of(name)
    try:
        return fsspec.filesystem(protocol)
    except ImportError as error:
        package = PACKAGES.get(protocol, protocol)
        raise Refusal(
            f"the package {package}, which {protocol}:// needs", "it is not installed", at, f"pip install {package}"
        ) from error


def asked(what, name: str, at: str):
    """What a remote file system answers, its errors as a refusal: network, rights, no such file."""
    try:
        return what()
    except Exception as error:  # each file system has errors of its own: aiohttp's, botocore's, …
        told = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise Refusal(f"to read {name}", told, at, "correct the address, or see to network and login") from error
