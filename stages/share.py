"""Put together a source's cleaned rows for others to use: a parquet file per split, their card, their licence.

Reads   the enriched table; the account of the source and clean's report
Writes  a folder: train.parquet, validation.parquet, test.parquet, README.md, LICENSE, provenance.json, manifest.json
Params  datasets.<name>, sources.<name>

Only a source that params.yaml has under `datasets`, with who allows it, gets here at all. No id and no group leaves,
and no text in which clean's own patterns still find personal data.
"""

import shutil

import polars as pl

from stages import datacard, params, privacy, release, sending
from stages.files import read_json, replacing_folder, write_json
from stages.refusal import Refusal, run
from stages.schema import ENRICHED, SPLITS, read, write


def main(name: str, table: str, account: str, clean: str, folder: str) -> None:
    settings = params.load()
    wanted = params.entry(settings.datasets, name, "datasets")
    licence = release.licence(wanted.license, f"params.yaml: datasets.{name}.license")
    rows = read(table, ENRICHED)
    said = {"account": read_json(account), "clean": read_json(clean)}
    parts = splits(rows, wanted.columns)
    masked(parts, table)
    with replacing_folder(folder) as beside:
        for split, part in parts.items():
            write(beside / f"{split}.parquet", part, {column: ENRICHED[column] for column in wanted.columns})
        hashes = {path.name: release.sha256(path) for path in sorted(beside.iterdir())}
        private = {"collect": {"path", "env", "query"}}
        source = settings.sources[name].model_dump(mode="json", by_alias=True, exclude=private)
        origin = {"data_sha256": release.sha256(table), "source": source}
        facts = datacard.Facts(name, wanted, settings.sources[name], parts, hashes, origin["data_sha256"], said)
        (beside / "README.md").write_text(datacard.render(facts, beside), "utf-8")
        shutil.copyfile(licence, beside / "LICENSE")
        write_json(beside / sending.ORIGIN, origin)
        write_json(beside / sending.MANIFEST, sending.manifest(beside))
    counts = ", ".join(f"{part.height:,} {split}" for split, part in parts.items())
    print(f"share {name}: {counts} rows of {', '.join(wanted.columns)}")


def splits(rows: pl.DataFrame, columns: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    """The rows of each split, `columns` alone. Refuses a split without any: it would be no file to load."""
    parts = {split: rows.filter(split=split).select(columns) for split in SPLITS}
    if empty := [split for split, part in parts.items() if part.is_empty()]:
        do = "set clean.split so that each has some"
        raise Refusal("rows in each split", f"none in {', '.join(empty)}", "params.yaml: sources", do)
    return parts


def masked(parts: dict[str, pl.DataFrame], where: str) -> None:
    """Refuse texts in which a pattern of clean still finds personal data; which ones, not what they say."""
    found = []
    for split, part in parts.items():
        for column, kind in part.schema.items():
            texts = part[column].list.join(" ") if kind == pl.List(pl.String) else part[column]
            if texts.dtype == pl.String and (left := int((privacy.mask(texts) != texts).sum())):
                found.append(f"{left} rows of {split} in {column}")
    if found:
        do = "leave the column out of datasets, or mend the source; nothing was written"
        raise Refusal("no personal data", ", ".join(found), where, do)


if __name__ == "__main__":
    run(main)
