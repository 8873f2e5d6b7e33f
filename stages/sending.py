"""What a release is sent with: the place of its tag, the manifest of its files; and whether a generator may be sent."""

from pathlib import Path

from stages.files import read_json
from stages.refusal import Refusal
from stages.release import sha256

# Stands for the tag, in a card and in an adapter's settings, until it is sent: it names a commit that is not made yet.
TAG = "git-" + 12 * "0"
MANIFEST, ORIGIN = "manifest.json", "provenance.json"


def manifest(folder: Path) -> dict[str, dict]:
    """{path: {sha256, size}} of every file of a release but the manifest itself, sorted by path. size: bytes."""
    paths = sorted(path for path in folder.iterdir() if path.name != MANIFEST)
    return {path.name: {"sha256": sha256(path), "size": path.stat().st_size} for path in paths}


def cleared(folder: Path, report: Path) -> None:
    """Refuse a generator that was not probed as it lies and writes, by its own bounds, or whose texts hold something.

    Of a release that writes no free text nothing is asked: its provenance has no `probe`.
    """
    asked = read_json(folder / ORIGIN).get("probe")
    if asked is None:
        return
    do = f"python -m stages.probe (writes {report}), then commit the report"
    if not report.is_file():
        raise Refusal(f"a report on {asked['rows']:,} generated texts", "none", str(report), do)
    told, listed, origin = read_json(report), read_json(folder / MANIFEST), read_json(folder / ORIGIN)
    weights = {name: one["sha256"] for name, one in listed.items() if name.endswith(".safetensors")}
    if (told.get("weights"), told.get("base_sha256")) != (weights, origin["base_sha256"]):
        raise Refusal("a report on these very weights", "one on others", str(report), do)
    if told.get("predict") != origin["recipe"]["predict"]:
        found = f"one on texts written with {told.get('predict')}"
        raise Refusal(f"a report on texts written with {origin['recipe']['predict']}", found, str(report), do)
    if told.get("asked") != asked or not (told.get("rows") == asked["rows"] or told.get("exhausted")):
        found = f"{told.get('rows')} texts, bounds {told.get('asked')}"
        raise Refusal(f"{asked['rows']:,} texts, bounds {asked}", found, str(report), do)
    if told.get("passed") is not True:
        found = f"{told.get('memorised')} memorised, {told.get('personal')} with personal data"
        do = "look at them in the report; train without what it knows by heart, and probe again"
        raise Refusal("no memorised training text and no personal data", found, str(report), do)
