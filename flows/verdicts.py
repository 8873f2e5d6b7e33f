"""A rebuilt output beside the recorded one: the same bytes, or which file, which tensor, which figure is another."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from flows import digests

# Figures that no rebuild gives again: times, memory, the machine; and of a published folder the commit it was made on,
# which is the one before the commit that holds it.
FLEETING = re.compile(
    r"(.*_)?seconds(_.*)?|.*_per_second|latency(_.*)?|peak_\w+|device|vendor|git_commit|git_dirty|dvc_lock_sha256"
)
GOOD = ("identical", "measured")


@dataclass(frozen=True)
class Verdict:
    """What became of one output.

    verdict: identical; measured (it holds times, or is the same but for these); differs; missing; failed (its node
    did); untried (a node before it failed). by: the kind of the two hashes, recorded and rebuilt. why: the first
    difference in words.
    """

    path: str
    node: str
    verdict: str
    by: str = ""
    recorded: str = ""
    rebuilt: str = ""
    why: str = ""

    def told(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Recorded:
    """What a commit says of an output. entry: of its manifest, none where it has none; files: the recorded bytes,
    path below a folder (empty for a file) → where they are read; none where nobody has them any more."""

    path: str
    node: str
    md5: str
    entry: dict | None
    measured: bool
    files: Callable[[], dict[str, Path]]


def of(one: Recorded, root: Path) -> Verdict:
    """The verdict on an output whose node has run below `root`."""
    whole = digests.of(root / one.path)
    by = "sha256" if one.entry else "md5"
    recorded = one.entry["sha256"] if one.entry else one.md5
    told = {"path": one.path, "node": one.node, "by": by, "recorded": recorded}
    if whole is None:
        return Verdict(**told, verdict="missing", why="its node wrote nothing there")
    told["rebuilt"] = getattr(whole, by)
    if told["rebuilt"] == recorded:
        return Verdict(**told, verdict="identical")
    if one.measured:
        return Verdict(**told, verdict="measured", why="labelled so in dvc.yaml")
    fleeting, why = _apart(one, whole, root / one.path)
    return Verdict(**told, verdict="measured" if fleeting else "differs", why=why)


def _apart(one: Recorded, whole: digests.Digest, rebuilt: Path) -> tuple[bool, str]:
    """Whether only fleeting figures differ, and the first difference in words."""
    files = one.files()
    if not files:
        return False, "the recorded bytes are in no cache any more, so no more can be said"
    if not whole.files:
        return _file(files.get("", rebuilt), rebuilt)
    gone, new = files.keys() - whole.files.keys(), whole.files.keys() - files.keys()
    if gone or new:
        lost = f"lacks {', '.join(sorted(gone))}" if gone else f"has {', '.join(sorted(new))} besides"
        return False, f"the rebuilt folder {lost}"
    fleeting, told = True, []
    for name in sorted(files):
        if digests.of(files[name]).sha256 != whole.files[name]:
            same, why = _file(files[name], rebuilt / name)
            told.append((same, f"{name}: {why}"))
            fleeting = fleeting and same
    if not told:  # as of an MD5 twin, or of a list that was altered
        return False, "file by file as in the cache, and not as the commit says: the cache was altered"
    return fleeting, next(why for same, why in told if same == fleeting)


def _file(recorded: Path, rebuilt: Path) -> tuple[bool, str]:
    if recorded.suffix == ".safetensors" or rebuilt.suffix == ".safetensors":
        from flows import tensors

        return False, tensors.parting(recorded, rebuilt) or "its header differs, and no tensor does"
    if rebuilt.suffix == ".json":
        try:
            old, new = (json.loads(path.read_text("utf-8")) for path in (recorded, rebuilt))
        except ValueError:
            return False, "one of the two is no JSON"
        found = parting(old, new)
        if found is None:
            same = parting(old, new, fleeting=True)
            return (True, f"only {same}") if same else (False, "the same values, written otherwise")
        return False, found
    return False, f"{recorded.stat().st_size:,} bytes recorded, {rebuilt.stat().st_size:,} rebuilt"


def parting(old: object, new: object, where: str = "", fleeting: bool = False) -> str | None:
    """The first place where two values of JSON differ, as `address: old → new`.

    fleeting: times, memory and the like count too, which else do not.

    >>> parting({"loss": {"last": 1.5}, "train_seconds": 3}, {"loss": {"last": 1.25}, "train_seconds": 4})
    'loss.last: 1.5 → 1.25'
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            if fleeting or not FLEETING.fullmatch(key):
                address = f"{where}.{key}" if where else key
                if key not in old or key not in new:
                    return f"{address}: {'only in the rebuilt' if key in new else 'only in the recorded'}"
                if found := parting(old[key], new[key], address, fleeting):
                    return found
        return None
    if isinstance(old, list) and isinstance(new, list):
        for at, (one, other) in enumerate(zip(old, new, strict=False)):
            if found := parting(one, other, f"{where}[{at}]", fleeting):
                return found
        return None if len(old) == len(new) else f"{where}: {len(old)} → {len(new)} entries"
    return None if type(old) is type(new) and old == new else f"{where}: {_short(old)} → {_short(new)}"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
