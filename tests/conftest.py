"""A small mill, built once: every stage below enrich, for five small recipes. A Hub on the loopback, for one test."""

from pathlib import Path

import pytest
import yaml
from small_mill import RECIPES, answered, enriched, evaluate_words, predict_words, settings, train_words


@pytest.fixture
def write_settings():
    """Write params.yaml into the current folder, with some sections replaced."""

    def write(**sections) -> dict:
        whole = settings(**sections)
        Path("params.yaml").write_text(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return whole

    return write


@pytest.fixture
def hub():
    from hub.server import Hub

    hub = Hub()
    yield hub
    assert not hub.strays, "the token went to the origin of large files"
    hub.close()


@pytest.fixture(scope="session")
def mill(tmp_path_factory) -> Path:
    """The folder of a project in which every stage below enrich has run."""
    from stages import evaluate, judge, predict, pretrain, schema, tokenize, train

    folder = tmp_path_factory.mktemp("mill")
    table = "data/enriched/places.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("params.yaml").write_text(yaml.safe_dump(settings(), allow_unicode=True), "utf-8")
        schema.write(table, enriched(), schema.ENRICHED)
        schema.write("data/enriched/answers.parquet", answered(), schema.ENRICHED)
        for base in ("t5", "bert"):
            pretrain.main(base, table, f"data/bases/{base}", f"data/reports/pretrain/{base}.json")
        for source in ("places", "answers"):
            report = f"data/reports/judge/{source}.json"
            judge.main(source, f"data/enriched/{source}.parquet", "data/bases/bert", f"data/judges/{source}", report)
        for name, wanted in RECIPES.items():
            base, tokens, source = wanted["model"]["base"], f"data/tokens/{name}", wanted["rows"]["from"]
            report, docs = f"data/reports/tokenize/{name}.json", f"data/docs/recipes/{name}"
            tokenize.main(name, f"data/enriched/{source}.parquet", f"data/{base}", tokens, report, docs)
            train.main(*train_words(name, base))
            predict.main(*predict_words(name))
            evaluate.main(*evaluate_words(name))
    return folder


@pytest.fixture
def in_mill(mill, monkeypatch, tmp_path) -> Path:
    """A folder of the test's own that sees the mill's data: what is written there leaves the mill as it was."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for made in (mill / "data").iterdir():
        if made.name not in ("reports", "live", "scores"):
            (tmp_path / "data" / made.name).mkdir()
            for one in made.iterdir():
                (tmp_path / "data" / made.name / one.name).symlink_to(one)
    (tmp_path / "data/reports").mkdir()
    (tmp_path / "data/reports/judge").symlink_to(mill / "data/reports/judge")
    return tmp_path
