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
    overlay = params.read(path)
    laid = params.read(params.FILE) | overlay
    params.check(laid, str(path))
    with replacing(params.FILE) as beside:
        head = f"# params.yaml with profiles/{name}.yaml laid over it. Back to the default: git checkout params.yaml\n"
        beside.write_text(head + yaml.safe_dump(laid, sort_keys=False, allow_unicode=True, width=120), "utf-8")
    print(f"profile {name}: {', '.join(overlay)} laid over params.yaml; run it with `make repro`")


if __name__ == "__main__":
    run(main)
