"""Raw rows from a dataset of the Hugging Face Hub at a pinned commit, read by `datasets`, which runs no code of it.

HF_ENDPOINT (a mirror), HF_TOKEN and HF_HOME (where downloads are kept) are respected, as that library does.
"""

from collections.abc import Iterator

from stages.params import HubSource
from stages.refusal import Refusal
from stages.sources import cells
from stages.sources.batch import Batch, listed, mapped, with_ids

ROWS = 8192  # rows of a batch


def read(settings: HubSource, address: str) -> Iterator[Batch]:
    """The rows of the splits named, one split after the other, in batches.

    Refuses a data set, revision, configuration or split that the Hub does not give, and a column that is not there.
    """
    return with_ids(_read(settings, address), address)


def _read(settings: HubSource, address: str) -> Iterator[Batch]:
    wanted, first = settings.columns.model_dump(exclude_none=True), 0
    for split in settings.split:
        rows, at = _load(settings, split, address), 1
        for ours, theirs in wanted.items():
            if theirs not in rows.column_names:
                found = listed(rows.column_names)
                raise Refusal(
                    f"a column {theirs}", found, f"{address}.columns.{ours}", "write one of the columns found"
                )
        names = list(dict.fromkeys(wanted.values()))
        for part in rows.select_columns(names).with_format("arrow").iter(ROWS):
            columns = {name: part.column(name).to_pylist() for name in names}
            batch = cells.batch(columns, at, f"{settings.repo} {split}")
            yield batch._replace(rows=mapped(batch.rows, wanted, first))
            first, at = first + batch.rows.height, at + batch.read


def _load(settings: HubSource, split: str, address: str):  # -> datasets.Dataset, imported only where it is used
    import datasets
    from datasets.exceptions import DatasetsError
    from httpx2 import HTTPError  # what huggingface_hub speaks with

    try:
        return datasets.load_dataset(settings.repo, settings.config, revision=settings.revision, split=split)
    except (DatasetsError, HTTPError, OSError, ValueError, RuntimeError) as error:
        told = f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]
        raise Refusal(
            f"{settings.repo} at {settings.revision[:12]}, split {split}", told, address,
            "correct repo, revision, config or split; connect, set HF_ENDPOINT to a mirror or HF_TOKEN; or download "
            "it and use kind: file",
        ) from error  # fmt: skip
