"""Rows of a query, from SQLite always and from a real PostgreSQL where its Debian package is installed."""

import itertools
import sqlite3

import polars as pl
import postgres
import pytest
import sqlalchemy

from stages.params import SqlSource
from stages.refusal import Refusal
from stages.sources import sql
from stages.sources.batch import REJECTS, rejected

COLUMNS = {"text": "body", "rating": "stars", "id": "id"}
QUERY = "SELECT id, body, stars FROM reviews ORDER BY id"


@pytest.fixture(scope="session")
def server():
    if postgres.programs() is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    with postgres.running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path, monkeypatch):
    """An engine of the test's own on a database with three reviews; its address is in $REVIEWS_DB."""
    url = f"sqlite:///{tmp_path}/reviews.db" if request.param == "sqlite" else request.getfixturevalue("server")
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        if request.param == "sqlite":
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")  # one may write while another reads
        connection.exec_driver_sql("DROP TABLE IF EXISTS reviews")
        connection.exec_driver_sql(
            "CREATE TABLE reviews (id INTEGER PRIMARY KEY, body TEXT, stars NUMERIC(3, 1), at TIMESTAMP)"
        )
    monkeypatch.setenv("REVIEWS_DB", url)
    add(engine, (1, "Хорошо", 5), (2, None, 4.5), (3, "a:b 100% \\", 1))
    yield engine
    engine.dispose()


def add(engine, *rows: tuple) -> None:
    with engine.begin() as connection:
        for key, body, stars in rows:
            told = {"id": key, "body": body, "stars": stars, "at": f"2026-11-{20 + key // 100} 10:00:{key % 60:02}"}
            connection.execute(sqlalchemy.text("INSERT INTO reviews VALUES (:id, :body, :stars, :at)"), told)


def settings(query: str = QUERY, **more) -> SqlSource:
    return SqlSource(**{"kind": "sql", "env": "REVIEWS_DB", "query": query, "columns": COLUMNS} | more)


def collected(wanted: SqlSource) -> tuple[pl.DataFrame, pl.DataFrame]:
    batches = list(sql.read(wanted, "x", "none.parquet", {}))
    assert all(batch.read == batch.rows.height + len(batch.rejects) for batch in batches)
    return pl.concat(one.rows for one in batches), pl.concat(rejected(one) for one in batches)


def refused(wanted: SqlSource) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        collected(wanted)
    return refusal.value


@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_rows_come_as_text_in_the_querys_order(database, chunk):
    rows, rejects = collected(settings(chunk=chunk))
    assert rows.select("id", "text").rows() == [("1", "Хорошо"), ("2", None), ("3", "a:b 100% \\")]
    assert [float(one) for one in rows["rating"]] == [5, 4.5, 1]
    assert rejects.is_empty() and rejects.schema == REJECTS
    assert rows.drop("id", "text", "rating").null_count().row(0) == (3,) * 5


def test_signs_in_a_query_stay_as_they_are(database):
    query = "SELECT id, body, '10:30 :x %s 5%' AS stars FROM reviews WHERE body LIKE '%:b%';"
    assert collected(settings(query))[0].select("id", "rating").rows() == [("3", "10:30 :x %s 5%")]


def test_what_another_connection_inserts_meanwhile_is_not_seen(database):
    add(database, *((n, f"t{n}", 3) for n in range(4, 60)))
    reading = sql.read(settings("SELECT id, body, stars FROM reviews", chunk=5), "x", "none.parquet", {})
    first = next(reading).rows.height
    add(database, *((n, "late", 3) for n in range(60, 80)))
    rest = [batch.rows for batch in reading]
    assert first == 5 and first + sum(one.height for one in rest) == 59
    assert not any("late" in one["text"] for one in rest)
    assert collected(settings())[0].height == 79, "they are there for the next"


def test_postgresql_reads_one_snapshot_for_reading_only_by_a_cursor_on_the_server(database):
    if database.name != "postgresql":
        pytest.skip("asks PostgreSQL itself")
    query = (
        "SELECT current_setting('transaction_isolation') AS body, current_setting('transaction_read_only') AS stars, "
        "(SELECT count(*) FROM pg_cursors)::text AS id"
    )
    assert collected(settings(query))[0].select("text", "rating", "id").rows() == [("repeatable read", "on", "1")]
    assert "SyntaxError" in refused(settings("DELETE FROM reviews RETURNING id, body, stars")).found


def test_sqlite_is_opened_for_reading_only(database):
    if database.name == "sqlite":
        assert "readonly" in refused(settings("DELETE FROM reviews RETURNING id, body, stars")).found
    assert collected(settings())[0].height == 3


def test_cells_that_are_no_text_are_set_aside(tmp_path, monkeypatch):
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE reviews (id, body, stars)")
        for row in [(1, b"\xff", 1), (2, "fine", 2)]:
            connection.execute("INSERT INTO reviews VALUES (?, ?, ?)", row)
        connection.execute("INSERT INTO reviews VALUES (3, CAST(x'61ff' AS TEXT), 3)")
    connection.close()
    monkeypatch.setenv("REVIEWS_DB", f"sqlite:///{tmp_path}/x.db")
    rows, rejects = collected(settings())
    assert rows["text"].to_list() == ["fine"]
    assert rejects.select("file", "line", "reason").rows() == [("query", 1, "not_text"), ("query", 3, "bad_encoding")]


@pytest.mark.parametrize(
    ("more", "where", "found"),
    [
        ({"columns": COLUMNS | {"text": "bdy"}}, "x.columns.text", "id, body, stars"),
        ({"watermark": "at"}, "x.query; x.watermark", "at"),
        ({"query": "SELECT id, body, stars, body FROM reviews"}, "x.query", "body twice"),
        ({"query": "SELECT id, body, stars FROM revews"}, "x.query", "revews"),
        ({"query": "SELEC"}, "x.query", "syntax error"),
        ({"env": "NO_SUCH_DB"}, "x.env", "nothing"),
    ],
)
def test_a_wrong_setting_is_refused_at_its_address(database, more, where, found):
    refusal = refused(settings(**more))
    assert refusal.where == where and found in refusal.found


@pytest.mark.parametrize(
    "url",
    [
        "not an address hunter2-secret",
        "postgresql://ann:hunter2-secret@127.0.0.1:1/reviews",
        "postgresql+psycopg://ann:hunter2-secret@/reviews?host=/no/such/hunter2-secret",
        "oracle+cx_oracle://ann:hunter2-secret@host/reviews",
        "nosuch://ann:hunter2-secret@host/reviews",
        "sqlite:////no/such/hunter2-secret/x.db",
    ],
)
def test_no_part_of_an_address_is_in_a_refusal(monkeypatch, url):
    monkeypatch.setenv("REVIEWS_DB", url)
    refusal = refused(settings())
    assert refusal.where == "x.env"
    links = itertools.takewhile(bool, (refusal, refusal.__cause__))
    assert not any("hunter2" in str(one) or "/reviews" in str(one) for one in links)
    assert refusal.__suppress_context__ or refusal.__context__ is None


def test_a_wrong_password_is_refused_without_a_name(server, monkeypatch):
    monkeypatch.setenv("REVIEWS_DB", server.replace("mill:hunter2-secret", "mill:wrong-secret"))
    refusal = refused(settings())
    assert refusal.found.startswith("OperationalError") and "mill" not in str(refusal)


def test_a_databases_own_message_is_sieved(database, monkeypatch):
    url = database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("REVIEWS_DB", url)
    secret = database.url.password or database.url.database
    refusal = refused(settings(f'SELECT "{secret}" FROM nowhere'))
    assert secret not in refusal.found and refusal.where == "x.query"


def test_a_watermark_of_moments_goes_on_where_the_last_collect_ended(database, tmp_path):
    from stages.schema import RAW
    from stages.sources import snapshot

    wanted, path = settings("SELECT * FROM reviews", watermark="at", chunk=2), tmp_path / "x.parquet"

    def collect() -> list[str]:
        with snapshot.writing((path, RAW)) as (table,):
            for batch in sql.read(wanted, "x", path, table.note):
                table.add(batch.rows)
        return pl.read_parquet(path)["id"].to_list()

    assert collect() == ["1", "2", "3"]
    add(database, (63, "the same second as 3", 5), (104, "a day later", 5))
    assert collect() == ["1", "2", "3", "63", "104"]
    assert [batch.kept for batch in sql.read(wanted, "x", path, {})] == [True, False], "asked from the mark on"
