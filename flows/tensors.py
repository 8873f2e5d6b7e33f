"""Where two safetensors files part: the first tensor that differs, and by how much.

Read by their headers (github.com/huggingface/safetensors, Format), for numpy has no bfloat16 and torch is not loaded
by a flow.
"""

import json
from pathlib import Path

import numpy as np

KINDS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1", "BOOL": "<u1",
}  # fmt: skip


def parting(recorded: Path, rebuilt: Path) -> str | None:
    """In words, the first tensor by its place in the file that is another in `rebuilt`; None where all are equal."""
    old, new = _header(recorded), _header(rebuilt)
    if old is None or new is None:
        return f"{'the recorded file' if old is None else 'the rebuilt file'} is no safetensors"
    differing = []
    for name, (kind, shape, _, _) in old.items():
        if name not in new:
            return f"tensor {name} is missing"
        if (kind, shape) != new[name][:2]:
            return f"tensor {name} is {new[name][0]} {new[name][1]}, recorded as {kind} {shape}"
        if _bytes(recorded, old[name]) != _bytes(rebuilt, new[name]):
            differing.append(name)
    if differing:
        one = differing[0]
        return f"tensor {one} differs by up to {_apart(recorded, old[one], rebuilt, new[one])}; " \
               f"{len(differing)} of {len(old)} tensors differ"  # fmt: skip
    if extra := new.keys() - old.keys():
        return f"tensor {min(extra)} is new"
    return None


Place = tuple[str, list[int], int, int]  # kind, shape, first byte and byte after the last, in the file


def _header(path: Path) -> dict[str, Place] | None:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= path.stat().st_size - 8:
            return None
        try:
            told = json.loads(file.read(length))
        except ValueError:
            return None
    told.pop("__metadata__", None)
    start = 8 + length
    order = sorted(told.items(), key=lambda one: (one[1]["data_offsets"], one[0]))
    return {name: (of["dtype"], of["shape"], *(start + at for at in of["data_offsets"])) for name, of in order}


def _bytes(path: Path, place: Place) -> bytes:
    with path.open("rb") as file:
        file.seek(place[2])
        return file.read(place[3] - place[2])


def _apart(recorded: Path, old: Place, rebuilt: Path, new: Place) -> str:
    """The largest distance of two values in the same place, and how many places differ."""
    if old[0] not in KINDS:
        return f"an unknown amount ({old[0]})"
    one, other = _numbers(recorded, old), _numbers(rebuilt, new)
    apart = np.abs(one - other)
    many = int((apart != 0).sum() + np.isnan(apart).sum())
    return f"{np.nanmax(apart) if not np.isnan(apart).all() else np.nan:.3g} in {many} of {apart.size} values"


def _numbers(path: Path, place: Place) -> np.ndarray:
    raw = np.frombuffer(_bytes(path, place), dtype=KINDS[place[0]])
    if place[0] == "BF16":  # the upper half of a float32
        return (raw.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return raw.astype(np.float64)
