"""engine: ray on a cluster of two workers, one of them killed on the way: the bytes of engine: local."""

import hashlib
from pathlib import Path

import polars as pl
import pytest
import yaml

from stages import clean, params
from stages.refusal import Refusal
from stages.schema import RAW, write

ray = pytest.importorskip("ray")
from stages.engines import cluster as stage  # noqa: E402
from stages.engines import ray_data  # noqa: E402

WORDS = (
    "пицца",
    "суп",
    "сыр",
    "чай",
    "кофе",
    "торт",
    "рыба",
    "мясо",
    "хлеб",
    "салат",
    "сок",
    "вода",
    "борщ",
    "плов",
    "каша",
)
TABLES = ("clean.parquet", "rejected.parquet", "clean.json")


def text(n: int) -> str:
    """A review of twelve words that no other number has."""
    drawn = hashlib.sha256(str(n).encode()).digest()
    return " ".join(WORDS[byte % len(WORDS)] for byte in drawn[:12]).capitalize() + f", заказ {n}."


def raw(rows: int) -> pl.DataFrame:
    """Reviews with some of every fault: nothing said, repeated, nearly repeated, contradicted, in another language."""
    texts = pl.Series([text(n) for n in range(rows)])
    at = pl.Series(range(rows))
    table = pl.DataFrame({"n": at, "text": texts}).with_columns(
        text=pl.when(at % 41 == 40).then(pl.lit(""))
        .when(at % 17 == 16).then(texts.shift(16))
        .when(at % 19 == 18).then(texts.shift(9) + " Да!")
        .when(at % 97 == 96).then(texts.shift(90))
        .when(at % 53 == 52).then("The soup was cold and nobody came to ask us. Never again, " + at.cast(pl.String))
        .otherwise(texts),
        rating=pl.when(at % 97 == 96).then(pl.lit("1")).otherwise(pl.lit("5")),
        id=at.cast(pl.String), group=(at // 7).cast(pl.String), rubrics=pl.lit("Кафе"),
        split=pl.lit(None, pl.String),
        question=pl.when(at % 5 == 0).then(pl.lit("Как прошло?")), guide=pl.lit(None, pl.String),
    )  # fmt: skip
    return table.select(list(RAW))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a raw table; `run(engine)` cleans it there and gives the bytes of what was written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clean, "BLOCK", 300)
    write("raw.parquet", raw(3000), RAW)
    settings = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8"))

    def run(engine: str, **rules) -> dict[str, bytes]:
        settings["engine"] = engine
        settings["sources"]["places"]["clean"] |= rules
        Path("params.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
        clean.main("places", "raw.parquet", *(f"{engine}/{name}" for name in TABLES))
        return {name: Path(engine, name).read_bytes() for name in TABLES}

    return run


@pytest.mark.slow
def test_one_of_two_workers_is_killed_and_the_tables_are_the_same(project, two_workers, monkeypatch):
    cluster, workers = two_workers
    here = project("local")
    account = yaml.safe_load(here["clean.json"])
    assert all(account["rejected"][reason] for reason in
               ("empty_text", "off_language", "contradictory", "duplicate", "near_duplicate"))  # fmt: skip
    near, victim = stage.near, workers[0]
    held = []

    def killing(rows, *words, **more):
        """Before the first pairs are asked for: what the victim has worked out, and holds, is lost with it."""
        if not held:
            refs = [ref for bundle in rows.iter_internal_ref_bundles() for ref in bundle.block_refs]
            where = ray.experimental.get_object_locations(refs)
            held.extend(ref for ref in refs if victim.node_id in where[ref]["node_ids"])
            cluster.remove_node(victim, allow_graceful=False)
        return near(rows, *words, **more)

    monkeypatch.setattr(stage, "near", killing)
    assert project("ray") == here
    assert held, "the killed worker held no block: nothing had to be done again"
    assert [node["Alive"] for node in ray.nodes() if node["NodeID"] == victim.node_id] == [False]


@pytest.mark.slow
def test_leaks_are_counted_as_they_are_here_where_near_duplicates_stay(project, two_workers):
    here = project("local", near_duplicate=None)
    assert yaml.safe_load(here["clean.json"])["leakage"]["near"] > 0
    assert project("ray", near_duplicate=None) == here


@pytest.mark.slow
def test_an_empty_table_is_refused_as_it_is_here(project, two_workers):
    write("raw.parquet", raw(0), RAW)
    for engine in ("local", "ray"):
        with pytest.raises(Refusal, match="rows after cleaning"):
            project(engine)


@pytest.mark.parametrize("address", ["not an address", "127.0.0.1:1"])
def test_an_address_where_no_cluster_answers_is_refused(monkeypatch, address):
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(Refusal, match=f"found {address}.*\n.*RAY_ADDRESS"):
        stage.connect()


@pytest.mark.slow
def test_a_machine_with_other_packages_is_refused(two_workers, monkeypatch):
    ray.shutdown()
    monkeypatch.setattr(ray_data, "version", lambda name: "0.0")  # at the driver; the workers ask for themselves
    with pytest.raises(Refusal, match=r"requirements\.lock"):
        stage.connect()
    ray.shutdown()


def test_the_engine_is_one_of_two():
    with pytest.raises(Refusal, match="engine"):
        params.check({"engine": "spark"})
