"""A cleaned table → the folder that others load, offline, with `datasets` alone; or the refusal that says why not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from huggingface_hub import DatasetCard, DatasetCardData
from released import rows, write_project
from test_card import same
from test_publish import change

from stages import release, schema, sending, share
from stages.refusal import Refusal

FILES = {"train.parquet", "validation.parquet", "test.parquet", "README.md", "LICENSE", "provenance.json",
         "manifest.json"}  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(write_project(tmp_path))
    return tmp_path


def shared(name: str = "places") -> Path:
    share.main(name, f"{name}.parquet", f"reports/data/{name}.json", f"reports/clean/{name}.json", f"out/{name}")
    return Path("out", name)


def refused(name: str = "places") -> Refusal:
    with pytest.raises(Refusal) as caught:
        shared(name)
    assert not Path("out", name).exists()
    return caught.value


def test_the_splits_leave_with_their_card_licence_origin_and_manifest(project, capsys):
    folder = shared()
    assert {path.name for path in release.rows(folder)} == FILES
    assert json.loads((folder / "manifest.json").read_text()) == sending.manifest(folder)
    told = capsys.readouterr().out
    assert told == "share places: 4 train, 4 validation, 4 test rows of text, rating, rubrics, keywords\n"


def test_the_folder_loads_offline_with_its_splits_and_types(project):
    folder = shared()
    code = (
        "import sys, json, datasets\n"
        "rows = datasets.load_dataset(sys.argv[1])\n"
        "told = {split: one.num_rows for split, one in rows.items()}, rows['test'][0], str(rows['test'].features)\n"
        "print(json.dumps(told))"
    )
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(project / "hf")}
    done = subprocess.run([sys.executable, "-c", code, str(folder)], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    counts, first, features = json.loads(done.stdout)
    assert counts == {"train": 4, "validation": 4, "test": 4}
    assert first == {"text": "Ждали 0 часа в test, суп остыл.", "rating": 1, "rubrics": "Кафе", "keywords": ["суп"]}
    assert "int8" in features


def test_the_whole_card(project):
    same("dataset-places", (shared() / "README.md").read_text("utf-8"))


def test_the_hubs_own_classes_read_the_head_and_write_it_again(project):
    data = DatasetCard((shared() / "README.md").read_text("utf-8")).data.to_dict()
    assert DatasetCardData(**data).to_dict() == data
    assert [one["split"] for one in data["configs"][0]["data_files"]] == ["train", "validation", "test"]
    assert [one["num_examples"] for one in data["dataset_info"]["splits"]] == [4, 4, 4]


def test_no_id_and_no_group_leaves(project):
    called = rows().with_columns(group=pl.lit("place 1, +7 (912) 345-67-89"))  # what stays here need not be masked
    schema.write("places.parquet", called, schema.ENRICHED)
    for path in shared().iterdir():
        whole = path.read_bytes() if path.suffix != ".parquet" else str(pl.read_parquet(path).to_dicts()).encode()
        assert b"place 1" not in whole and b"train1" not in whole


def test_where_the_rows_lay_here_is_not_told(project):
    columns = {"text": "t", "rating": "r"}
    collect = {"kind": "file", "path": "/srv/private/x.csv", "format": "csv", "columns": columns}
    change("params.yaml", "sources", "places", "collect", to=collect)
    folder = shared()
    assert "files: `x.csv`" in (folder / "README.md").read_text("utf-8")
    assert not any(b"/srv/private" in path.read_bytes() for path in folder.iterdir())
    collect = {"kind": "sql", "env": "SECRET_DB", "query": "SELECT t FROM inner", "columns": columns}
    change("params.yaml", "sources", "places", "collect", to=collect)
    assert not any(b"SECRET_DB" in path.read_bytes() or b"inner" in path.read_bytes() for path in shared().iterdir())


def test_without_permission_there_is_no_dataset(project):
    told = refused("films")
    assert "'films'" in told.found and "params.yaml: datasets" in told.where


@pytest.mark.parametrize(
    ("column", "value"),
    [("text", "Звоните 8-912-345-67-89"), ("keywords", ["me@mail.example.ru"]), ("rubrics", "t.me/deals")],
)
def test_personal_data_that_is_left_stops_it_and_is_not_told(project, column, value):
    table = rows()
    filled = pl.when(pl.col("id") == "test1").then(pl.lit(value, table.schema[column])).otherwise(pl.col(column))
    schema.write("places.parquet", table.with_columns(filled.alias(column)), schema.ENRICHED)
    told = refused()
    assert told.found == f"1 rows of test in {column}" and "912" not in str(told)


def test_a_split_without_rows_is_refused(project):
    schema.write("places.parquet", rows().filter(pl.col("split") != "validation"), schema.ENRICHED)
    assert refused().found == "none in validation"


def test_a_licence_without_its_text_is_refused(project):
    change("params.yaml", "datasets", "places", "license", to="mit")
    assert refused().where == "params.yaml: datasets.places.license"


def test_equal_rows_give_equal_bytes(project):
    first = {path.name: path.read_bytes() for path in shared().iterdir()}
    assert {path.name: path.read_bytes() for path in shared().iterdir()} == first


@pytest.mark.parametrize("stray", ["notes.txt", "train.csv", "training_args.bin"])
def test_a_folder_with_anything_else_is_never_sent(project, stray):
    folder = shared()
    (folder / stray).write_text("x")
    with pytest.raises(Refusal):
        release.rows(folder)
