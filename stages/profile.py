"""Lay a ready-made overlay over params.yaml: each section that the profile names replaces that section whole.

Reads   profiles/<name>.yaml, params.yaml
Writes  params.yaml (back to the default: git checkout params.yaml)
Params  all
"""

from pathlib import Path

import yaml

from stages import params
from stages.files import replacing
from stages.refusal import Refusal, run

PROFILES = Path("profiles")


def main(name: str = "") -> None:
    path = PROFILES / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in PROFILES.glob("*.yaml"))) or "none"
        raise Refusal("the name of a profile", repr(name), str(PROFILES), f"make profile P=<one of: {known}>")
    overlay = _sections(path)
    laid = _sections(params.FILE) | overlay
    params.check(laid, str(path))
    with replacing(params.FILE) as beside:
        head = f"# params.yaml with profiles/{name}.yaml laid over it. Back to the default: git checkout params.yaml\n"
        beside.write_text(head + yaml.safe_dump(laid, sort_keys=False, allow_unicode=True, width=120), "utf-8")
    print(f"profile {name}: {', '.join(overlay)} laid over params.yaml; run it with `make repro`")


def _sections(path: Path) -> dict:
    """The sections of a settings file, as YAML gives them."""
    try:
        sections = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        found = getattr(error, "problem", None) or str(error)
        raise Refusal("valid YAML", found, where, "mend that line: look for a tab, a missing space or colon") from error
    if not isinstance(sections, dict):
        raise Refusal("sections such as sources and recipes", type(sections).__name__, str(path), "restore it from git")
    return sections


if __name__ == "__main__":
    run(main)
