"""A database to ask: its address out of the environment, its engine that may only read, the statement asked of it."""

import hashlib
import json
import os

from stages.params import SqlSource
from stages.refusal import Refusal


def url_of(settings: SqlSource, address: str):  # -> sqlalchemy.URL, which is imported only where it is used
    import sqlalchemy

    told = os.environ.get(settings.env, "")
    try:
        url = sqlalchemy.make_url(told)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise Refusal(
            f"an SQLAlchemy address in the environment variable {settings.env}",
            "something else" if told else "nothing", f"{address}.env",
            f"export {settings.env}=postgresql://user:password@host/database, or set it in the scheduler",
        ) from None  # fmt: skip
    # SQLAlchemy 2.0 takes this name for psycopg2, which this project does not install.
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


def digest(settings: SqlSource, url) -> str:
    """A digest of settings and of which database it is, without user and password."""
    place = [url.get_backend_name(), url.host, url.port, url.database, url.query.get("host")]
    told = [settings.model_dump(mode="json", include={"query", "columns", "watermark"}), place]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def engine_of(url, settings: SqlSource):
    import sqlalchemy

    options = {"stream_results": True, "max_row_buffer": settings.chunk}
    backend = url.get_backend_name()
    if backend != "sqlite":  # there one SELECT sees one state of the file, whatever the level
        options["isolation_level"] = "REPEATABLE READ"
    if backend == "postgresql":
        options["postgresql_readonly"] = True
    engine = sqlalchemy.create_engine(
        url, execution_options=options, hide_parameters=True, poolclass=sqlalchemy.NullPool
    )
    if backend == "sqlite":

        @sqlalchemy.event.listens_for(engine, "connect")
        def _careful(connection, _record) -> None:
            connection.execute("PRAGMA query_only = ON")
            connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")

    return engine


def statement(settings: SqlSource, mark: object, engine) -> tuple:
    """The query as written, or the rows of it from the watermark on; with the parameters."""
    import sqlalchemy

    query = settings.query.strip().rstrip(";").replace(":", r"\:")  # a colon in a query is no parameter of ours
    if not settings.watermark:
        return (sqlalchemy.text(query),)
    name = engine.dialect.identifier_preparer.quote(settings.watermark)
    where = f"WHERE {name} >= :mark OR {name} IS NULL " if mark is not None else ""
    text = sqlalchemy.text(f"SELECT * FROM (\n{query}\n) AS asked {where}ORDER BY {name}")
    return (text, {"mark": mark}) if mark is not None else (text,)
