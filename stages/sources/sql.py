"""Raw rows from a database: any SQLAlchemy address, which comes from the environment, and a query.

One SELECT in one read-only transaction, REPEATABLE READ where the database has it, through a cursor on the server: what
others write meanwhile is not seen, and only `chunk` rows are held. The address never leaves this module: no message, no
report and no metadata holds it or a part of it.

With a watermark the rows of the former snapshot come first, unchanged, then those above its highest watermark, and
those at it whose id is not there yet (rows of the same moment may come late), likewise rows whose watermark is null. A
row above it with an id that is there already is a changed one: known_id, since a snapshot only grows. Rows that become
visible later with a lower watermark (a transaction that was open long) are not found: choose a column that grows as
rows are committed, or collect without a watermark now and then.
"""

from collections.abc import Iterator

from stages.params import SqlSource
from stages.refusal import Refusal
from stages.sources import cells, snapshot, watermark
from stages.sources.batch import Batch, listed, mapped, with_ids
from stages.sources.database import digest, engine_of, statement, url_of

QUERY = "query"  # what stands for a file's name among the rejects


def read(settings: SqlSource, address: str, former: str, note: dict) -> Iterator[Batch]:
    """The rows of the query in batches; with a watermark, after those of the snapshot at `former`.

    note: gets the metadata that the new snapshot must carry, once all is read. Refuses an environment variable that is
    not set, an address or a query that the database refuses, and a column that the query does not give.
    """
    return with_ids(_read(settings, address, former, note), address)


def _read(settings: SqlSource, address: str, former: str, note: dict) -> Iterator[Batch]:
    import sqlalchemy

    url = url_of(settings, address)
    asked, ids, first = digest(settings, url), set(), 0
    mark = watermark.seen(former, asked) if settings.watermark else None
    if mark is not None:
        for rows in snapshot.batches(former):
            ids.update(rows["id"])
            first += rows.height
            yield Batch(rows.height, rows, [], kept=True)
    highest, at = mark, 1
    wanted = settings.columns.model_dump(exclude_none=True)
    engine, phase = None, "connect"
    try:
        engine = engine_of(url, settings)
        with engine.connect() as connection:
            phase = "query"
            result = connection.execute(*statement(settings, mark, engine))
            names = list(result.keys())
            _require(names, wanted, settings, address)
            for chunk in result.partitions(settings.chunk):
                columns = dict(zip(names, zip(*chunk, strict=True), strict=True))
                if settings.watermark:
                    marks = columns[settings.watermark]
                    highest = next((one for one in reversed(marks) if one is not None), highest)
                    columns, changed = _new(columns, marks, mark, ids, wanted["id"])
                else:
                    changed = []
                batch = cells.batch({name: columns[name] for name in dict.fromkeys(wanted.values())}, at, QUERY)
                rejects = batch.rejects + [(at + place, "known_id", text) for place, text in changed]
                rows = mapped(batch.rows, wanted, first)
                yield Batch(batch.read + len(changed), rows, rejects, QUERY)
                first, at = first + rows.height, at + batch.read + len(changed)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, UnicodeError, TypeError, ValueError) as error:
        raise _refusal(error, phase, url, settings, address) from None  # the cause may show the address
    finally:
        if engine is not None:
            engine.dispose()
    if settings.watermark:
        note |= watermark.note(highest, asked, address)


def _new(columns: dict, marks: tuple, mark: object, ids: set, key: str) -> tuple[dict, list[tuple[int, str]]]:
    """The columns without the rows that the former snapshot has, and the changed rows: (place, content)."""
    if mark is None:
        return columns, []
    known = [cells.text(one) in ids for one in columns[key]]
    fresh = [place for place, there in enumerate(known) if not there]
    changed = [place for place, there in enumerate(known) if there and marks[place] not in (None, mark)]
    told = [(len(fresh) + n, str(tuple(cell[place] for cell in columns.values()))) for n, place in enumerate(changed)]
    return {name: [values[place] for place in fresh] for name, values in columns.items()}, told


def _require(names: list[str], wanted: dict[str, str], settings: SqlSource, address: str) -> None:
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise Refusal("each column named once", f"{listed(twice)} twice", f"{address}.query", "rename one with AS")
    needed = {f"columns.{ours}": theirs for ours, theirs in wanted.items()}
    needed |= {"watermark": settings.watermark} if settings.watermark else {}
    for at, name in needed.items():
        if name not in names:
            raise Refusal(f"a column {name}", listed(names), f"{address}.{at}", "write one of the columns found")


def _refusal(error: Exception, phase: str, url, settings: SqlSource, address: str) -> Refusal:
    """What went wrong, without the address: on connecting only the kind of error, on asking its first line, sieved."""
    cause = getattr(error, "orig", None) or error
    told = f"{type(cause).__name__} {getattr(cause, 'sqlstate', None) or ''}".strip()
    if isinstance(error, ImportError):
        return Refusal(
            f"the driver of {url.drivername}", "it is not installed", f"{address}.env", "pip install the driver"
        )
    if phase == "connect":
        return Refusal(
            f"the database that {settings.env} names to answer", told, f"{address}.env",
            "see that it runs, that the name and password are right, and that this machine may reach it",
        )  # fmt: skip
    line = next(iter(str(cause).strip().splitlines()), "")
    for secret in filter(None, (url.password, url.username, url.host, url.database)):
        line = line.replace(str(secret), "…")
    where = f"{address}.query" + (f"; {address}.watermark" if settings.watermark else "")
    return Refusal("a query that the database answers", f"{told}: {line}", where, "mend the query")
