"""The dataset card: metadata by which `datasets` loads the folder, and a page that says what the rows are."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from huggingface_hub import DatasetCard, DatasetCardData
from pyarrow import parquet

from stages.card import LANGUAGE, PERSONAL
from stages.markup import template
from stages.params import Dataset, Source
from stages.sending import TAG

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True)
class Facts:
    """All that a card tells. rows: split → its rows; hashes: file → SHA-256; data: of the whole enriched table.

    reports: account and clean of the source.
    """

    name: str
    release: Dataset
    source: Source
    rows: dict[str, pl.DataFrame]
    hashes: dict[str, str]
    data: str
    reports: dict[str, dict]

    @property
    def synthetic(self) -> bool:
        return self.source.collect.kind == "sample"

    @property
    def origin(self) -> str:
        """Where the rows come from, in words that name no path of this machine."""
        collect = self.source.collect
        match collect.kind:
            case "sample":
                return f"{collect.rows:,} rows of the generator `{collect.corpus}` of this project, from a fixed seed"
            case "hub":
                return f"the dataset `{collect.repo}` at commit `{collect.revision}`"
            case "file":
                files = [collect.path] if isinstance(collect.path, str) else collect.path
                return "files: " + ", ".join(f"`{Path(path).name}`" for path in files)
            case _:
                return "a database of its owner"


def render(facts: Facts, folder: Path) -> str:
    """The card's text. folder: where the splits lie, whose columns and sizes its head tells."""
    page = template("datacard.md.jinja").render(
        facts=facts,
        personal=PERSONAL,
        tag=TAG,
        language=LANGUAGE.get(facts.source.enrich.language, f"the language {facts.source.enrich.language!r}"),
        ratings={split: dict(part["rating"].value_counts().sort("rating").rows()) for split, part in facts.rows.items()}
        if "rating" in facts.release.columns else {},
        lengths={split: lengths(part["text"]) for split, part in facts.rows.items()}
        if "text" in facts.release.columns else {},
        **facts.reports,
    )  # fmt: skip
    return str(DatasetCard(f"---\n{metadata(facts, folder).to_yaml()}\n---\n\n{page}"))


def lengths(texts: pl.Series) -> dict[str, int]:
    """Median, 95th percentile and maximum of text lengths, characters."""
    chars = texts.str.len_chars()
    quantiles = {"median": 0.5, "p95": 0.95, "max": 1.0}
    return {name: int(chars.quantile(share, "nearest")) for name, share in quantiles.items()}


def metadata(facts: Facts, folder: Path) -> DatasetCardData:
    """The card's YAML head: language, licence, size, the file of each split, and what columns they have."""
    # half a second to open, which a refusal to share need not wait for
    from datasets import DatasetInfo, Features, SplitDict, SplitInfo
    from datasets.info import DatasetInfosDict

    total = sum(part.height for part in facts.rows.values())
    made = ["synthetic-data"] if facts.synthetic else []
    data = DatasetCardData(
        language=facts.source.enrich.language,
        license=facts.release.license,
        pretty_name=facts.release.repo.rpartition("/")[2],
        size_categories=next((told for most, told in SIZES if total < most), "n>1M"),
        task_categories=["text-generation", "text-classification"],
        tags=["reviews", *made],
        configs=[{
            "config_name": "default",
            "data_files": [{"split": split, "path": f"{split}.parquet"} for split in facts.rows],
        }],
    )  # fmt: skip
    tables = {split: parquet.read_table(folder / f"{split}.parquet") for split in facts.rows}
    parts = {split: SplitInfo(split, table.nbytes, table.num_rows) for split, table in tables.items()}
    features = Features.from_arrow_schema(next(iter(tables.values())).schema)
    info = DatasetInfo(
        features=features,
        splits=SplitDict(parts),
        download_size=sum((folder / f"{split}.parquet").stat().st_size for split in tables),
        dataset_size=sum(table.nbytes for table in tables.values()),
    )
    DatasetInfosDict({"default": info}).to_dataset_card_data(data)
    return data
