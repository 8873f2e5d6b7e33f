"""Collect the raw rows of a source: as text, exactly as the source has them, in its order.

Reads   a bundled synthetic corpus, or the file that the settings name
Writes  the raw table
Params  seed, sources.<name>.collect
"""

from stages import params
from stages.refusal import run
from stages.schema import RAW, write
from stages.sources import file, sample


def main(name: str, raw: str) -> None:
    """Collect the source `name`."""
    settings = params.load()
    wanted = params.entry(settings.sources, name, "sources").collect
    if wanted.kind == "sample":
        rows = sample.generate(wanted.corpus, wanted.rows, settings.seed)
    else:
        rows = file.read(wanted, settings.seed, f"params.yaml: sources.{name}.collect")
    write(raw, rows, RAW)
    print(f"collect {name}: {rows.height:,} rows from {wanted.corpus if wanted.kind == 'sample' else wanted.path}")


if __name__ == "__main__":
    run(main)
