"""Put a pretrained base where recipes look for it: from the Hub at a pinned commit, a folder, or a package.

Reads   the Hub (HF_ENDPOINT is respected), a local folder, or an installed package
Writes  a model folder: config, safetensors, tokenizer
Params  pretrained.<name>
"""

import hashlib
import importlib.util
import shutil
from pathlib import Path

from stages import params
from stages.files import replacing_folder
from stages.refusal import Refusal, run

# Configuration, weights and tokenizer; nothing that could run code, no pickles.
WANTED = ("*.json", "*.safetensors", "*.model", "vocab.txt", "merges.txt")
NEEDED = ("config.json", "model.safetensors")
PATIENCE = 10  # seconds for the Hub to answer


def main(name: str, folder: str) -> None:
    base = params.entry(params.load().pretrained, name, "pretrained")
    address = f"params.yaml: pretrained.{name}"
    source = {"hub": _hub, "folder": _folder, "package": _package}[base.kind](base, address)
    lacking = [file for file in NEEDED if not (source / file).is_file()]
    if lacking:
        raise Refusal(
            f"a model folder with {', '.join(NEEDED)}", f"no {', '.join(lacking)}", str(source), f"see {address}"
        )
    with replacing_folder(folder) as beside:
        for file in sorted({path for pattern in WANTED for path in source.glob(pattern)}):
            shutil.copyfile(file, beside / file.name)
        count = len(list(beside.iterdir()))
    print(f"fetch {name}: {count} files from {base.kind}")


def _hub(base: params.HubBase, address: str) -> Path:
    """The snapshot of a Hub repository at its pinned commit (network, or the local cache when it has it)."""
    from httpx2 import HTTPError, TransportError  # what huggingface_hub speaks with
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    unreached = None
    try:
        try:  # one question without retries: snapshot_download alone tries an unreachable Hub for 24 s
            HfApi().model_info(base.repo, revision=base.revision, timeout=PATIENCE)
        except (TransportError, OfflineModeIsEnabled) as error:
            unreached = str(error) or type(error).__name__
        # Not the subfolders: they hold the same model in other formats.
        return Path(
            snapshot_download(
                base.repo, revision=base.revision, allow_patterns=list(WANTED), ignore_patterns=["*/*"],
                local_files_only=unreached is not None,
            )
        )  # fmt: skip
    except (LocalEntryNotFoundError, HTTPError, OSError) as error:
        found = (unreached or str(error) or type(error).__name__).strip().splitlines()[0]
        raise Refusal(
            f"{base.repo} at {base.revision[:12]} from the Hub or the local cache",
            f"not in the cache, and: {found}" if unreached else found, address,
            "connect, set HF_ENDPOINT to a mirror, correct repo or revision, or use kind: folder with a copy you have",
        ) from error  # fmt: skip


def _folder(base: params.FolderBase, address: str) -> Path:
    if not Path(base.path).is_dir():
        raise Refusal("a folder with a saved model", f"{base.path} is none", f"{address}.path", "correct the path")
    return Path(base.path)


def _package(base: params.PackageBase, address: str) -> Path:
    """The folder inside an installed package that holds model.safetensors; its sha256 is the pin."""
    try:
        spec = importlib.util.find_spec(base.package)
    except (ImportError, ValueError):  # the parent of a dotted name is missing, or it is no name
        spec = None
    if spec is None or spec.origin is None:
        raise Refusal("an installed package", f"{base.package} is not", f"{address}.package", "run `make install`")
    found = sorted(Path(spec.origin).parent.rglob("model.safetensors"))
    if not found:
        raise Refusal(
            "a package that carries model.safetensors", "none inside", f"{address}.package", "correct the name"
        )
    with found[0].open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != base.sha256:
        raise Refusal(f"weights with sha256 {base.sha256}", digest, str(found[0]), "reinstall the pinned version")
    return found[0].parent


if __name__ == "__main__":
    run(main)
