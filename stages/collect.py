"""Collect the raw rows of a source: as text, exactly as the source has them, in its order.

Reads   a bundled synthetic corpus, or what the settings name: files, a Hub dataset, a database; with a watermark
        also the former raw table, whose rows stay as they are
Writes  the raw table; the rows that could not be read, with their place and reason; a report
Params  seed, sources.<name>.collect
"""

from collections import Counter
from collections.abc import Iterator

from stages import params
from stages.files import write_json
from stages.refusal import Refusal, run
from stages.schema import RAW
from stages.sources import file, hub, sample, snapshot, sql
from stages.sources.batch import REJECTS, Batch, rejected
from stages.sources.draw import Draw

Settings = params.SampleSource | params.FileSource | params.HubSource | params.SqlSource
PLACES = 3  # first bad rows named in a refusal


def main(name: str, raw: str, bad: str, report: str) -> None:
    """Collect the source `name`."""
    settings = params.load()
    wanted = params.entry(settings.sources, name, "sources").collect
    address = f"params.yaml: sources.{name}.collect"
    draw = Draw(getattr(wanted, "sample", None), settings.seed, getattr(wanted, "sample_by", "id"))
    read, kept, rejects, first = 0, 0, Counter(), []
    with snapshot.writing((raw, RAW), (bad, REJECTS)) as (rows, aside):
        for batch in _batches(wanted, settings.seed, address, raw, rows.note):
            assert batch.read == batch.rows.height + len(batch.rejects), "a row neither read nor rejected"
            read, kept = read + batch.read, kept + batch.rows.height * batch.kept
            rejects.update(reason for _, reason, _ in batch.rejects)
            first += [(batch.file, line, reason) for line, reason, _ in batch.rejects[: PLACES - len(first)]]
            aside.add(rejected(batch))
            for drawn in draw.add(batch.rows):
                rows.add(drawn)
        for drawn in draw.rest():
            rows.add(drawn)
        _bound(read, rejects, first, getattr(wanted, "bad_share", 1.0), address)
        if not rows.rows:
            raise Refusal("rows", f"a {wanted.kind} source without any", _said(wanted), "fetch it again, or widen it")
        rejects += Counter(not_sampled=draw.left_out)
        assert read == rows.rows + rejects.total(), "a row lost between source and snapshot"
    account = {"rows_in": read, "rows_out": rows.rows, "rejected": dict(rejects)}
    write_json(report, account | ({"kept": kept} if rows.note else {}))
    lost = "".join(f", {count:,} {reason}" for reason, count in sorted(rejects.items()))
    print(f"collect {name}: {rows.rows:,} rows from {_said(wanted)}{lost}")


def _batches(wanted: Settings, seed: int, address: str, former: str, note: dict) -> Iterator[Batch]:
    """The rows of a source; `former` is the snapshot to go on from, `note` what the new one has to carry for that."""
    match wanted.kind:
        case "sample":
            rows = sample.generate(wanted.corpus, wanted.rows, seed, wanted.per_subject)
            return iter([Batch(rows.height, rows, [])])
        case "file":
            return file.read(wanted, address)
        case "hub":
            return hub.read(wanted, address)
        case "sql":
            return sql.read(wanted, address, former, note)


def _bound(read: int, rejects: Counter, first: list[tuple], share: float, address: str) -> None:
    """Refuse when more than `share` of the rows could not be read; a row that is only known already could."""
    bad = rejects.total() - rejects["known_id"]
    if bad > share * read:
        counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(rejects.items()))
        raise Refusal(
            f"at most {share:.2%} of the rows unreadable", f"{bad:,} of {read:,}: {counts}",
            "first " + "; ".join(f"{file} line {line} ({reason})" for file, line, reason in first),
            f"mend them, fetch the file again, or raise {address}.bad_share",
        )  # fmt: skip


def _said(wanted: Settings) -> str:
    """Where the rows come from, in a word or two."""
    if wanted.kind == "sample":
        return wanted.corpus
    if wanted.kind in ("hub", "sql"):
        return wanted.repo if wanted.kind == "hub" else wanted.env
    return wanted.path if isinstance(wanted.path, str) else f"{wanted.path[0]} and {len(wanted.path) - 1} more"


if __name__ == "__main__":
    run(main)
